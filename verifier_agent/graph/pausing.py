"""Runs that pause between rounds, and are told from outside how they go on.

A run that is invoked with `interrupt_after=PAUSE` stops after each round. There the state may be
updated as the node `verify`, and the controller decides anew: under another budget, or to end.
Everything else that a run was begun with stays as it is.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from langgraph.types import StateSnapshot

from verifier_agent.budget import Budget, Remaining, Spent, times
from verifier_agent.graph import judging
from verifier_agent.graph.controller import Decision, decide
from verifier_agent.graph.edge import bounds
from verifier_agent.graph.merging import Plain
from verifier_agent.graph.settings import Parts, resume
from verifier_agent.graph.state import SCHEMA, Run
from verifier_agent.values import Cost, Generate, Revise, Select, Verify

PAUSE = ("verify",)
"""The node that ends a round."""
PARTS = 10**9
"""Accounts keep whole billionths of dollars and joules."""


def grant(run: Run, budget: Budget) -> Plain:
    """Return the update by which a paused run goes on under `budget`, spend so far included."""
    number = str(len(run.plain.get("grants", {})) + 1)
    return _update(run, {"grants": {number: budget.to_dict()}})


def end(run: Run, ending: Select) -> Plain:
    """Return the update by which a paused run ends with what it has."""
    return _update(run, {"ending": ending.to_dict()})


def _update(run: Run, told: Plain) -> Plain:
    return {"verifier_agent": {"schema": SCHEMA, "turn": run.plain["turn"], **told}}


def is_paused(saved: StateSnapshot) -> bool:
    """Return True if a run that has not ended stopped between rounds.

    False of one that was told to go on and has not finished its round: to update its state would
    repay for the calls of that round. It goes on as it is.
    """
    told = (saved.metadata or {}).get("source") == "update"
    begun = bool(saved.values.get("verifier_agent"))
    return begun and not told and saved.next != PAUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """The next round of a run, and what it can cost."""

    decision: Decision
    least: Cost
    """At most, with one request for each candidate."""
    again: Cost
    """Of one further request for each."""
    tries: int
    """Requests for each candidate, retries and those that a crash could lose included."""

    @classmethod
    def of(cls, parts: Parts, run: Run, available: Remaining) -> Self:
        """Decide the next round as if all that is `available` were the run's.

        Raises BudgetTooSmall if not even a first answer can be paid for, and ConfigurationError
        for what the agent cannot do.
        """
        parts = resume(parts, run.plain["run"])
        limits = bounds(parts, run)
        decision = decide(
            parts.policy,
            run.tree,
            available,
            limits,
            last=Decision.from_dict(run.decisions[-1]) if run.decisions else None,
            steps=sys.maxsize,
        )
        requests, judgements, tries = [], [], 1
        for planned in decision.actions:
            action, allowance = planned.action, planned.allowance
            if isinstance(action, Generate | Revise):
                cap = allowance.max_tokens or 0
                requests.append(times(limits.request(action, cap), action.n))
                judgements.append(times(limits.judging(action, cap), action.n))
                tries = allowance.attempts + allowance.spare
            elif isinstance(action, Verify):
                judgements.append(_judging(parts, run, action.candidates, available))
        return cls(
            decision=decision,
            least=Cost.total((*requests, *judgements)),
            again=Cost.total(requests),
            tries=tries,
        )

    def budget(self, spent: Spent, available: Remaining, share: Remaining) -> Budget:
        """Return the budget of the whole run that covers this round.

        It is limited in the units that what is `available` is limited in, and in calls. Further
        tries are covered as far as they stay within the run's `share` of what is available.
        """
        more = share.minus(self.least).fits(self.again)
        bound = self.least + times(self.again, int(min(self.tries - 1, more)))

        def priced(left: float, used: float | None, need: float | None) -> float | None:
            if math.isinf(left):
                return None
            # rounded up, but not for what is only rounding in floats
            return max(1, math.ceil(((used or 0.0) + (need or 0.0)) * PARTS - 1e-3)) / PARTS

        return Budget(
            calls=spent.calls + max(1, bound.calls),
            tokens=None if math.isinf(available.tokens) else spent.tokens + max(1, bound.tokens),
            usd=priced(available.usd, spent.usd, bound.usd),
            joules=priced(available.joules, spent.joules, bound.joules),
            seconds=None if math.isinf(available.seconds) else spent.seconds + available.seconds,
        )


def _judging(parts: Parts, run: Run, names: Sequence[str], available: Remaining) -> Cost:
    """Return the most that judging these candidates can cost."""
    wanted = judging.shown(run.decisions) | frozenset(names)
    batches = judging.batches(parts, run.tree, wanted, available, deadline=math.inf, lost=0)
    return Cost.total(judging.batch_bound(parts, run.task, batch) for batch in batches)
