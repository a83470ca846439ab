"""The package's own event loop, on a thread: where async-only work runs for sync callers."""

from __future__ import annotations

import asyncio
import os
import threading
from functools import cache


def background_loop() -> asyncio.AbstractEventLoop:
    """Return a running loop; one per process, since threads do not survive a fork."""
    return _loop(os.getpid())


@cache
def _loop(process: int) -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="verifier-agent", daemon=True)
    thread.start()
    return loop
