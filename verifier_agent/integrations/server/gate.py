"""How many requests are worked on at once, how many wait, and what the others are told."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from verifier_agent.integrations.server.refusals import Refused

MEMORY = 0.2
"""How much the latest request counts in the average time of one."""
LONGEST_WAIT = 60
"""Seconds; nobody is sent away for longer."""


class Gate:
    """Lets `concurrency` requests in at once; `queue` more wait, each at most `seconds`."""

    def __init__(self, concurrency: int, queue: int, seconds: float) -> None:
        self.inside = self.waiting = 0
        self._concurrency, self._queue, self._seconds = concurrency, queue, seconds
        self._places = asyncio.Semaphore(concurrency)
        self._average = 1.0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place; raises Refused with status 429 where there is none in time."""
        await self._enter()
        started = time.perf_counter()
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
            self._places.release()
            took = time.perf_counter() - started
            self._average += MEMORY * (took - self._average)

    async def _enter(self) -> None:
        if self._places.locked() and self.waiting >= self._queue:
            raise self._busy()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._places.acquire()
        except TimeoutError:
            raise self._busy() from None
        finally:
            self.waiting -= 1

    def _busy(self) -> Refused:
        pause = retry_after(self._average, self.waiting, self._concurrency)
        return Refused(
            429,
            f"the server is busy: {self.inside} requests are worked on and {self.waiting} wait",
            kind="server_error",
            code="rate_limit_exceeded",
            headers={"retry-after": str(pause)},
        )


def retry_after(average: float, waiting: int, concurrency: int) -> int:
    """Return in how many whole seconds a place may be free, if each request takes `average`."""
    return max(1, min(LONGEST_WAIT, math.ceil(average * (waiting + 1) / concurrency)))
