"""What an invocation that is paid from an account asks for, and under which config it runs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Self

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """One invocation of an agent and the account it is paid from."""

    account: Account
    run: str
    wanted: Budget
    resumed: bool
    configurable: Plain
    settings: Plain
    meter: Meter

    @classmethod
    def of(
        cls, account: Account, configurable: Plain, budget: Budget, saved: StateSnapshot | None
    ) -> Self:
        """Return what a call asks of `account`.

        `budget` is the agent's own, where the call names none; `saved` is the checkpoint that the
        call may go on from. A run that goes on has the budget it was begun with.
        """
        settings = dict(configurable.get("verifier_agent") or {})
        # not for agents inside of this one: what they spend is part of what this one spends
        settings.pop("account", None)
        given, name = settings.get("budget"), settings.get("run_id")
        wanted = budget if given is None else read_budget(given)
        going_on = saved is not None and bool(saved.next) and RUN in (saved.metadata or {})
        before: Run | None = None
        if saved is not None and going_on:
            name = dict(saved.metadata or {})[RUN]
            plain = saved.values.get("verifier_agent")
            if plain and (saved_run := Run.of({"verifier_agent": plain})).id == name:
                before, wanted = saved_run, saved_run.budget
        run = uuid.uuid4().hex if name is None else str(name)
        return cls(
            account=account,
            run=run,
            wanted=wanted,
            resumed=going_on,
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
        if self.resumed and short:
            raise AccountEmpty(
                f"run {self.run!r} cannot go on: its account can cover only {', '.join(short)}"
            )
        settings = {**self.settings, "budget": lease.budget, "run_id": self.run}
        own = {"verifier_agent": settings, RUN: self.run, METER: self.meter}
        return {**(given or {}), "configurable": {**self.configurable, **own}}
