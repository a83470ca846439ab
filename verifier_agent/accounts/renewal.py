"""Leases that are worked on are renewed, by one thread of this process for all of them."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from verifier_agent.accounts.account import Account, Lease
from verifier_agent.errors import RunBusy

PER_PERIOD = 3
"""Renewals per period, so that one or two may fail."""


@contextmanager
def renewed(account: Account, lease: Lease) -> Iterator[None]:
    """Keep `lease` from expiring as long as the block runs."""
    renewer = _renewer(os.getpid())
    job = renewer.add(account, lease)
    try:
        yield
    finally:
        renewer.drop(job)


class _Renewer:
    """Renews what it is told to, when it is due."""

    def __init__(self) -> None:
        self._due: dict[int, tuple[float, Account, Lease]] = {}
        self._changed = threading.Condition()
        self._jobs = 0
        threading.Thread(target=self._run, name="verifier-agent-leases", daemon=True).start()

    def add(self, account: Account, lease: Lease) -> int:
        with self._changed:
            self._jobs += 1
            self._due[self._jobs] = (_next(account), account, lease)
            self._changed.notify()
            return self._jobs

    def drop(self, job: int) -> None:
        with self._changed:
            self._due.pop(job, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                job = min(self._due, key=lambda job: self._due[job][0], default=None)
                if job is None:
                    self._changed.wait()
                    continue
                due, account, lease = self._due[job]
                if (pause := due - time.monotonic()) > 0:
                    self._changed.wait(pause)
                    continue
                self._due[job] = (_next(account), account, lease)
            self._renew(job, account, lease)

    def _renew(self, job: int, account: Account, lease: Lease) -> None:
        try:
            account.renew(lease)
        except RunBusy:
            self.drop(job)  # another worker has it: whoever holds this lease hears of it at the end
        except Exception:  # a database that is away for a moment: tried again soon
            with self._changed:
                if job in self._due:
                    self._due[job] = (time.monotonic() + account.period / 10, account, lease)


def _next(account: Account) -> float:
    return time.monotonic() + account.period / PER_PERIOD


@cache
def _renewer(process: int) -> _Renewer:
    """Return the renewer of this process; threads do not survive a fork."""
    return _Renewer()
