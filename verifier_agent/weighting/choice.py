"""Weights from a few labelled questions: the choice that the labels would make. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from verifier_agent.calibration.linear import solve
from verifier_agent.weighting.standard import Rows

SHRINKAGE = 10.0
"""Of the prior, in questions: weights are normal with a standard deviation of 1 / sqrt(10); chosen
on RewardMATH with 48 labelled questions, where 3 to 30 is within 2 points of right choices."""
STEPS = 50
CLOSE = 1e-8

Label = Sequence[int]
"""1 for each right answer to a question, 0 for the others."""


def fit_choice(rows: Rows, labels: Sequence[Label]) -> tuple[float, ...]:
    """Return the weights under which the right answers are chosen most surely.

    P(an answer is chosen) = softmax of weights · scores over the answers to the question: a
    conditional logit (McFadden 1974), with the right answers of a question as equally good choices,
    and a normal prior around 0. It asks only which answer of a question is better, so how hard
    questions are does not confuse it. With labels a verifier may count against what it praises.
    Questions whose answers are all right or all wrong say nothing. By Newton's method.
    """
    told = [
        (question, [value / sum(label) for value in label])
        for question, label in zip(rows, labels, strict=True)
        if 0 < sum(label) < len(label)
    ]
    weights = [0.0] * len(rows[0][0])
    if not told:
        return tuple(weights)
    loss = _loss(told, weights)
    for _ in range(STEPS):
        slope, bend = _derivatives(told, weights)
        step, size = solve(bend, slope), 1.0
        while True:
            moved = [w - size * s for w, s in zip(weights, step, strict=True)]
            less = _loss(told, moved)
            if less <= loss or size < CLOSE:
                break
            size /= 2
        done = loss - less < CLOSE * loss
        if less <= loss:
            weights, loss = moved, less
        if done:
            break
    return tuple(weights)


Told = Sequence[tuple[Sequence[tuple[float, ...]], Sequence[float]]]


def _loss(told: Told, weights: Sequence[float]) -> float:
    total = SHRINKAGE / 2 * sum(w * w for w in weights)
    for question, wanted in told:
        scores = [_dot(weights, row) for row in question]
        highest = max(scores)
        total += highest + math.log(math.fsum(math.exp(s - highest) for s in scores))
        total -= math.fsum(t * s for t, s in zip(wanted, scores, strict=True))
    return total


def _derivatives(told: Told, weights: Sequence[float]) -> tuple[list[float], list[list[float]]]:
    """Return the gradient and the curvature of the loss."""
    size = len(weights)
    slope = [SHRINKAGE * w for w in weights]
    bend = [[SHRINKAGE if i == j else 0.0 for j in range(size)] for i in range(size)]
    for question, wanted in told:
        scores = [_dot(weights, row) for row in question]
        highest = max(scores)
        powers = [math.exp(s - highest) for s in scores]
        chances = [p / math.fsum(powers) for p in powers]
        middle = [math.fsum(p * r[i] for p, r in zip(chances, question)) for i in range(size)]  # noqa: B905
        for row, chance, target in zip(question, chances, wanted, strict=True):
            off = [x - m for x, m in zip(row, middle, strict=True)]
            for i in range(size):
                slope[i] += (chance - target) * row[i]
                part = chance * off[i]
                for j in range(i + 1):
                    bend[i][j] += part * off[j]
    for i in range(size):
        for j in range(i):
            bend[j][i] = bend[i][j]
    return slope, bend


def _dot(weights: Sequence[float], row: Sequence[float]) -> float:
    return sum(w * x for w, x in zip(weights, row, strict=True))
