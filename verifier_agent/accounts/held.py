"""A lease that was taken out before the invocation that it is for."""

from __future__ import annotations

from verifier_agent.accounts.account import Account, Lease
from verifier_agent.budget import Budget, Remaining, Spent


class Held:
    """One lease of an account, as an account for the one run that it was granted to.

    Who hands out work knows what each run may spend before he starts the next one, however late
    that run begins.
    """

    def __init__(self, account: Account, lease: Lease) -> None:
        self.granted = lease
        self._account = account
        self.spent: Spent | None = None
        """What the run has spent since it began; None until it is settled."""

    @property
    def period(self) -> float:
        """As of the account."""
        return self._account.period

    def lease(self, run: str, wanted: Budget, *, resumed: bool = False) -> Lease:
        """Return the lease that was taken out."""
        return self.granted

    def renew(self, lease: Lease) -> None:
        """Hold the run for another period."""
        self._account.renew(lease)

    def settle(self, lease: Lease, spent: Spent) -> None:
        """Charge what the run has spent, and remember it."""
        self.spent = spent
        self._account.settle(lease, spent)

    def remaining(self) -> Remaining:
        """Return what can still be leased of the account."""
        return self._account.remaining()

    async def alease(self, run: str, wanted: Budget, *, resumed: bool = False) -> Lease:
        """Do as `lease`."""
        return self.granted

    async def arenew(self, lease: Lease) -> None:
        """Do as `renew`."""
        await self._account.arenew(lease)

    async def asettle(self, lease: Lease, spent: Spent) -> None:
        """Do as `settle`."""
        self.spent = spent  # first: cancelling does not undo a settlement
        await self._account.asettle(lease, spent)

    async def aremaining(self) -> Remaining:
        """Do as `remaining`."""
        return await self._account.aremaining()
