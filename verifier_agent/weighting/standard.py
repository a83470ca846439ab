"""Scores of several verifiers on one footing: centred within the question, in units of spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Scores = Sequence[float | None]
"""What each verifier said of one answer, in the order of their names; None: nothing."""
Question = Sequence[Scores]
"""The answers to one question."""
Rows = Sequence[Sequence[tuple[float, ...]]]
"""By question and answer: the standardised scores."""

SAME = 0.97
"""Two verifiers whose scores correlate at least so much within questions count as one."""
FLAT = 1e-6
"""A spread of scores in [0, 1] from which on it counts as one."""


@dataclass(frozen=True, slots=True)
class Column:
    """What the scores of one verifier are like."""

    given: int
    """Answers that it scored."""
    mean: float
    spread: float
    """The standard deviation within questions."""


def columns(questions: Sequence[Question], count: int) -> list[Column]:
    """Return what the scores of each of `count` verifiers are like."""
    found = []
    for at in range(count):
        given = [
            [score for scores in question if (score := scores[at]) is not None]
            for question in questions
        ]
        scores = [score for question in given for score in question]
        squares = [(score - _mean(question)) ** 2 for question in given for score in question]
        found.append(Column(len(scores), _mean(scores), math.sqrt(_mean(squares))))
    return found


def standardise(
    questions: Sequence[Question], found: Sequence[Column], kept: Sequence[int]
) -> Rows:
    """Return the scores of the verifiers `kept`, less their mean in the question, over the spread.

    Only differences within a question tell its answers apart. One spread for all questions, since
    a verifier that hardly tells the answers to one apart should count for little there. A missing
    score is put at the mean of the question: it speaks for no answer and against none.
    """
    rows = []
    for question in questions:
        parts = [_centred([scores[at] for scores in question], found[at].spread) for at in kept]
        rows.append(list(zip(*parts, strict=True)))
    return rows


def _centred(scores: Scores, spread: float) -> list[float]:
    mean = _mean(scores)
    return [0.0 if score is None else (score - mean) / spread for score in scores]


def scatter(rows: Rows) -> list[list[float]]:
    """Return the mean of the products of each two verifiers' standardised scores."""
    flat = [row for question in rows for row in question]
    count = len(flat[0])
    matrix = [[0.0] * count for _ in range(count)]
    for i in range(count):
        for j in range(i + 1):
            product = math.fsum(row[i] * row[j] for row in flat) / len(flat)
            matrix[i][j] = matrix[j][i] = product
    return matrix


def repeated(matrix: Sequence[Sequence[float]]) -> dict[int, int]:
    """Return which verifiers say nearly what an earlier one says, and which one that is."""
    same: dict[int, int] = {}
    for j in range(len(matrix)):
        for i in range(j):
            size = math.sqrt(matrix[i][i] * matrix[j][j])
            if i not in same and matrix[i][j] >= SAME * size:
                same[j] = i
                break
    return same


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else 0.0
