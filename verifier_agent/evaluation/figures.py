"""Accuracy and use of a group of questions, at the end of their runs and at smaller budgets; and
the groups of one difficulty. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from verifier_agent.evaluation.measured import smaller_limits
from verifier_agent.evaluation.metrics import mean, standard_error
from verifier_agent.evaluation.scoring import Means, Scored
from verifier_agent.evaluation.usage import mean_known, mean_usage

Plain = dict[str, Any]

BINS = 5
"""Of difficulty, where no levels are given (Snell et al. 2024, section 3.2)."""


def figures(points: Sequence[Means]) -> Plain:
    """Return the figures of one strategy over questions."""
    right = accuracies(points)
    return {
        "accuracy": mean(right),
        "accuracy_se": standard_error(right),
        "mean_samples": mean_known([point.samples for point in points]),
        "mean_tokens": mean_known([point.tokens for point in points]),
        "ledger": mean_usage([point.usage for point in points if point.usage is not None]),
    }


def by_budget(questions: Sequence[Scored], most: int) -> list[Plain]:
    """Return the figures at 1, 2, 4, … and at `most` samples."""
    limits = [*smaller_limits(most), most]
    found: list[Plain] = []
    for place, limit in enumerate(limits):
        # a run that had ended by then stands where it stood
        points = [
            question.curve[place] if place < len(question.curve) else question.end
            for question in questions
        ]
        at = figures(points)
        at["ledger"]["seconds"] = None  # a clock tells of whole runs only
        found.append({"max_samples": limit, **at})
    return found


def accuracies(points: Sequence[Means]) -> list[float]:
    """Return the accuracy of each question that has labels."""
    return [point.accuracy for point in points if point.accuracy is not None]


def by_difficulty(questions: Sequence[Scored], most: int) -> list[Plain]:
    """Return the figures of each group of questions that are about as hard, by name."""
    return [
        {
            "difficulty": name,
            "questions": len(group),
            **figures([question.end for question in group]),
            "by_budget": by_budget(group, most),
            "baselines": {
                baseline: mean(accuracies([question.baselines[baseline] for question in group]))
                for baseline in ("first", "majority", "weighted", "best", "oracle")
            },
        }
        for name, group in difficulties(questions).items()
    ]


class Graded(Protocol):
    """A question that may say how hard it is."""

    @property
    def id(self) -> str:
        """Unique among those that are grouped."""

    @property
    def level(self) -> int | str | None:
        """By somebody's own scale."""

    @property
    def share(self) -> float | None:
        """Of its samples that are right; None without labels."""


One = TypeVar("One", bound=Graded)


def difficulties(questions: Sequence[One]) -> dict[str, list[One]]:
    """Group questions by their level if every one has one, numbers first.

    Else, if all have labels, into bins of equal mass by the share of their samples that are right:
    "1" is the easiest. Else there are no groups.
    """
    levels = {question.level for question in questions}
    if None not in levels:
        ordered = sorted(levels, key=lambda level: (isinstance(level, str), level))
        return {str(level): [q for q in questions if q.level == level] for level in ordered}
    if any(question.share is None for question in questions):
        return {}
    groups: dict[str, list[One]] = {}
    # by id too, so that the order of the file does not matter
    easiest = sorted(questions, key=lambda question: (-(question.share or 0.0), question.id))
    for rank, question in enumerate(easiest):
        groups.setdefault(str(rank * BINS // len(questions) + 1), []).append(question)
    return groups
