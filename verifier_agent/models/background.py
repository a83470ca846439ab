"""The package's own event loop, on a thread: where async-only work runs for sync callers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_LOOPS: dict[int, asyncio.AbstractEventLoop] = {}


def background_loop() -> asyncio.AbstractEventLoop:
    """Return a running loop; one per process, since threads do not survive a fork."""
    process = os.getpid()
    if process not in _LOOPS:
        made = _running()
        if _LOOPS.setdefault(process, made) is not made:  # no lock: a fork could copy it locked
            made.call_soon_threadsafe(made.stop)
    return _LOOPS[process]


def begin(work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Begin `work` on the background loop, with the context variables of the caller.

    To wait for it in another loop, await `asyncio.wrap_future` of it; cancelling that, or this,
    cancels the work.
    """
    return asyncio.run_coroutine_threadsafe(work, background_loop())


def wait_for(work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
    """Do `work` on the background loop, and wait; for callers without an event loop.

    If it is not done after `seconds` (None: it may take any time), or if the caller is interrupted,
    the work is cancelled. Raises TimeoutError in the first case, and RuntimeError on the background
    loop itself, which would wait for itself forever.
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
        return job.result(seconds)
    except BaseException:
        job.cancel()
        raise


def _running() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()

    def run() -> None:
        loop.run_forever()
        loop.close()

    threading.Thread(target=run, name="verifier-agent", daemon=True).start()
    return loop
