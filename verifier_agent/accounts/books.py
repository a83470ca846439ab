"""How every account keeps its books: what is charged to whom, changed in one transaction."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from verifier_agent.accounts.account import Lease
from verifier_agent.accounts.amounts import (
    NOTHING,
    Amounts,
    Limits,
    as_budget,
    as_remaining,
    granted,
    limits,
    minus,
    plus,
    spent_amounts,
)
from verifier_agent.budget import UNITS, Budget, Remaining, Spent
from verifier_agent.errors import ConfigurationError, RunBusy

PERIOD = 60.0
"""Seconds without a sign of life after which a worker is taken to be dead."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is charged to one run."""

    base: Amounts = NOTHING
    """By earlier runs of this name."""
    charge: Amounts = NOTHING
    """By this one: what it was granted while it is leased, what it spent once it is settled."""
    number: int = 0
    expires: float | None = None
    """On the clock of the books; None: nobody holds it."""

    @property
    def total(self) -> Amounts:
        """All that is charged under this name."""
        return plus(self.base, self.charge)


class Page(Protocol):
    """The books of one account, open for one transaction."""

    def now(self) -> float:
        """Return the time in seconds, on a clock that all who write here share."""

    def limits(self) -> Limits:
        """Return the limits of the account."""

    def charged(self) -> Amounts:
        """Return the sum over all entries."""

    def entry(self, run: str) -> Entry:
        """Return the entry of a run; an empty one if there is none."""

    def write(self, run: str, entry: Entry, charged: Amounts) -> None:
        """Write an entry, and the sum over all of them."""


class BookedAccount(ABC):
    """An account whose books are kept somewhere; see `Account` for what its methods promise."""

    period: float

    @abstractmethod
    def _open(self) -> AbstractContextManager[Page]:
        """Begin a transaction that shuts out all others, and commit it at its end."""

    def lease(self, run: str, wanted: Budget, *, resumed: bool = False) -> Lease:
        """Grant what is wanted, or as much of it as is left."""
        return self._lease(run, wanted, resumed)[0]

    def _lease(self, run: str, wanted: Budget, resumed: bool) -> tuple[Lease, Entry]:
        """Lease; return with the lease the entry that it took the place of."""
        with self._open() as page:
            before, now = page.entry(run), page.now()
            if before.expires is not None and now < before.expires:
                raise RunBusy(
                    f"run {run!r} is held by another worker, for {before.expires - now:.0f} more "
                    "seconds unless it is renewed"
                )
            entry = before if resumed else replace(before, base=before.total, charge=NOTHING)
            others = minus(page.charged(), before.total)
            grant = granted(wanted, page.limits(), plus(others, entry.base))
            leased = replace(
                entry,
                charge=plus(NOTHING, grant),
                number=entry.number + 1,
                expires=now + self.period,
            )
            page.write(run, leased, plus(others, leased.total))
        return Lease(run=run, budget=as_budget(grant), number=leased.number), before

    def renew(self, lease: Lease) -> None:
        """Hold the run for another period."""
        with self._open() as page:
            entry = _held(page, lease)
            if entry.expires is not None:
                entry = replace(entry, expires=page.now() + self.period)
                page.write(lease.run, entry, page.charged())

    def settle(self, lease: Lease, spent: Spent) -> None:
        """Charge what the run has spent since it began, and let go of it."""
        with self._open() as page:
            entry = _held(page, lease)
            if entry.expires is None:
                return
            charge = spent_amounts(spent, limits(lease.budget))
            settled = replace(entry, charge=charge, expires=None)
            charged = plus(minus(page.charged(), entry.total), settled.total)
            page.write(lease.run, settled, charged)

    def remaining(self) -> Remaining:
        """Return what can still be leased."""
        with self._open() as page:
            return as_remaining(page.limits(), page.charged())

    async def alease(self, run: str, wanted: Budget, *, resumed: bool = False) -> Lease:
        """Do as `lease`."""
        job = asyncio.ensure_future(self._elsewhere(lambda: self._lease(run, wanted, resumed)))
        try:
            return (await asyncio.shield(job))[0]
        except asyncio.CancelledError:
            # it is granted all the same, and nobody would know of it
            job.add_done_callback(self._undo)
            raise

    async def arenew(self, lease: Lease) -> None:
        """Do as `renew`."""
        await self._elsewhere(lambda: self.renew(lease))

    async def asettle(self, lease: Lease, spent: Spent) -> None:
        """Do as `settle`; cancelling does not undo it."""
        await asyncio.shield(self._elsewhere(lambda: self.settle(lease, spent)))

    async def aremaining(self) -> Remaining:
        """Do as `remaining`."""
        return await self._elsewhere(self.remaining)

    async def _elsewhere(self, work: Callable[[], T]) -> T:
        """Do what waits for a disk or a network without holding up the event loop."""
        return await asyncio.to_thread(work)

    def _undo(self, job: asyncio.Future[tuple[Lease, Entry]]) -> None:
        """Put back what a lease took the place of: a run that goes on has spent before."""
        if job.cancelled() or job.exception() is not None:
            return
        lease, before = job.result()
        with self._open() as page:
            entry = page.entry(lease.run)
            if entry.number == lease.number:
                charged = plus(minus(page.charged(), entry.total), before.total)
                page.write(lease.run, before, charged)


def _held(page: Page, lease: Lease) -> Entry:
    entry = page.entry(lease.run)
    if entry.number != lease.number:
        raise RunBusy(f"the lease of run {lease.run!r} expired, and another worker has taken it")
    return entry


def check_period(period: float) -> float:
    """Return `period`; raises ConfigurationError unless it is a positive number of seconds."""
    if isinstance(period, bool) or not isinstance(period, int | float) or not 0 < period < 1e9:
        raise ConfigurationError(f"period={period!r}: a positive number of seconds is needed")
    return float(period)


def check_limits(name: str, stored: Limits, wanted: Limits | None) -> None:
    """Raise ConfigurationError if an account that exists has other limits than are wanted."""
    if wanted is not None and stored != wanted:
        units = [u for u, a, b in zip(UNITS, stored, wanted, strict=True) if a != b]
        raise ConfigurationError(
            f"account {name!r} exists with another limit in {', '.join(units)}; leave the budget "
            "out to use it as it is, or choose another name"
        )
