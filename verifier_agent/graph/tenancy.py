"""What an invocation that is paid from an account asks for, and under which config it runs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from langchain_core.runnables import RunnableConfig
from langgraph.types import StateSnapshot

from verifier_agent.accounts import Account, Lease
from verifier_agent.budget import UNITS, Budget
from verifier_agent.errors import AccountEmpty
from verifier_agent.graph.meter import METER, Meter
from verifier_agent.graph.settings import read_budget
from verifier_agent.graph.state import Run

RUN = "verifier_agent_run"
"""Where the run's id stands in `config["configurable"]`: what is text there is stored with every
checkpoint, so it is known even of a run that broke off in its first round."""

Plain = dict[str, Any]


class Saved(NamedTuple):
    """What is stored of the run that a call may go on with."""

    here: StateSnapshot | None
    """Where the call goes on; None if there is nothing to go on with."""
    last: StateSnapshot | None
    """The latest of its thread; another one if the call goes back in time."""

    @property
    def run(self) -> str | None:
        """The run that goes on; None if none does."""
        if self.here is None or not self.here.next:
            return None
        named = dict(self.here.metadata or {}).get(RUN)
        if named is None and (record := self.here.values.get("verifier_agent")):
            # whoever updated the state of a paused run did not say which
            return None if "selection" in record else Run.of(self.here.values).id
        return None if named is None else str(named)

    @property
    def forked(self) -> bool:
        """True if the call goes on from where the run has gone on already."""
        return self.here is not None and self.last is not None and _id(self.here) != _id(self.last)


NEVER = Saved(None, None)


def _id(saved: StateSnapshot) -> Any:
    return saved.config.get("configurable", {}).get("checkpoint_id")


def latest(configurable: Plain) -> Plain:
    """Return the coordinates of the latest checkpoint of a thread."""
    return {key: value for key, value in configurable.items() if key != "checkpoint_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """One invocation of an agent and the account it is paid from."""

    account: Account
    run: str
    wanted: Budget
    going_on: bool
    """True if its settings are those of a run that was begun."""
    resumed: bool
    """True if what the account has been charged for that run is part of what it will have spent."""
    configurable: Plain
    settings: Plain
    meter: Meter

    @classmethod
    def of(cls, account: Account, configurable: Plain, budget: Budget, saved: Saved) -> Self:
        """Return what a call asks of `account`.

        `budget` is the agent's own, where the call names none. A run that goes on has the budget
        it was begun with. A fork is charged as a run of its own, what it begins with included: what
        the run has spent since stays charged beside it.
        """
        settings = dict(configurable.get("verifier_agent") or {})
        # not for agents inside of this one: what they spend is part of what this one spends
        settings.pop("account", None)
        given, name = settings.get("budget"), settings.get("run_id")
        wanted = budget if given is None else read_budget(given)
        before: Run | None = None
        if saved.here is not None and saved.run is not None:
            name = saved.run
            plain = saved.here.values.get("verifier_agent")
            if plain and (found := Run.of({"verifier_agent": plain})).id == name:
                before, wanted = found, found.budget
        run = uuid.uuid4().hex if name is None else str(name)
        return cls(
            account=account,
            run=run,
            wanted=wanted,
            going_on=saved.run is not None,
            resumed=saved.run is not None and not saved.forked,
            configurable=configurable,
            settings=settings,
            meter=Meter(run, before),
        )

    def config(self, given: RunnableConfig | None, lease: Lease) -> RunnableConfig:
        """Return the config to run with, under the budget that was granted.

        Raises AccountEmpty where a run that goes on is granted less than it was begun with: its
        settings are fixed. A new run can begin with any budget.
        """
        short = [
            f"{granted:g} of {wanted:g} {unit}"
            for unit in UNITS
            if (wanted := getattr(self.wanted, unit)) is not None
            and (granted := getattr(lease.budget, unit)) < wanted * (1 - 1e-9)
        ]
        if self.going_on and short:
            raise AccountEmpty(
                f"run {self.run!r} cannot go on: its account can cover only {', '.join(short)}"
            )
        settings = {**self.settings, "budget": lease.budget, "run_id": self.run}
        own = {"verifier_agent": settings, RUN: self.run, METER: self.meter}
        return {**(given or {}), "configurable": {**self.configurable, **own}}
