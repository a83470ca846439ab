"""What the simplest strategies would have done with the same draws. A few lines each, on purpose
without the graph, the policies and the selectors: figures to check those against.

Each takes the drawn samples as (answer key, score) pairs, in the order drawn, and returns the
place of the chosen one; ties go to the one drawn first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb

Drawn = Sequence[tuple[str | None, float | None]]
ENOUGH = 0.95
"""The posterior at which adaptive consistency stops (Aggarwal et al. 2023)."""


def majority(drawn: Drawn) -> int:
    """Choose the most frequent answer."""
    return _heaviest(drawn, [1.0] * len(drawn))


def weighted(drawn: Drawn) -> int:
    """Choose the answer with the highest sum of scores; without any score, the most frequent."""
    weights = [score or 0.0 for _, score in drawn]
    return _heaviest(drawn, weights) if any(weights) else majority(drawn)


def best(drawn: Drawn) -> int:
    """Choose the highest score; a missing one comes last."""
    return max(range(len(drawn)), key=lambda place: _known(drawn[place][1]))


def adaptive_consistency(drawn: Drawn) -> tuple[int, int]:
    """Draw one at a time until the majority is settled; return the chosen place and the draws."""
    votes: dict[str, int] = {}
    for place, (key, _) in enumerate(drawn):
        if key is not None:
            votes[key] = votes.get(key, 0) + 1
            top = sorted(votes.values(), reverse=True)
            if _settled(top[0], top[1] if len(top) > 1 else 0) >= ENOUGH:
                return majority(drawn[: place + 1]), place + 1
    return majority(drawn), len(drawn)


def _heaviest(drawn: Drawn, weights: Sequence[float]) -> int:
    totals: dict[str, float] = {}
    for (key, _), weight in zip(drawn, weights, strict=True):
        if key is not None:
            totals[key] = totals.get(key, 0.0) + weight
    abstained = sum(w for (key, _), w in zip(drawn, weights, strict=True) if key is None)
    known = any(score is not None for _, score in drawn)
    if not totals or (known and abstained > max(totals.values())):
        return best(drawn)
    winner = max(totals, key=lambda key: totals[key])
    those = [place for place, (key, _) in enumerate(drawn) if key == winner]
    return max(those, key=lambda place: _known(drawn[place][1]))


def _known(score: float | None) -> float:
    return -1.0 if score is None else score


@lru_cache(maxsize=4096)
def _settled(first: int, second: int) -> float:
    """Return the mass of Beta(first + 1, second + 1) above one half.

    By parts, the integral of x^a (1 - x)^b over the upper half is a sum of binomials.
    """
    n = first + second + 1
    return float(sum(comb(n, k) for k in range(second + 1, n + 1)) / 2**n)
