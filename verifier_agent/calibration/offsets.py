"""The offset of a calibrated vote: the score of a candidate that says nothing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from verifier_agent.calibration.calibrators import logit

EDGE = 0.01
"""Scores are cut so far off 0 and 1, as `calibrated_vote` does."""
GRID = tuple(n / 50 for n in range(1, 50))

Ballot = Sequence[tuple[str, float, int]]
"""The candidates of a question: answer key, P(correct), and 1 for right or 0 for wrong."""


def fit_offset(ballots: Sequence[Ballot]) -> float:
    """Return the b with which votes weighed by logit(p) - logit(b) are right most often.

    On a grid, as in 2510.13918; of several that are as good, the middle of the longest run. Ties
    between answers go to the first. Without ballots it is one half, which says that scores are
    probabilities already.
    """
    right = {b: sum(_right(ballot, logit(b)) for ballot in ballots) for b in GRID}
    most = max(right.values())
    runs = [list(run) for good, run in groupby(GRID, key=lambda b: right[b] == most) if good]
    longest = max(runs, key=len)
    return longest[len(longest) // 2]


def _right(ballot: Ballot, offset: float) -> int:
    weights: dict[str, float] = {}
    correct: dict[str, int] = {}
    for answer, p, label in ballot:
        weights[answer] = weights.get(answer, 0.0) + logit(p, EDGE) - offset
        correct.setdefault(answer, label)
    if not weights:
        return 0
    return correct[max(weights, key=lambda answer: weights[answer])]
