"""Fitting calibrators to labelled scores, by name of the method. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from verifier_agent.calibration import binomial
from verifier_agent.calibration.calibrators import (
    EDGE,
    Calibrator,
    beta,
    isotonic,
    logit,
    lower_bound,
    platt,
)
from verifier_agent.calibration.regression import Row, fit_logistic
from verifier_agent.errors import ConfigurationError, nearest

Pairs = Sequence[tuple[float, int]]
"""A score in [0, 1], and 1 for right or 0 for wrong."""
Method = Literal["platt", "beta", "isotonic", "lower_bound"]
METHODS: tuple[Method, ...] = get_args(Method)

LEVEL = 0.1
"""How often a bin's lower bound may be above its mean P(correct)."""
BINS = 10
FEWEST = 25
"""Scores in a bin of a lower bound; with fewer the bound says nothing."""


def fit_calibrator(pairs: Pairs, method: Method = "platt") -> Calibrator:
    """Return the calibrator that fits best.

    Raises ConfigurationError for an unknown method, or if there is nothing to fit to.
    """
    if method not in FITS:
        raise ConfigurationError(f"unknown method {method!r}{nearest(method, METHODS)}")
    return FITS[method](pairs)


def fit_platt(pairs: Pairs) -> Calibrator:
    """Fit two numbers; the safe choice for a few hundred scores or fewer.

    Where scores tell nothing, or mislead, the slope is 0 and P(correct) is the base rate.
    """
    high, low = softened(pairs)
    rows: Counter[Row] = Counter(
        ((logit(score),), high if right else low) for score, right in pairs
    )
    found = fit_logistic(rows, [1])
    return platt(found.weights[0], found.intercept)


def fit_beta(pairs: Pairs) -> Calibrator:
    """Fit three numbers, for scores that are skewed to one end."""
    high, low = softened(pairs)
    rows: Counter[Row] = Counter()
    for score, right in pairs:
        kept = min(1 - EDGE, max(EDGE, score))
        rows[(math.log(kept), -math.log1p(-kept)), high if right else low] += 1
    found = fit_logistic(rows, [1, 1])
    up, down = found.weights
    return beta(up, down, found.intercept)


def fit_isotonic(pairs: Pairs) -> Calibrator:
    """Fit any rising curve, by pooling adjacent violators; for a thousand scores or more.

    Ayer et al. 1955. Equal scores are one point; each block is kept by its two ends.
    """
    check_some(pairs)
    blocks = _pooled(_by_score(pairs))
    points = [(score, block.rate) for block in blocks for score in {block.first, block.last}]
    return isotonic(tuple(sorted(points)))


def fit_lower_bound(pairs: Pairs, level: float = LEVEL) -> Calibrator:
    """Fit what P(correct) is at least, on average over the scores of each of at most ten bins.

    The bins have equal mass, equal scores together, and those that do not rise are pooled; of each
    the exact lower bound counts, wrong in at most `level` of cases, or that of one below it, since
    P(correct) rises with the score. At the low end of a bin P(correct) itself may be lower.
    """
    check_some(pairs)
    size = max(FEWEST, math.ceil(len(pairs) / BINS))
    bins: list[_Block] = []
    for block in _by_score(pairs):
        if bins and bins[-1].seen < size:
            bins.append(bins.pop().joined(block))
        else:
            bins.append(block)
    if len(bins) > 1 and bins[-1].seen < size:
        last = bins.pop()
        bins.append(bins.pop().joined(last))
    best, points = 0.0, []
    for block in _pooled(bins):
        best = max(best, binomial.lower(block.right, block.seen, level))
        points.append((block.first, best))
    return lower_bound(tuple(points))


FITS: dict[str, Callable[[Pairs], Calibrator]] = {
    "platt": fit_platt,
    "beta": fit_beta,
    "isotonic": fit_isotonic,
    "lower_bound": fit_lower_bound,
}


def check_some(pairs: Pairs) -> None:
    """Raise ConfigurationError if there are no pairs."""
    if not pairs:
        raise ConfigurationError(
            "nothing to calibrate on: no answer has both a score or votes and a label"
        )


def softened(pairs: Pairs) -> tuple[float, float]:
    """Return the targets for right and wrong: a little less sure than 1 and 0, which keeps fits
    finite (Platt 1999).

    Raises ConfigurationError if there are no pairs.
    """
    check_some(pairs)
    right = sum(r for _, r in pairs)
    return (right + 1) / (right + 2), 1 / (len(pairs) - right + 2)


@dataclass(frozen=True, slots=True)
class _Block:
    """Answers whose scores lie side by side."""

    first: float
    last: float
    right: int
    seen: int

    @property
    def rate(self) -> float:
        return self.right / self.seen

    def joined(self, above: _Block) -> _Block:
        return _Block(self.first, above.last, self.right + above.right, self.seen + above.seen)


def _by_score(pairs: Pairs) -> list[_Block]:
    """Return a block for each score, in rising order."""
    seen: Counter[float] = Counter()
    right: Counter[float] = Counter()
    for score, r in pairs:
        seen[score] += 1
        right[score] += r
    return [_Block(score, score, right[score], seen[score]) for score in sorted(seen)]


def _pooled(blocks: Sequence[_Block]) -> list[_Block]:
    """Join neighbours until the share of right answers rises from each block to the next."""
    pooled: list[_Block] = []
    for block in blocks:
        joined = block
        while pooled and pooled[-1].rate >= joined.rate:
            joined = pooled.pop().joined(joined)
        pooled.append(joined)
    return pooled
