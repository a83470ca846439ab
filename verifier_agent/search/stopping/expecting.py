"""How much better than the best score the next score is expected to be."""

from __future__ import annotations

import math
from collections.abc import Sequence


def expected_improvement(scores: Sequence[float]) -> float:
    """Return E[(v - best)+] for the next score v in [0, 1], after at least three scores.

    Scores are taken as normal with unknown mean and variance under Jeffreys' prior, so the next
    one has Student's t distribution with n - 1 degrees of freedom (BEACON, 2510.15945). What
    lies above 1 counts as 1: no score is higher.
    """
    n = len(scores)
    mean = math.fsum(scores) / n
    freedom = n - 1
    squares = math.fsum((score - mean) ** 2 for score in scores)
    scale = math.sqrt(squares / freedom * (1 + 1 / n))
    if scale < 1e-9:
        return 0.0  # every score is the same: nothing tells that there are others
    above = [_excess((level - mean) / scale, freedom) for level in (max(scores), 1.0)]
    return scale * (above[0] - above[1])


def _excess(z: float, freedom: int) -> float:
    """Return E[(t - z)+] for Student's t with `freedom` > 1."""
    density = _density(z, freedom)
    return (freedom + z * z) / (freedom - 1) * density - z * _above(z, freedom)


def _density(z: float, freedom: int) -> float:
    front = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    tail = (freedom + 1) / 2 * math.log1p(z * z / freedom)
    return math.exp(front - tail) / math.sqrt(freedom * math.pi)


def _above(z: float, freedom: int) -> float:
    """Return P(t > z), a finite sum (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(z / math.sqrt(freedom))
    square = math.cos(angle) ** 2
    even = freedom % 2 == 0
    term = total = 1.0 if even else math.cos(angle)
    if freedom == 1:
        total = 0.0
    for k in range(2 if even else 3, freedom - 1, 2):
        term *= (k - 1) / k * square
        total += term
    within = math.sin(angle) * total
    if not even:
        within = 2 / math.pi * (angle + within)
    return (1 - within) / 2
