"""Where the questions of a batch stand, by what was saved of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from langchain_core.messages import BaseMessage
from langgraph.types import StateSnapshot

from verifier_agent.budget import Budget, Spent
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.batches.questions import Question
from verifier_agent.graph.pausing import is_paused
from verifier_agent.graph.state import Run


@dataclass(slots=True)
class Line:
    """Where one question of a batch stands."""

    question: Question
    run: Run | None = None
    spent: Spent = field(default_factory=Spent)
    error: str | None = None
    """What went wrong with the work on it."""
    lost: bool = False
    """True if for that reason its run cannot even be ended."""
    broken: bool = False
    """True if an earlier process broke off in the middle of its round."""

    @property
    def ended(self) -> bool:
        """True if nothing more will be done for it."""
        return self.lost or (self.run is not None and "selection" in self.run.plain)

    @classmethod
    def of(cls, question: Question, saved: StateSnapshot | None) -> Line:
        """Read it off the latest checkpoint; raises ConfigurationError for another question's."""
        if saved is None or not (saved.values or saved.next):
            return cls(question)
        asked = _said(saved.values.get("messages", ()))
        # a kill may have come before the question was taken in; then it is on its way
        if asked and asked[: len(question.messages)] != _said(question.messages):
            raise ConfigurationError(
                f"question {question.id!r} is another one than in the batch of this name"
            )
        run = Run.of(saved.values) if saved.values.get("verifier_agent") else None
        line = cls(question, run, broken=bool(saved.next) and not is_paused(saved))
        if run is not None:
            line.spent = run.spent
        return line


@dataclass(slots=True)
class Tally:
    """All questions of a batch together."""

    spent: Spent
    """But for the seconds, which do not add up."""
    begun: int = 0
    ended: int = 0
    answers: int = 0

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Tally:
        """Count what there is."""
        tally = cls(Spent())
        for line in lines:
            tally.spend(Spent(), line.spent)
            if line.run is not None:
                tally.grown(None, line.run)
            tally.ended += line.ended
        return tally

    def spend(self, before: Spent, after: Spent) -> None:
        """Take in that a question has spent more."""
        total = self.spent

        def plus(unit: str) -> float | None:
            given = (getattr(total, unit), getattr(after, unit), getattr(before, unit))
            if None in given[:2]:
                return None
            return float(given[0] + given[1] - (given[2] or 0.0))

        self.spent = Spent(
            calls=total.calls + after.calls - before.calls,
            tokens=total.tokens + after.tokens - before.tokens,
            usd=plus("usd"),
            joules=plus("joules"),
            exact=total.exact and after.exact,
        )

    def grown(self, before: Run | None, after: Run) -> None:
        """Take in that a run has gone on."""
        self.begun += before is None
        self.answers += len(after.tree) - (0 if before is None else len(before.tree))


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
