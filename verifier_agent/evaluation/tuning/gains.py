"""What tuning brought: learned runs against plain ones of the same questions. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from verifier_agent.evaluation.metrics import intervals, mean
from verifier_agent.evaluation.tuning.trials import Trial
from verifier_agent.search.tuned import Gain

Pair = tuple[Trial, Trial]
"""A run by what was learned, and one by the plain policy."""


def gain(budget: int, pairs: Sequence[Sequence[Pair]], price: float) -> Gain:
    """Return what was gained at a budget; `pairs` are those of each question, one for each seed."""

    def means(part: int, of: Callable[[Trial], float]) -> list[float]:
        return [math.fsum(of(pair[part]) for pair in one) / len(one) for one in pairs]

    def difference(of: Callable[[Trial], float]) -> tuple[float, float, float]:
        values = [a - b for a, b in zip(means(0, of), means(1, of), strict=True)]
        low, high = intervals({"": values}).get("", (-1.0, 1.0))
        return mean(values) or 0.0, low, high

    def right(trial: Trial) -> float:
        return trial.right

    def cost(trial: Trial) -> float:
        return trial.cost

    return Gain(
        budget=budget,
        accuracy=mean(means(0, right)) or 0.0,
        cost=mean(means(0, cost)) or 0.0,
        plain_accuracy=mean(means(1, right)) or 0.0,
        plain_cost=mean(means(1, cost)) or 0.0,
        difference=difference(right),
        value=difference(lambda trial: trial.worth(price)),
    )
