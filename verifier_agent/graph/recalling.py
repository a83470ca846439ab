"""Where the questions of a batch stand, by what was saved of their runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from langchain_core.messages import BaseMessage
from langgraph.types import StateSnapshot

from verifier_agent.budget import Budget, Spent
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.pausing import is_paused
from verifier_agent.graph.questions import Question
from verifier_agent.graph.state import Run


@dataclass(slots=True)
class Line:
    """Where one question of a batch stands."""

    question: Question
    run: Run | None = None
    spent: Spent = field(default_factory=Spent)
    error: str | None = None
    broken: bool = False
    """True if an earlier process broke off in the middle of its round."""

    @property
    def ended(self) -> bool:
        """True if nothing more will be done for it."""
        return self.error is not None or (self.run is not None and "selection" in self.run.plain)

    @classmethod
    def of(cls, question: Question, saved: StateSnapshot | None) -> Line:
        """Read it off the latest checkpoint; raises ConfigurationError for another question's."""
        if saved is None or not (saved.values or saved.next):
            return cls(question)
        asked = _said(saved.values.get("messages", ()))
        if asked[: len(question.messages)] != _said(question.messages):
            raise ConfigurationError(
                f"question {question.id!r} is another one than in the batch of this name"
            )
        run = Run.of(saved.values) if saved.values.get("verifier_agent") else None
        line = cls(question, run, broken=bool(saved.next) and not is_paused(saved))
        if run is not None:
            line.spent = run.spent
        return line


def together(lines: Sequence[Line], seconds: float) -> Spent:
    """Return what all questions have used, which took so many seconds."""

    def total(unit: str) -> float | None:
        given = [getattr(line.spent, unit) for line in lines]
        return None if None in given else math.fsum(given)

    return Spent(
        calls=sum(line.spent.calls for line in lines),
        tokens=sum(line.spent.tokens for line in lines),
        usd=total("usd"),
        joules=total("joules"),
        seconds=seconds,
        exact=all(line.spent.exact for line in lines),
    )


def _said(messages: Sequence[BaseMessage]) -> list[tuple[str, object]]:
    return [(message.type, message.content) for message in messages]


def seconds_used(budget: Budget, lines: Sequence[Line]) -> float:
    """Return how many of the seconds of a batch its earlier calls have used.

    Every run is granted what the batch has left: the first to be begun had nearly all, and the
    least that any has left is what the batch had left in the end.
    """
    runs = [line.run for line in lines if line.run is not None]
    if budget.seconds is None or not runs:
        return 0.0
    firsts = [run.plain["run"]["budget"]["seconds"] for run in runs]
    if None in firsts:  # there was no such limit then
        return max(run.seconds for run in runs)
    return float(max(firsts) - min(run.remaining.seconds for run in runs))
