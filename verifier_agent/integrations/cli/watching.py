"""A run as it is told by its events: what was decided, made and judged so far, and who is shown."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from verifier_agent.budget import Budget, Spent
from verifier_agent.graph.controller import Decision
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Task, Verdict, order


class Watched:
    """What is known of a run while it goes on: a fold over its events.

    Its parts are replaced, never changed in place, so that another thread may read them.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.decisions: tuple[Decision, ...] = ()
        self.candidates: tuple[Candidate, ...] = ()
        self.verdicts: tuple[Verdict, ...] = ()
        self._started = time.perf_counter()

    def see(self, event: Mapping[str, Any]) -> None:
        """Take in one event; events of others on the same stream are passed over."""
        match event.get("verifier_agent"):
            case "decision":
                self.decisions += (Decision.from_dict(event["decision"]),)
            case "candidate":
                self.candidates += (Candidate.from_dict(event["candidate"]),)
            case "verdict":
                self.verdicts += (Verdict.from_dict(event["verdict"]),)

    @property
    def tree(self) -> Tree:
        """The candidates and verdicts so far."""
        return Tree(Task(question=""), self.candidates, self.verdicts)

    @property
    def spent(self) -> Spent:
        """What the finished work has cost, and the seconds since the run began."""
        costs = [c.cost for c in self.candidates] + [v.cost for v in self.verdicts]
        return Spent.of(costs, time.perf_counter() - self._started)

    def ranked(self, names: Iterable[str] | None = None) -> list[tuple[Candidate, float | None]]:
        """Return candidates (None: all) with their scores: the best first, unscored last."""
        tree = self.tree
        known = [tree[name] for name in names if name in tree] if names is not None else list(tree)
        scored = [(candidate, tree.score(candidate.id)) for candidate in known]
        return sorted(
            scored, key=lambda pair: (pair[1] is None, -(pair[1] or 0), order(pair[0].id))
        )

    @property
    def under_way(self) -> int:
        """How many candidates were asked for and have not come."""
        asked = sum(len(planned.ids) for d in self.decisions for planned in d.actions)
        return asked - len(self.candidates)


class Progress(AbstractContextManager["Progress"], Protocol):
    """Shows a run while it goes on, between entering and leaving."""

    def show(self, watched: Watched) -> None:
        """Show what has changed."""


class Silence(AbstractContextManager["Progress"]):
    """Shows nothing."""

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""

    def show(self, watched: Watched) -> None:
        """Show nothing."""
