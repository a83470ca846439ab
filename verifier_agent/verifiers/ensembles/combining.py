"""From what several verifiers said of one candidate to one verdict. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from verifier_agent.calibration import named
from verifier_agent.calibration.calibrators import sigmoid
from verifier_agent.values import Cost, Verdict
from verifier_agent.weighting import Weights

Rule = Literal["mean", "any", "all"]
"""How several words become one.

- "mean": the mean of the scores that were given; proof stands alone.
- "any": the highest: right if any verifier says so.
- "all": the lowest: right only if every verifier says so.
"""
RULES: tuple[Rule, ...] = get_args(Rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """One word of several."""

    score: float | None = None
    raw: float | None = None
    hard: bool = False
    error: str | None = None


Combine = Callable[[Sequence[Verdict]], Joint]
"""From the verdicts of those who were asked to one word. Given at least one verdict."""


def mean(verdicts: Sequence[Verdict]) -> Joint:
    """Return the mean of the scores given; proof, the lowest of several, overrules what is none."""
    return proof(verdicts) or _of_given(verdicts, lambda given: math.fsum(given) / len(given))


def any_of(verdicts: Sequence[Verdict]) -> Joint:
    """Return the highest score; unknown if one is missing, unless another is proof of 1."""
    return _extreme(verdicts, max, 1.0)


def all_of(verdicts: Sequence[Verdict]) -> Joint:
    """Return the lowest score; unknown if one is missing, unless another is proof of 0."""
    return _extreme(verdicts, min, 0.0)


def weighted(weights: Weights) -> Combine:
    """Return a rule that adds up scores by their weights, in log-odds; proof stands alone."""

    def combine(verdicts: Sequence[Verdict]) -> Joint:
        proven = proof(verdicts)
        if proven is not None:
            return proven
        odds = weights.log_odds({named(v.verifier): v.score for v in verdicts})
        if odds is None:
            return Joint(error=_missing(verdicts))
        return Joint(score=sigmoid(odds), raw=odds)

    return combine


def last(verdicts: Sequence[Verdict]) -> Joint:
    """Return the word of the last that was asked."""
    said = verdicts[-1]
    if said.score is None:
        return Joint(error=_missing(verdicts))
    return Joint(score=said.score, raw=said.raw, hard=said.hard)


COMBINE: dict[Rule, Combine] = {"mean": mean, "any": any_of, "all": all_of}


def proof(verdicts: Sequence[Verdict]) -> Joint | None:
    """Return the lowest score of those that are proof; None if none is."""
    hard = [v.score for v in verdicts if v.hard and v.score is not None]
    return Joint(score=min(hard), hard=True) if hard else None


def joined(name: str, verdicts: Sequence[Verdict], joint: Joint) -> Verdict:
    """Return the verdict of an ensemble: one score, all feedback, and every member's own verdict.

    Steps are those of the first member that scored any; a later one's are kept in its verdict.
    """
    steps = next((v.steps for v in verdicts if any(s is not None for s in v.steps)), ())
    told = dict.fromkeys(v.feedback for v in verdicts if v.feedback)
    return Verdict(
        candidate=verdicts[0].candidate,
        verifier=name,
        score=joint.score,
        raw=joint.raw,
        steps=steps,
        feedback="\n".join(told),
        evidence={"members": [verdict.to_dict() for verdict in verdicts]},
        hard=joint.hard,
        cost=Cost.total(verdict.cost for verdict in verdicts),
        error=joint.error,
    )


def _of_given(verdicts: Sequence[Verdict], of: Callable[[Sequence[float]], float]) -> Joint:
    given = [v.score for v in verdicts if v.score is not None]
    return Joint(score=of(given)) if given else Joint(error=_missing(verdicts))


def _extreme(
    verdicts: Sequence[Verdict], of: Callable[[Sequence[float]], float], end: float
) -> Joint:
    if any(v.hard and v.score == end for v in verdicts):
        return Joint(score=end, hard=True)
    if any(v.score is None for v in verdicts):
        return Joint(error=_missing(verdicts))
    joint = _of_given(verdicts, of)
    return Joint(score=joint.score, hard=all(v.hard for v in verdicts))


def _missing(verdicts: Sequence[Verdict]) -> str:
    """Say who gave no score, and why."""
    return "; ".join(
        v.error if v.error and v.error.startswith(v.verifier) else f"{v.verifier}: {v.error}"
        for v in verdicts
        if v.score is None
    )
