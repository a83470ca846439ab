"""Whatever workers do, and however they die: the runs together never get more than there is."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from verifier_agent import AccountEmpty, Budget, RunBusy
from verifier_agent.accounts import Lease, MemoryAccount
from verifier_agent.budget import Spent

LIMIT = Budget(calls=20, usd=1.0, seconds=30.0)
PERIOD = 10.0

wanted = st.builds(
    Budget,
    calls=st.integers(1, 12),
    usd=st.floats(0.001, 0.7),
    seconds=st.floats(0.1, 20.0),
)
shares = st.floats(0.0, 1.0)
runs = st.sampled_from(["a", "b", "c", "d"])


def spend(budget: Budget, share: float) -> Spent:
    return Spent(
        calls=int((budget.calls or 0) * share),
        usd=(budget.usd or 0.0) * share,
        seconds=(budget.seconds or 0.0) * share,
    )


class Workers(RuleBasedStateMachine):
    """Workers that lease, renew, settle, stall and die, in any order.

    Beside the account stands a second book, kept from the workers' side: what each run may have
    spent at most. It knows nothing of how the account computes.
    """

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.account = MemoryAccount(LIMIT, period=PERIOD, clock=lambda: self.now)
        self.settled: list[Spent] = []
        self.open: dict[str, tuple[Lease, float]] = {}

    @rule(target=leases, run=runs, wanted=wanted)
    def begin(self, run: str, wanted: Budget) -> Lease | None:
        held = self.open.get(run)
        try:
            lease = self.account.lease(run, wanted)
        except RunBusy:
            assert held is not None
            assert self.now < held[1] + PERIOD
            return None
        except AccountEmpty:
            return None
        assert held is None or self.now >= held[1] + PERIOD
        if held is not None:  # its worker is dead, and may have spent all of it
            self.settled.append(spend(held[0].budget, 1.0))
        for unit in ("calls", "usd", "seconds"):
            assert 0 < getattr(lease.budget, unit) <= getattr(wanted, unit) * (1 + 1e-6)
        self.open[run] = (lease, self.now)
        return lease

    @rule(target=leases, run=runs)
    def take_over(self, run: str) -> Lease | None:
        held = self.open.get(run)
        if held is None or self.now < held[1] + PERIOD:
            return None
        lease = self.account.lease(run, held[0].budget, resumed=True)
        assert lease.budget == held[0].budget  # it can always go on
        self.open[run] = (lease, self.now)
        return lease

    @rule(lease=consumes(leases), share=shares)
    def settle(self, lease: Lease | None, share: float) -> None:
        if lease is None:
            return
        spent = spend(lease.budget, share)
        held = self.open.get(lease.run)
        if held is None or held[0] != lease:
            return
        self.account.settle(lease, spent)
        self.settled.append(spent)
        del self.open[lease.run]

    @rule(lease=leases)
    def settle_too_late(self, lease: Lease | None) -> None:
        held = None if lease is None else self.open.get(lease.run)
        if lease is None or held is None or held[0] == lease:
            return
        try:
            self.account.settle(lease, Spent())
        except RunBusy:
            return
        raise AssertionError("a lease that was taken over was settled by its former holder")

    @rule(lease=leases)
    def renew(self, lease: Lease | None) -> None:
        held = None if lease is None else self.open.get(lease.run)
        if lease is not None and held is not None and held[0] == lease:
            self.account.renew(lease)
            self.open[lease.run] = (lease, self.now)

    @rule(seconds=st.floats(0.0, 15.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def nothing_is_exceeded(self) -> None:
        granted = [spend(lease.budget, 1.0) for lease, _ in self.open.values()]
        left = self.account.remaining()
        for unit in ("calls", "usd", "seconds"):
            most = sum(getattr(spent, unit) for spent in (*self.settled, *granted))
            limit = getattr(LIMIT, unit)
            assert most <= limit * (1 + 1e-9)
            assert abs(limit - most - getattr(left, unit)) < 1e-6, unit


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(max_examples=40)
