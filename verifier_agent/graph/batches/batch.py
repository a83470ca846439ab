"""A batch of questions under one budget: as it is ordered, on the way, and what it came to."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from verifier_agent.budget import Budget, Spent
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.batches.questions import Question, QuestionLike, read_questions
from verifier_agent.graph.batches.terms import Terms
from verifier_agent.graph.settings import Parts, check_numbers, read_budget
from verifier_agent.graph.state import Run
from verifier_agent.search import PolicyFunction
from verifier_agent.values import Selection

ONE_BY_ONE = "sample(64, batch=1)"
"""One answer at a time, so that after each it is open which question is given the next."""
TOGETHER = 8
"""Questions in flight; models that compute in this process have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What one question of a batch has come to."""

    id: str
    run: Run | None
    """Its run; None where the budget ended before its first answer, or its run failed at once."""
    spent: Spent
    error: str | None = None
    """What went wrong with the work on it, which ended it; not what its run took in its stride."""

    @property
    def selection(self) -> Selection:
        """The answer; where there is none, its outcome and reason say why."""
        if self.run is not None and "selection" in self.run.plain:
            return self.run.selection
        if self.error is not None:
            return Selection(outcome="failed", reason=self.error)
        return Selection(outcome="budget", reason="the budget ended before its first answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a batch has come to: one result for each question, in the order they were given."""

    name: str
    results: tuple[Solved, ...]
    budget: Budget
    spent: Spent
    """By all questions together; of work that went on side by side, seconds count once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a batch is."""

    questions: int
    begun: int
    """Those that have an answer, or have failed."""
    ended: int
    """Those that nothing more will be done for."""
    under_way: int
    answers: int
    budget: Budget
    spent: Spent


Tell = Callable[[Standing], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A batch as it was ordered, checked."""

    questions: tuple[Question, ...]
    terms: Terms
    tell: Tell | None
    fresh: bool
    """True if nobody can have worked on it before."""

    @classmethod
    def of(
        cls,
        parts: Parts,
        questions: Sequence[QuestionLike],
        *,
        budget: Budget | Mapping[str, Any],
        policy: str | PolicyFunction | None,
        seed: int | None,
        price: float,
        jobs: int | None,
        name: str | None,
        tell: Tell | None,
    ) -> Order:
        """Read the arguments of `solve_many`. Raises ConfigurationError for a wrong one."""
        check_numbers(seed, None)
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < 1:
            raise ConfigurationError(f"price={price!r}: a number from 0 to below 1 is needed")
        if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
            raise ConfigurationError(f"jobs={jobs!r}: a whole number of at least 1 is needed")
        if name is not None and not (isinstance(name, str) and name):
            raise ConfigurationError(f"name={name!r}: a text that is not empty is needed")
        free = all(one.capabilities.free for one in parts.models.values())
        given = {"policy": policy, "seed": seed}
        terms = Terms(
            name=name or uuid.uuid4().hex,
            budget=read_budget(budget),
            settings={key: value for key, value in given.items() if value is not None},
            price=price,
            jobs=jobs or (1 if free else TOGETHER),
        )
        asked = tuple(read_questions(questions))
        return cls(questions=asked, terms=terms, tell=tell, fresh=name is None)

    def threads(self) -> list[str]:
        """Return the threads of the questions."""
        return [self.terms.thread(question) for question in self.questions]

    def within(self, budget: Budget) -> Order:
        """Return the same under another budget."""
        return replace(self, terms=replace(self.terms, budget=budget))
