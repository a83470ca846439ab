"""Which confidence is enough, if answers may be wrong so often: a threshold with a bound. Pure.

Learn then test (Angelopoulos et al. 2021, 2110.01052) with exact binomial tails, as Conformal
Thinking (2602.03814) does for stopping.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from verifier_agent.calibration import binomial
from verifier_agent.plain import Value

POINTS = 50
"""Thresholds that are kept: about one for each fiftieth of the questions."""
STARTS = 5
"""Sequences of tests, the first from one fifth of the questions on, the last at all of them; each
has an equal share of how often the bound may fail."""
SURE = 0.9
"""How surely a bound holds, over draws of the questions that it was fitted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Value):
    """What came of answering only where the confidence is at least `threshold`."""

    threshold: float
    answered: int
    wrong: int


def selective(judged: Sequence[tuple[float, int]]) -> tuple[Answered, ...]:
    """Return counts at thresholds from the strictest to the one that answers all.

    Args:
        judged: Confidence, and 1 for right or 0 for wrong; one of each question, since the runs
            of one question are not independent.
    """
    found: list[Answered] = []
    answered = wrong = 0
    step = len(judged) / POINTS
    for threshold, tied in groupby(sorted(judged, reverse=True), key=lambda pair: pair[0]):
        outcomes = [right for _, right in tied]
        answered += len(outcomes)
        wrong += len(outcomes) - sum(outcomes)
        if answered >= step * (len(found) + 1) or answered == len(judged):
            found.append(Answered(threshold=threshold, answered=answered, wrong=wrong))
    return tuple(found)


def risk_threshold(
    curve: Sequence[Answered], risk: float, *, sure: float = SURE
) -> Answered | None:
    """Return the loosest threshold at which answers are wrong at most `risk` of the time.

    The risk of each threshold is tested by P(so few wrong answers or fewer | the risk is as
    stated). Tests go from strict to loose and end at the first that fails, so that they need no
    correction; since the strictest have too few answers to pass, there are several starts, and
    the chance of error is shared among them. So with probability `sure` the risk on further
    questions of the same kind is at most `risk`, for confidences that did not come from a fit to
    the judged outcomes themselves. None if no threshold passes.
    """
    if not curve:
        return None
    level = (1 - sure) / STARTS
    best: Answered | None = None
    total = curve[-1].answered
    for start in range(1, STARTS + 1):
        for point in curve:
            if point.answered < total * start / STARTS:
                continue
            if binomial.at_most(point.wrong, point.answered, risk) > level:
                break
            if best is None or point.answered > best.answered:
                best = point
    return best
