"""What is believed of an arm after its scores, and the choice among arms by draws from it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from verifier_agent.tree import Tree

K = TypeVar("K")

Prior = Literal["gaussian", "beta"]


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A normal of unknown mean and variance: the NIX² family (Murphy 2023, section 3.4.3.3).

    The defaults are those of AB-MCTS-A (Inoue et al. 2025, TreeQuest).
    """

    mean: float = 0.0
    weight: float = 1.0
    """How many observations the mean is worth (kappa)."""
    freedom: float = 1.0
    """How many the variance is worth (nu)."""
    variance: float = 0.1

    def given(self, scores: Sequence[float]) -> Gaussian:
        """Return the posterior after `scores`."""
        if not scores:
            return self
        n = len(scores)
        average = sum(scores) / n
        spread = sum((score - average) ** 2 for score in scores)
        weight, freedom = self.weight + n, self.freedom + n
        pull = n * self.weight * (self.mean - average) ** 2 / weight
        return Gaussian(
            mean=(self.weight * self.mean + n * average) / weight,
            weight=weight,
            freedom=freedom,
            variance=(self.freedom * self.variance + spread + pull) / freedom,
        )

    def draw(self, dice: random.Random) -> float:
        """Draw a mean: variance ~ inverse gamma(freedom / 2, freedom · variance / 2), then it."""
        scale = self.freedom * self.variance / 2
        variance = scale / dice.gammavariate(self.freedom / 2, 1.0)
        return dice.gauss(self.mean, math.sqrt(variance / self.weight))


@dataclass(frozen=True, slots=True)
class Beta:
    """A chance of success; a score counts as that much of a success. Default: Jeffreys' prior."""

    successes: float = 0.5
    failures: float = 0.5

    def given(self, scores: Sequence[float]) -> Beta:
        """Return the posterior after `scores`."""
        won = sum(scores)
        return Beta(self.successes + won, self.failures + len(scores) - won)

    def draw(self, dice: random.Random) -> float:
        """Draw a chance."""
        return dice.betavariate(self.successes, self.failures)


PRIORS: dict[Prior, Gaussian | Beta] = {"gaussian": Gaussian(), "beta": Beta()}


def favourite(arms: Mapping[K, Sequence[float]], prior: Prior, dice: random.Random) -> K:
    """Return the arm with the highest draw from its posterior: Thompson sampling."""
    draws = {arm: PRIORS[prior].given(scores).draw(dice) for arm, scores in arms.items()}
    return max(draws, key=lambda arm: draws[arm])


def scores_by_mark(tree: Tree, marks: Sequence[str]) -> dict[str, list[float]]:
    """Return the scores of the candidates with each mark."""
    scores: dict[str, list[float]] = {mark: [] for mark in marks}
    for candidate in tree:
        score = tree.score(candidate.id)
        if candidate.mark in scores and score is not None:
            scores[candidate.mark].append(score)
    return scores
