"""The package's own event loop, on a thread: where async-only work runs for sync callers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def background_loop() -> asyncio.AbstractEventLoop:
    """Return a running loop; one per process, since threads do not survive a fork."""
    return _loop(os.getpid())


def begin(work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Begin `work` on the background loop, with the context variables of the caller.

    To wait for it in another loop, await `asyncio.wrap_future` of it; cancelling that, or this,
    cancels the work.
    """
    return asyncio.run_coroutine_threadsafe(work, background_loop())


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Do `work` on the background loop, and wait; for callers without an event loop.

    If the caller is interrupted the work is cancelled. Raises RuntimeError on the background loop
    itself, which would wait for itself forever.
    """
    try:
        waiting = asyncio.get_running_loop()
    except RuntimeError:
        waiting = None
    if waiting is background_loop():
        work.close()
        raise RuntimeError("a sync call on the background loop would never end: await it instead")
    job = begin(work)
    try:
        return job.result()
    except BaseException:
        job.cancel()
        raise


@cache
def _loop(process: int) -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="verifier-agent", daemon=True)
    thread.start()
    return loop
