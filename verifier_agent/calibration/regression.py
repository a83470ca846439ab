"""Logistic regression on a few features, each of which may only count one way. Pure Python."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from verifier_agent.calibration.calibrators import sigmoid
from verifier_agent.calibration.linear import solve

Row = tuple[tuple[float, ...], float]
"""Features, and the target in [0, 1]."""

STEPS = 100
CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Logistic:
    """P = sigmoid(intercept + weights · features)."""

    intercept: float
    weights: tuple[float, ...]

    def __call__(self, features: Sequence[float]) -> float:
        """Return the probability."""
        products = zip(self.weights, features, strict=True)
        return sigmoid(self.intercept + math.fsum(w * x for w, x in products))


def fit_logistic(rows: Counter[Row], signs: Sequence[int], *, shrinkage: float = 0.0) -> Logistic:
    """Return the likeliest logistic whose weights have the given signs.

    By Newton's method, with an active set for the signs: a weight that would turn the wrong way is
    held at 0 until the likelihood pulls it back (Bertsekas 1982).

    Args:
        rows: How often each row was seen.
        signs: +1 for a weight that is not negative, -1 for one that is not positive.
        shrinkage: Of a Gaussian prior on the weight of each feature in units of its standard
            deviation: as if so many rows spoke for 0. The intercept is free.
    """
    penalty = [shrinkage * _variance(rows, at) for at in range(len(signs))]
    held: set[int] = set()
    for _ in range(2 ** len(signs)):
        theta = _newton(rows, penalty, held)
        wrong = [at for at, sign in enumerate(signs) if theta[at + 1] * sign < 0]
        if wrong:
            held |= {max(wrong, key=lambda at: abs(theta[at + 1]) * math.sqrt(penalty[at] or 1.0))}
            continue
        slope = _derivatives(rows, theta, penalty)[0]
        pulled = [at for at in held if -slope[at + 1] * signs[at] > CLOSE * rows.total()]
        if not pulled:
            break
        held.discard(max(pulled, key=lambda at: abs(slope[at + 1])))
    # where the set went round in a circle, what turns the wrong way counts for nothing
    weights = (w if w * sign > 0 else 0.0 for w, sign in zip(theta[1:], signs, strict=True))
    return Logistic(theta[0], tuple(weights))


def _variance(rows: Counter[Row], at: int) -> float:
    total = rows.total()
    mean = math.fsum(n * features[at] for (features, _), n in rows.items()) / total
    return math.fsum(n * (features[at] - mean) ** 2 for (features, _), n in rows.items()) / total


def _newton(rows: Counter[Row], penalty: Sequence[float], held: set[int]) -> list[float]:
    """Return intercept and weights with the least loss, those that are `held` being 0."""
    rate = math.fsum(target * n for (_, target), n in rows.items()) / rows.total()
    theta = [math.log(rate / (1 - rate)), *([0.0] * len(penalty))]
    free = [0, *(at + 1 for at in range(len(penalty)) if at not in held)]
    loss = _loss(rows, theta, penalty)
    for _ in range(STEPS):
        slope, bend = _derivatives(rows, theta, penalty)
        step = solve([[bend[i][j] for j in free] for i in free], [slope[i] for i in free])
        size = 1.0
        while True:
            moved = list(theta)
            for i, down in zip(free, step, strict=True):
                moved[i] -= size * down
            less = _loss(rows, moved, penalty)
            if less <= loss:
                break
            size /= 2
            if size < CLOSE:
                return theta
        theta, loss = moved, less
        if sum(map(abs, step)) < CLOSE:
            break
    return theta


def _loss(rows: Counter[Row], theta: Sequence[float], penalty: Sequence[float]) -> float:
    """Return the cross-entropy with the prior's part."""
    total = math.fsum(p * w * w for p, w in zip(penalty, theta[1:], strict=True)) / 2
    for (features, target), n in rows.items():
        z = theta[0] + sum(w * x for w, x in zip(theta[1:], features, strict=True))
        # log(1 + e^z) - target·z, without overflow
        total += n * (max(z, 0.0) + math.log1p(math.exp(-abs(z))) - target * z)
    return total


def _derivatives(
    rows: Counter[Row], theta: Sequence[float], penalty: Sequence[float]
) -> tuple[list[float], list[list[float]]]:
    """Return the gradient and the curvature of the loss."""
    size = len(theta)
    slope = [0.0, *(p * w for p, w in zip(penalty, theta[1:], strict=True))]
    bend = [[0.0] * size for _ in range(size)]
    for i in range(size):
        # a ridge: with equal features only, the curvature is singular
        bend[i][i] = 1e-6 + (penalty[i - 1] if i else 0.0)
    for (features, target), n in rows.items():
        x = (1.0, *features)
        p = sigmoid(sum(w * value for w, value in zip(theta, x, strict=True)))
        gap, curve = n * (p - target), n * p * (1 - p)
        for i in range(size):
            slope[i] += gap * x[i]
            for j in range(i + 1):
                bend[i][j] += curve * x[i] * x[j]
    for i in range(size):
        for j in range(i):
            bend[j][i] = bend[i][j]
    return slope, bend
