"""Weights without labels: which answers are right is not known, and is inferred with them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from verifier_agent.calibration.calibrators import logit, sigmoid
from verifier_agent.weighting.standard import Rows, scatter

SHRINKAGE = 0.3
"""By so much correlations between verifiers are drawn to 0; chosen on RewardMATH, where
0.1 to 0.5 is within 4 points of right choices, and none at all 5 to 8 worse."""
STEPS = 200
CLOSE = 1e-5

Matrix = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Inferred:
    """Weights of standardised scores, and by how much right answers are taken to score higher."""

    weights: tuple[float, ...]
    gaps: tuple[float, ...]
    """In standard deviations within the question."""


def fit_latent(rows: Rows, share: float) -> Inferred:
    """Return the weights under which the verifiers best agree which answers are right.

    A model of a hidden label, as Weaver's (2506.18203), but of scores as they are, and without its
    assumption that verifiers err independently: right answers and wrong ones are normal with two
    means and one covariance. By expectation-maximisation (Dempster, Laird and Rubin 1977) from the
    plain mean: who is right by the weights so far, then the discriminant between the two (Fisher
    1936). Its covariance is what keeps five verifiers with one taste from outvoting one that is
    independent of them. Without labels a verifier is never read backwards: no weight is below 0.

    Args:
        rows: Standardised scores.
        share: How many of a question's answers are taken to be right.
    """
    spread = scatter(rows)
    weights = [1.0 / len(spread)] * len(spread)
    scale = math.sqrt(sum(map(sum, spread))) / len(spread)
    weights = [w / scale if scale > CLOSE else w for w in weights]
    before: list[list[float]] = []
    gaps = [0.0] * len(spread)
    for _ in range(STEPS):
        right = [_right([_dot(weights, row) for row in question], share) for question in rows]
        gaps = _gaps(rows, right, share)
        weights = _discriminant(spread, gaps, share)
        if before and _moved(before, right) < CLOSE:
            break
        before = right
    return Inferred(tuple(weights), tuple(gaps))


def fit_moments(rows: Rows, share: float) -> Inferred:
    """Return the weights by matching the moments of pairs: Weaver's, of scores as they are.

    If verifiers err independently, the correlation of two is the product of how much each has to do
    with the label; the factors that come nearest to all correlations (one factor: Spearman 1904)
    give the weights. Where verifiers share more than the label, it takes that for the label.
    """
    spread = scatter(rows)
    count = len(spread)
    loadings = [math.sqrt(0.5)] * count
    for _ in range(STEPS):
        moved = 0.0
        for i in range(count):
            others = [j for j in range(count) if j != i]
            squares = sum(loadings[j] ** 2 for j in others)
            best = sum(spread[i][j] * loadings[j] for j in others) / squares if squares else 0.0
            best = min(MOST, max(0.0, best))
            moved, loadings[i] = max(moved, abs(best - loadings[i])), best
        if moved < CLOSE:
            break
    gaps = [loading / math.sqrt(share * (1 - share)) for loading in loadings]
    weights = [gap / (1 - load**2) for gap, load in zip(gaps, loadings, strict=True)]
    return Inferred(tuple(weights), tuple(gaps))


MOST = 0.98
"""A loading of 1 would be a verifier that is never wrong, with an infinite weight."""


def _right(scores: Sequence[float], share: float) -> list[float]:
    """Return P(right) of each answer to a question, by log-odds that are moved to fit `share`."""
    wanted = share * len(scores)
    low, high = -max(scores) - 40, -min(scores) + 40
    move = logit(share) - math.fsum(scores) / len(scores)
    while True:
        chances = [sigmoid(score + move) for score in scores]
        gap = math.fsum(chances) - wanted
        if abs(gap) < CLOSE * wanted or high - low < CLOSE:
            return chances
        low, high = (low, move) if gap > 0 else (move, high)
        slope = math.fsum(p * (1 - p) for p in chances)
        # Newton's step, or half of what is left where that leads outside
        move = move - gap / slope if slope > CLOSE else low
        if not low < move < high:
            move = (low + high) / 2


def _gaps(rows: Rows, right: Sequence[Sequence[float]], share: float) -> list[float]:
    """Return the mean of right answers minus that of wrong ones; scores are centred."""
    total = [0.0] * len(rows[0][0])
    count = 0
    for question, chances in zip(rows, right, strict=True):
        count += len(question)
        for row, chance in zip(question, chances, strict=True):
            for i, value in enumerate(row):
                total[i] += chance * value
    return [value / (count * share * (1 - share)) for value in total]


def _discriminant(spread: Matrix, gaps: Sequence[float], share: float) -> list[float]:
    """Return the weights, none below 0, that tell classes so far apart best.

    The least of w·W·w / 2 - gaps·w, one weight after the other; W is the scatter within classes.
    """
    count = len(gaps)
    between = share * (1 - share)
    within = [
        [
            (spread[i][j] - between * gaps[i] * gaps[j]) * (1.0 if i == j else 1 - SHRINKAGE)
            for j in range(count)
        ]
        for i in range(count)
    ]
    weights = [0.0] * count
    for _ in range(STEPS):
        moved = 0.0
        for i in range(count):
            others = sum(within[i][j] * weights[j] for j in range(count) if j != i)
            best = max(0.0, (gaps[i] - others) / max(within[i][i], CLOSE))
            moved, weights[i] = max(moved, abs(best - weights[i])), best
        if moved < CLOSE:
            break
    return weights


def _moved(before: Sequence[Sequence[float]], after: Sequence[Sequence[float]]) -> float:
    pairs = (pair for b, a in zip(before, after, strict=True) for pair in zip(b, a, strict=True))
    return max(abs(b - a) for b, a in pairs)


def _dot(weights: Sequence[float], row: Sequence[float]) -> float:
    return sum(w * x for w, x in zip(weights, row, strict=True))
