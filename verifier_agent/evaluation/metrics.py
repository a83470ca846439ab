"""How good, how sure, how well calibrated: standard errors by question, intervals, and scores of
confidences. Pure, on plain numbers; an undefined figure is None."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from itertools import pairwise

BINS = 10
"""Of equal width, for the calibration error."""
MASS_BINS = 5
"""Of equal mass."""
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


def brier_skill(judged: Judged) -> float | None:
    """Return by how much the Brier score is better than that of always saying the accuracy.

    1 is perfect, 0 no better; None where all are right or all wrong.
    """
    rate = mean([right for _, right in judged])
    given = brier(judged)
    if rate is None or given is None or not 0.0 < rate < 1.0:
        return None
    return 1 - given / (rate * (1 - rate))


def calibration_error_by_mass(judged: Judged) -> float | None:
    """Return the mean gap of confidence and accuracy over five bins of equal mass.

    Equal confidences stay in one bin, so there can be fewer.
    """
    ordered = sorted(judged, key=lambda pair: pair[0])
    n, edges = len(ordered), [0]
    for bin_ in range(1, MASS_BINS + 1):
        edge = round(n * bin_ / MASS_BINS)
        while 0 < edge < n and ordered[edge][0] == ordered[edge - 1][0]:
            edge += 1
        if edge > edges[-1]:
            edges.append(edge)
    gaps = (
        abs(math.fsum(confidence - right for confidence, right in ordered[low:high]))
        for low, high in pairwise(edges)
    )
    return math.fsum(gaps) / n if n else None


def perfect_error(confidences: Sequence[float], *, share: float = 0.95, seed: int = 0) -> float:
    """Return the calibration error by mass that a perfect predictor stays below so often.

    By simulation: each answer is right with just the chance that was said. An error above it is
    hardly an accident of a small sample.
    """
    dice = random.Random(seed)
    found = sorted(
        calibration_error_by_mass([(c, int(dice.random() < c)) for c in confidences]) or 0.0
        for _ in range(RESAMPLES // 5)
    )
    return found[math.ceil(share * len(found)) - 1]
