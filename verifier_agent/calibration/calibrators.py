"""Calibrators: from a verifier's score to P(correct). Each is monotone, frozen and plain."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Concatenate, ParamSpec, cast

from pydantic import AfterValidator, Field

from verifier_agent.spec import Spec

P = ParamSpec("P")

EDGE = 1e-3
"""A score is read as at least this and at most one minus this where log-odds are taken of it."""
Rising = Annotated[float, Field(ge=0.0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


def logit(probability: float, edge: float = EDGE) -> float:
    """Return the log-odds of a probability that is kept `edge` off 0 and 1."""
    kept = min(1 - edge, max(edge, probability))
    return math.log(kept / (1 - kept))


def sigmoid(x: float) -> float:
    """Return the probability with these log-odds."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


class Calibrator(Spec):
    """From a score in [0, 1] to P(correct): of two scores the higher never gets the lower one."""

    kind = "calibrator"
    inputs = 1
    __slots__ = ()

    def __call__(self, score: float) -> float:
        """Return P(correct) in [0, 1]."""
        return cast(float, super().__call__(score))


def calibrator(
    function: Callable[Concatenate[float, P], float],
) -> Callable[P, Calibrator]:
    """Turn a monotone `function(score, …)` into a factory of calibrators with the rest bound."""
    Calibrator.define(function)

    def factory(*args: P.args, **kwargs: P.kwargs) -> Calibrator:
        return Calibrator.make(function.__name__, args, kwargs)

    Calibrator.dress(factory, function)
    return factory


@calibrator
def platt(score: float, slope: Rising = 1.0, intercept: float = 0.0) -> float:
    """sigmoid(slope · logit(score) + intercept): Platt 1999, on log-odds."""
    return sigmoid(slope * logit(score) + intercept)


@calibrator
def beta(score: float, up: Rising = 1.0, down: Rising = 1.0, intercept: float = 0.0) -> float:
    """sigmoid(up · ln s - down · ln(1 - s) + intercept): Kull, Silva Filho and Flach 2017.

    It is `platt` where up and down are equal; otherwise the two ends of the scale are stretched
    by themselves.
    """
    kept = min(1 - EDGE, max(EDGE, score))
    return sigmoid(up * math.log(kept) - down * math.log1p(-kept) + intercept)


def _rising(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if any(a > c or b > d for (a, b), (c, d) in pairwise(points)):
        raise ValueError("scores and probabilities must not fall from one point to the next")
    return points


Points = Annotated[
    tuple[tuple[float, Probability], ...], Field(min_length=1), AfterValidator(_rising)
]
"""(score, P(correct)), neither of them falling."""


@calibrator
def isotonic(score: float, points: Points) -> float:
    """Interpolate between fitted points, and stay level beyond the first and the last of them.

    Isotonic regression: Zadrozny and Elkan 2002.
    """
    after = bisect_right(points, score, key=lambda point: point[0])
    if after == 0:
        return points[0][1]
    if after == len(points):
        return points[-1][1]
    (left, low), (right, high) = points[after - 1], points[after]
    return low + (high - low) * (score - left) / (right - left)


@calibrator
def lower_bound(score: float, points: Points) -> float:
    """What P(correct) is at least, on average from the last point that the score reaches to the
    next; 0 below the first.

    For decisions that must not trust a verifier too much: how many samples are enough
    (2506.09338, which takes a low quantile for the same reason).
    """
    after = bisect_right(points, score, key=lambda point: point[0])
    return points[after - 1][1] if after else 0.0
