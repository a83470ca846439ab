"""Tails of the binomial distribution, and the exact bounds that follow from them. Pure."""

from __future__ import annotations

import math

HALVINGS = 60


def at_most(k: int, n: int, p: float) -> float:
    """Return P(Bin(n, p) <= k)."""
    if k >= n or p <= 0.0:
        return 1.0
    if k < 0 or p >= 1.0:
        return 0.0
    term = n * math.log1p(-p)
    odds = math.log(p) - math.log1p(-p)
    total = 0.0
    for i in range(k + 1):
        total += math.exp(term)
        term += math.log((n - i) / (i + 1)) + odds
    return min(1.0, total)


def upper(k: int, n: int, level: float) -> float:
    """Return what a chance is at most, seen `k` of `n` times: wrong in at most `level` of cases.

    Clopper and Pearson 1934, one-sided.
    """
    if k >= n:
        return 1.0
    low, high = k / n, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(k, n, middle) > level else (low, middle)
    return high


def lower(k: int, n: int, level: float) -> float:
    """Return what a chance is at least; as `upper`, from the other side."""
    return 1.0 - upper(n - k, n, level)
