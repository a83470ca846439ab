"""What an account is: a budget that leases parts of itself to runs, each held by one worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from verifier_agent.budget import Budget, Remaining, Spent
from verifier_agent.plain import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease(Value):
    """What a run may spend, and the word of its account that nobody else works on it."""

    run: str
    budget: Budget
    """What was granted: in no unit more than was wanted, or than was left."""
    number: int
    """Counts the leases of this run; a holder whose number is not the latest has lost the run."""


@runtime_checkable
class Account(Protocol):
    """A budget shared by several runs. Every method is atomic, among processes too.

    A lease is charged in full from the moment it is granted, so the sum of what all runs may
    spend never exceeds the account in any unit; settling replaces the charge by what was spent.
    A lease that is neither settled nor renewed expires: the run may then be leased to another
    worker, and what was granted stays charged.
    """

    @property
    def period(self) -> float:
        """Seconds after which a lease that was not renewed expires."""
        ...

    def lease(self, run: str, wanted: Budget, *, resumed: bool = False) -> Lease:
        """Grant what is `wanted`, or as much of it as is left.

        Args:
            run: The run's name, unique in this account.
            wanted: Limited in every unit that the account is limited in.
            resumed: The run goes on where it stopped. `wanted` is its whole budget, and what it
                has been charged since it began is part of that. False: whatever this name has
                been charged before stays charged.

        Raises:
            RunBusy: Another worker holds this run.
            AccountEmpty: Nothing is left in some unit.
            ConfigurationError: `wanted` has no limit in a unit that the account limits.
        """
        ...

    def renew(self, lease: Lease) -> None:
        """Hold the run for another period; raises RunBusy if it was taken by another worker."""
        ...

    def settle(self, lease: Lease, spent: Spent) -> None:
        """Charge what the run has `spent` since it began, and let go of the run.

        What is unknown of it is charged as granted. A second time it changes nothing. Raises
        RunBusy if the lease had expired and the run was taken by another worker: then the charge
        is his to settle.
        """
        ...

    def remaining(self) -> Remaining:
        """Return what can still be leased; infinite in a unit that has no limit."""
        ...

    async def alease(self, run: str, wanted: Budget, *, resumed: bool = False) -> Lease:
        """Do as `lease`."""
        ...

    async def arenew(self, lease: Lease) -> None:
        """Do as `renew`."""
        ...

    async def asettle(self, lease: Lease, spent: Spent) -> None:
        """Do as `settle`."""
        ...

    async def aremaining(self) -> Remaining:
        """Do as `remaining`."""
        ...
