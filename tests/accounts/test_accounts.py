from __future__ import annotations

import asyncio
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.accounts.conftest import Make
from verifier_agent import AccountEmpty, Budget, ConfigurationError, RunBusy
from verifier_agent.accounts import Account, Lease, MemoryAccount, SQLiteAccount
from verifier_agent.accounts.renewal import renewed
from verifier_agent.budget import Spent


def test_a_lease_is_what_is_wanted_or_what_is_left(make: Make) -> None:
    account = make(Budget(calls=10, usd=1.0))
    assert account.lease("a", Budget(calls=8, usd=0.25)).budget == Budget(calls=8, usd=0.25)
    assert account.lease("b", Budget(calls=8, usd=0.25)).budget == Budget(calls=2, usd=0.25)
    with pytest.raises(AccountEmpty, match="calls"):
        account.lease("c", Budget(calls=1, usd=0.25))
    assert account.remaining().calls == 0
    assert account.remaining().usd == 0.5
    assert account.remaining().tokens == math.inf


def test_settling_gives_back_what_was_not_spent(make: Make) -> None:
    account = make(Budget(calls=10, tokens=1000))
    lease = account.lease("a", Budget(calls=10, tokens=1000))
    account.settle(lease, Spent(calls=3, tokens=100))
    assert (account.remaining().calls, account.remaining().tokens) == (7, 900)
    account.settle(lease, Spent(calls=9, tokens=900))  # a second time it changes nothing
    assert (account.remaining().calls, account.remaining().tokens) == (7, 900)


def test_a_limit_that_only_the_run_has_is_granted_as_it_is(make: Make) -> None:
    account = make(Budget(calls=10))
    assert account.lease("a", Budget(calls=4, seconds=2.5)).budget == Budget(calls=4, seconds=2.5)


def test_a_run_without_a_limit_that_the_account_has_is_refused(make: Make) -> None:
    account = make(Budget(usd=1.0))
    with pytest.raises(ConfigurationError, match="usd"):
        account.lease("a", Budget(calls=4))
    assert account.remaining().usd == 1.0


def test_what_is_unknown_of_the_spend_is_charged_as_granted(make: Make) -> None:
    account = make(Budget(usd=1.0, calls=5))
    lease = account.lease("a", Budget(usd=0.25, calls=5))
    account.settle(lease, Spent(calls=1, usd=None))
    assert account.remaining().usd == 0.75


def test_a_run_is_leased_to_one_worker(make: Make) -> None:
    account = make(Budget(calls=10))
    lease = account.lease("a", Budget(calls=2))
    with pytest.raises(RunBusy, match="'a'"):
        account.lease("a", Budget(calls=2))
    account.settle(lease, Spent(calls=2))
    account.lease("a", Budget(calls=2))
    assert account.remaining().calls == 6


def test_what_a_dead_worker_was_granted_stays_charged(make: Make) -> None:
    account = make(Budget(calls=10), period=0.05)
    account.lease("a", Budget(calls=4))
    time.sleep(0.06)
    assert account.remaining().calls == 6
    account.lease("a", Budget(calls=4))  # another run of the same name: both are charged
    assert account.remaining().calls == 2


def test_a_run_that_goes_on_is_charged_once(make: Make) -> None:
    account = make(Budget(calls=5), period=0.05)
    dead = account.lease("a", Budget(calls=4))
    time.sleep(0.06)
    lease = account.lease("a", Budget(calls=4), resumed=True)
    assert lease.budget == Budget(calls=4)
    assert account.remaining().calls == 1
    with pytest.raises(RunBusy, match="another worker"):
        account.settle(dead, Spent())  # it was only slow: what it spent is no longer its to tell
    with pytest.raises(RunBusy):
        account.renew(dead)
    account.settle(lease, Spent(calls=3))
    assert account.remaining().calls == 2
    # paused, settled, and gone on with later: what it spent is part of its budget
    again = account.lease("a", Budget(calls=5), resumed=True)
    assert again.budget == Budget(calls=5)
    account.settle(again, Spent(calls=4))
    assert account.remaining().calls == 1


def test_a_slow_worker_may_still_settle_if_nobody_took_its_run(make: Make) -> None:
    account = make(Budget(calls=5), period=0.05)
    lease = account.lease("a", Budget(calls=4))
    time.sleep(0.06)
    account.settle(lease, Spent(calls=1))
    assert account.remaining().calls == 4


def test_a_renewed_lease_is_held_for_another_period(make: Make) -> None:
    account: Any = make(Budget(calls=5), period=0.05)
    lease = account.lease("a", Budget(calls=4))
    account.period = 60.0
    account.renew(lease)
    time.sleep(0.06)
    with pytest.raises(RunBusy):
        account.lease("a", Budget(calls=1))


def test_a_lease_is_renewed_as_long_as_it_is_worked_on() -> None:
    now, renewals = [0.0], threading.Semaphore(0)

    class Watched(MemoryAccount):
        def renew(self, lease: Lease) -> None:
            super().renew(lease)
            renewals.release()

    # renewed by the real clock, each 0.02 seconds; expires by one of our own
    account = Watched(Budget(calls=5), period=0.06, clock=lambda: now[0])
    lease = account.lease("a", Budget(calls=4))
    with renewed(account, lease):
        for _ in range(3):
            now[0] += 0.05
            assert renewals.acquire(timeout=20)
            assert renewals.acquire(timeout=20)  # the first may have begun before
        with pytest.raises(RunBusy):
            account.lease("a", Budget(calls=1))


def test_a_renewal_that_fails_is_tried_again_but_not_once_the_work_is_done() -> None:
    tries, asked, go_on = [0], threading.Semaphore(0), threading.Semaphore(0)

    class Away(MemoryAccount):
        def renew(self, lease: Lease) -> None:
            tries[0] += 1
            asked.release()
            assert go_on.acquire(timeout=20)
            raise OSError("no database")

    account = Away(Budget(calls=5), period=0.03)
    with renewed(account, account.lease("a", Budget(calls=4))):
        assert asked.acquire(timeout=20)
        go_on.release()
        assert asked.acquire(timeout=20)  # and while it fails for the second time the work ends
    go_on.release()
    time.sleep(0.1)
    assert tries == [2]


def test_small_sums_add_up_exactly(make: Make) -> None:
    account = make(Budget(usd=0.3))
    for name in "abc":  # 0.1 + 0.1 + 0.1 is more than 0.3 in floats
        account.settle(account.lease(name, Budget(usd=0.1)), Spent(usd=0.1))
    assert account.remaining().usd == 0.0


def test_threads_never_get_more_than_there_is(make: Make) -> None:
    account = make(Budget(calls=20))

    def work(name: int) -> int:
        try:
            lease = account.lease(f"run-{name}", Budget(calls=3))
        except AccountEmpty:
            return 0
        return lease.budget.calls or 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(16))) == 20


async def test_every_method_has_an_async_form(make: Make) -> None:
    account = make(Budget(calls=5))
    lease = await account.alease("a", Budget(calls=4))
    await account.arenew(lease)
    with pytest.raises(RunBusy):
        await account.alease("a", Budget(calls=4))
    await account.asettle(lease, Spent(calls=1))
    assert (await account.aremaining()).calls == 4
    lease = await account.alease("a", Budget(calls=4), resumed=True)
    assert lease.budget == Budget(calls=4)


async def test_a_lease_that_is_cancelled_while_it_is_granted_changes_nothing(make: Make) -> None:
    account = make(Budget(calls=9))
    account.settle(account.lease("a", Budget(calls=4)), Spent(calls=3))
    for run, resumed in (("a", True), ("b", False)):
        job = asyncio.create_task(account.alease(run, Budget(calls=4), resumed=resumed))
        await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        assert account.remaining().calls == 6
    assert account.lease("a", Budget(calls=4), resumed=True).budget == Budget(calls=4)
    assert account.remaining().calls == 5


def test_every_kind_is_an_account(make: Make) -> None:
    assert isinstance(make(Budget(calls=1)), Account)


@pytest.mark.parametrize("period", [0, -1.0, math.inf, math.nan, True, "60"])
def test_a_period_is_a_positive_number_of_seconds(period: Any) -> None:
    with pytest.raises(ConfigurationError, match="period"):
        MemoryAccount(Budget(calls=1), period=period)


def test_an_account_too_large_to_store_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="usd"):
        MemoryAccount(Budget(usd=1e12))


def test_an_account_in_a_file_is_there_for_whoever_opens_it(tmp_path: Any) -> None:
    path = tmp_path / "a.db"
    with pytest.raises(ConfigurationError, match="no account 'default'"):
        SQLiteAccount(path)
    SQLiteAccount(path, Budget(calls=5)).lease("a", Budget(calls=2))
    assert SQLiteAccount(path).remaining().calls == 3
    assert SQLiteAccount(path, Budget(calls=5)).remaining().calls == 3
    assert SQLiteAccount(path, Budget(calls=7), name="other").remaining().calls == 7
    with pytest.raises(ConfigurationError, match="another limit in calls, usd"):
        SQLiteAccount(path, Budget(calls=6, usd=1.0))


def test_a_file_that_is_no_database_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "a.db"
    path.write_text("not a database, but long enough to be looked at " * 20)
    with pytest.raises(ConfigurationError, match="not a database"):
        SQLiteAccount(path, Budget(calls=5))
    with pytest.raises(ConfigurationError, match="MemoryAccount"):
        SQLiteAccount(":memory:", Budget(calls=5))


def test_a_database_that_is_not_there_is_refused(postgres: str, tmp_path: Any) -> None:
    from verifier_agent.accounts import PostgresAccount

    with pytest.raises(ConfigurationError, match="PostgreSQL"):
        PostgresAccount(f"host={tmp_path} user=tests dbname=postgres", Budget(calls=1))


def test_a_pool_gives_the_connections(postgres: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    from verifier_agent.accounts import PostgresAccount

    account = PostgresAccount(lambda: psycopg.connect(postgres), Budget(calls=3), name="pooled")
    assert account.lease("a", Budget(calls=2)).budget == Budget(calls=2)
    assert PostgresAccount(postgres, name="pooled").remaining().calls == 1
