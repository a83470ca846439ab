"""From a confidence to P(correct): a monotone map, fitted on a labelled pool."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from verifier_agent.errors import ConfigurationError

EDGE = 0.01
"""A confidence is read as at least this and at most one minus this: log-odds have no end."""
STEPS = 100
CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Platt:
    """P(correct) = sigmoid(slope · logit(confidence) + intercept). Platt 1999; slope >= 0."""

    slope: float
    intercept: float

    def __call__(self, confidence: float) -> float:
        """Return P(correct)."""
        return _sigmoid(self.slope * logit(confidence) + self.intercept)


def logit(confidence: float) -> float:
    """Return the log-odds of a confidence that is kept off 0 and 1."""
    kept = min(1 - EDGE, max(EDGE, confidence))
    return math.log(kept / (1 - kept))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def fit(judged: Sequence[tuple[float, int]]) -> Platt:
    """Fit the map to pairs of a confidence and 1 for right or 0 for wrong.

    By Newton's method on the likelihood, with Platt's targets, which are a little less sure than
    0 and 1 and keep the fit finite. Where confidence tells nothing, or misleads, the slope is 0
    and the map is the base rate. Raises ConfigurationError if there is nothing to fit to.
    """
    if not judged:
        raise ConfigurationError(
            "nothing to calibrate on: no answer of the calibration pool has both a confidence "
            "and a label"
        )
    right = sum(r for _, r in judged)
    targets = ((right + 1) / (right + 2), 1 / (len(judged) - right + 2))
    points = Counter((logit(c), targets[0] if r else targets[1]) for c, r in judged)
    rate = math.fsum(target * n for (_, target), n in points.items()) / points.total()
    base = math.log(rate / (1 - rate))
    slope, intercept = _newton(points, base)
    return Platt(slope, intercept) if slope > 0 else Platt(0.0, base)


Points = Counter[tuple[float, float]]


def _newton(points: Points, intercept: float) -> tuple[float, float]:
    slope = 0.0
    loss = _loss(points, slope, intercept)
    for _ in range(STEPS):
        down, across = _step(points, slope, intercept)
        size = 1.0
        while (less := _loss(points, slope - size * down, intercept - size * across)) > loss:
            size /= 2
            if size < CLOSE:
                return slope, intercept
        slope, intercept, loss = slope - size * down, intercept - size * across, less
        if abs(down) + abs(across) < CLOSE:
            break
    return slope, intercept


def _loss(points: Points, slope: float, intercept: float) -> float:
    """Return the cross-entropy of the map."""
    total = 0.0
    for (x, target), n in points.items():
        z = slope * x + intercept
        # log(1 + e^z) - target·z, without overflow
        total += n * (max(z, 0.0) + math.log1p(math.exp(-abs(z))) - target * z)
    return total


def _step(points: Points, slope: float, intercept: float) -> tuple[float, float]:
    """Return the inverse curvature of the loss times its gradient."""
    gs = gi = si = 0.0
    ss = ii = 1e-6  # a ridge: with equal confidences only, the curvature is singular
    for (x, target), n in points.items():
        p = _sigmoid(slope * x + intercept)
        gap, bend = n * (p - target), n * p * (1 - p)
        gs, gi = gs + gap * x, gi + gap
        ss, si, ii = ss + bend * x * x, si + bend * x, ii + bend
    area = ss * ii - si * si
    return (ii * gs - si * gi) / area, (ss * gi - si * gs) / area
