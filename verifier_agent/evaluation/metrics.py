"""How good, how sure, how well calibrated: standard errors by question, intervals, and scores of
confidences. Pure, on plain numbers; an undefined figure is None."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from itertools import groupby

BINS = 10
"""Of equal width, for the calibration error."""
RESAMPLES = 1000
"""Of the bootstrap; its own error at the ends of a 95 % interval is then a few hundredths of it."""

Judged = Sequence[tuple[float, int]]
"""Pairs of a confidence in [0, 1] and 1 for right or 0 for wrong."""


def mean(values: Sequence[float]) -> float | None:
    """Return the mean; None of nothing."""
    return math.fsum(values) / len(values) if values else None


def standard_error(values: Sequence[float]) -> float | None:
    """Return the standard error of the mean of independent values; None for fewer than two."""
    n = len(values)
    if n < 2:
        return None
    middle = math.fsum(values) / n
    return math.sqrt(math.fsum((v - middle) ** 2 for v in values) / (n - 1) / n)


def intervals(
    differences: Mapping[str, Sequence[float]], *, share: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return the bootstrap percentile interval of the mean of each list of paired differences.

    One value per question, in the same order in every list: questions are drawn anew, with
    replacement, and the same ones for all lists (Efron and Tibshirani 1993, chapter 13). The order
    of the questions does not matter.
    """
    n = len(next(iter(differences.values()), ()))
    if n < 2:
        return {}
    rows = sorted(zip(*differences.values(), strict=True))
    differences = dict(zip(differences, zip(*rows, strict=True), strict=True))
    source, means = random.Random(seed), {name: [0.0] * RESAMPLES for name in differences}
    for turn in range(RESAMPLES):
        chosen = source.choices(range(n), k=n)
        for name, values in differences.items():
            means[name][turn] = sum(map(values.__getitem__, chosen)) / n
    tail = round(RESAMPLES * (1 - share) / 2)
    ordered = {name: sorted(found) for name, found in means.items()}
    return {name: (found[tail], found[-1 - tail]) for name, found in ordered.items()}


def brier(judged: Judged) -> float | None:
    """Return the mean squared difference of confidence and outcome (Brier 1950); 0 is perfect."""
    return mean([(confidence - right) ** 2 for confidence, right in judged])


def auroc(judged: Judged) -> float | None:
    """Return the chance that a right answer has more confidence than a wrong one; ties are half.

    None unless there are both. By ranks: Mann and Whitney 1947.
    """
    right = sum(r for _, r in judged)
    wrong = len(judged) - right
    if not right or not wrong:
        return None
    below, wins = 0, 0.0  # wrong answers with less confidence, and pairs won by right ones
    for _, tied in groupby(sorted(judged), key=lambda pair: pair[0]):
        outcomes = [r for _, r in tied]
        ups = sum(outcomes)
        wins += ups * (below + (len(outcomes) - ups) / 2)
        below += len(outcomes) - ups
    return wins / (right * wrong)


def reliability(judged: Judged) -> list[dict[str, float]]:
    """Return mean confidence, accuracy and count of each bin that holds something, in order."""
    bins: dict[int, list[tuple[float, int]]] = {}
    for confidence, right in judged:
        bins.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, right))
    return [
        {
            "confidence": math.fsum(confidence for confidence, _ in held) / len(held),
            "accuracy": sum(right for _, right in held) / len(held),
            "count": len(held),
        }
        for _, held in sorted(bins.items())
    ]


def calibration_error(judged: Judged) -> float | None:
    """Return the mean gap of confidence and accuracy over bins (ECE; Guo et al. 2017)."""
    if not judged:
        return None
    gaps = (
        bin_["count"] * abs(bin_["confidence"] - bin_["accuracy"]) for bin_ in reliability(judged)
    )
    return math.fsum(gaps) / len(judged)
