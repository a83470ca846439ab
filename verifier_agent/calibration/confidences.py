"""Confidences: from what a run shows for its answer to P(correct). Frozen and plain."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Concatenate, ParamSpec, cast

from pydantic import Field

from verifier_agent.calibration.calibrators import Rising, logit, sigmoid
from verifier_agent.calibration.evidence import Evidence
from verifier_agent.calibration.fitting import softened
from verifier_agent.calibration.regression import Row, fit_logistic
from verifier_agent.spec import Spec

P = ParamSpec("P")

Falling = Annotated[float, Field(le=0.0)]
EDGE = 0.01
"""A share or a mean score is read as at least this and at most one minus this."""
SHRINKAGE = 1.0
"""Of the weights of the fit towards 0, as if so many rows spoke for that: a choice, not tuned."""


class Confidence(Spec):
    """From evidence to P(correct); more votes for the answer never lower it."""

    kind = "confidence"
    inputs = 1
    __slots__ = ()

    def __call__(self, evidence: Evidence) -> float:
        """Return P(correct) in [0, 1]."""
        return cast(float, super().__call__(evidence))


def confidence(
    function: Callable[Concatenate[Evidence, P], float],
) -> Callable[P, Confidence]:
    """Turn `function(evidence, …)` into a factory of confidences with the rest bound."""
    Confidence.define(function)

    def factory(*args: P.args, **kwargs: P.kwargs) -> Confidence:
        return Confidence.make(function.__name__, args, kwargs)

    Confidence.dress(factory, function)
    return factory


@confidence
def tally(
    evidence: Evidence,
    base: float = 0.0,
    votes: Rising = 1.0,
    runner_up: Falling = -1.0,
    others: Falling = 0.0,
    *,
    share: Rising = 0.0,
    score: Rising = 0.0,
) -> float:
    """A logistic of counts and scores, each counting one way only.

    P = sigmoid(base + votes · ln v + runner_up · ln(r + ½) + others · ln(o + ½) + share ·
    logit(confidence) + score · logit(mean score)) for v votes, r for the runner-up and o others.
    Counts, not shares: four votes of four and forty of forty are not the same, and neither are
    forty that were drawn because the first four disagreed. Unfitted it is the odds of the leader
    against the runner-up.
    """
    weights = (votes, runner_up, others, share, score)
    products = zip(weights, features(evidence), strict=True)
    return sigmoid(base + math.fsum(w * x for w, x in products))


SIGNS = (1, -1, -1, 1, 1)


def features(evidence: Evidence) -> tuple[float, ...]:
    """Return what `tally` weighs; where there is no number, even odds."""
    share, score = evidence.confidence, evidence.score
    return (
        math.log(max(1, evidence.votes)),
        math.log(evidence.runner_up + 0.5),
        math.log(evidence.others + 0.5),
        0.0 if share is None else logit(share, EDGE),
        0.0 if score is None else logit(score, EDGE),
    )


def fit_tally(judged: Sequence[tuple[Evidence, int]]) -> Confidence:
    """Return the `tally` that fits best to evidence and 1 for right or 0 for wrong.

    Raises ConfigurationError if there is nothing to fit to.
    """
    high, low = softened([(0.0, right) for _, right in judged])
    rows: Counter[Row] = Counter((features(e), high if right else low) for e, right in judged)
    found = fit_logistic(rows, SIGNS, shrinkage=SHRINKAGE)
    votes, runner_up, others, share, score = found.weights
    return tally(found.intercept, votes, runner_up, others, share=share, score=score)
