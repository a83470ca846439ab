"""An account for the runs of one process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from verifier_agent.accounts.amounts import NOTHING, Amounts, Limits, limits
from verifier_agent.accounts.books import PERIOD, BookedAccount, Entry, T, check_period
from verifier_agent.budget import Budget


class MemoryAccount(BookedAccount):
    """A budget shared by runs of this process, in any of its threads and event loops.

    It remembers every run, for as long as it lives itself: a run that was settled may go on, and is
    then charged once, and one that lost its lease is told so however late it settles.

    Args:
        budget: What all runs together may spend.
        period: Seconds after which a lease that was not renewed expires.
        clock: Gives the seconds that leases expire by.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        period: float = PERIOD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.period = check_period(period)
        self._page = _Notes(limits(budget), clock)
        self._lock = threading.Lock()

    @contextmanager
    def _open(self) -> Iterator[_Notes]:
        with self._lock:
            yield self._page

    async def _elsewhere(self, work: Callable[[], T]) -> T:
        return work()  # it waits for nothing, and a thread would cost more


class _Notes:
    """The books, in dicts. Each transaction writes once, at its end, so none is left half done."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._charged = NOTHING
        self._entries: dict[str, Entry] = {}
        self.now = clock

    def limits(self) -> Limits:
        return self._limits

    def charged(self) -> Amounts:
        return self._charged

    def entry(self, run: str) -> Entry:
        return self._entries.get(run, Entry())

    def write(self, run: str, entry: Entry, charged: Amounts) -> None:
        self._entries[run] = entry
        self._charged = charged
