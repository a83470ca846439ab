"""From scores of several verifiers to `Weights`: who is dropped, who counts how much. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from verifier_agent.calibration.calibrators import logit, sigmoid
from verifier_agent.calibration.regression import fit_logistic
from verifier_agent.errors import ConfigurationError
from verifier_agent.weighting.choice import Label, fit_choice
from verifier_agent.weighting.latent import fit_latent, fit_moments
from verifier_agent.weighting.standard import (
    FLAT,
    SAME,
    Column,
    Question,
    columns,
    repeated,
    scatter,
    standardise,
)
from verifier_agent.weighting.weights import Dropped, Method, Weight, Weights, check_method

SHARE = 0.2
"""How many of a question's answers are taken to be right where nobody says. Chosen on
RewardMATH, where one of ten is: 0.1 to 0.3 is within 3 points of right choices, 0.5 seven worse.
What matters is that they are few."""
NONE = 1e-9
"""A weight that counts as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What verifiers said of the answers to one question, and which of them are right."""

    scores: Question
    labels: Label | None = None
    """None: unknown."""


def fit_weights(
    names: Sequence[str],
    questions: Sequence[Scored],
    method: Method = "latent",
    *,
    share: float = SHARE,
) -> Weights:
    """Return how much each verifier's word counts.

    Dropped are a verifier that scored nothing or says the same of all answers to a question, one
    that says what one named before it says, and, without labels, one that adds nothing to the
    others.

    Args:
        names: Of the verifiers, in the order of the scores; of two alike the first is kept.
        questions: At least one with two answers.
        method: "latent" or "moments" look at no label; "labels" at all there are.
        share: Without labels: how many of a question's answers are right, about.

    Raises:
        ConfigurationError: There is nothing to fit to, or the labels that are asked for are
            missing.
    """
    check_method(method)
    if not 0.0 < share < 1.0:
        raise ConfigurationError(f"share={share!r}: a number between 0 and 1 is needed")
    used = [one for one in questions if len(one.scores) > 1]
    if method == "labels":
        used = [one for one in used if one.labels is not None]
    if not used:
        wanted = "labelled questions" if method == "labels" else "questions"
        raise ConfigurationError(f"there are no {wanted} with two answers to weigh verifiers by")
    scores = [one.scores for one in used]
    found = columns(scores, len(names))
    reasons = _useless(names, scores, found)
    kept = [at for at in range(len(names)) if at not in reasons]
    if not kept:
        raise ConfigurationError(f"no verifier tells answers apart: {'; '.join(reasons.values())}")
    counts = _weights(method, standardise(scores, found, kept), used, share)
    weights = {at: weight for at, weight in zip(kept, counts, strict=True) if abs(weight) > NONE}
    if not weights:
        raise ConfigurationError("the verifiers have nothing in common; label some answers")
    reasons |= {at: "adds nothing to the others" for at in kept if at not in weights}
    fitted = Weights(
        method=method,
        members=tuple(
            Weight(
                verifier=names[at],
                weight=weight,
                mean=found[at].mean,
                spread=found[at].spread,
                given=found[at].given,
                alone=_alone(used, at),
            )
            for at, weight in weights.items()
        ),
        dropped=tuple(
            Dropped(verifier=names[at], reason=reason, alone=_alone(used, at))
            for at, reason in sorted(reasons.items())
        ),
        questions=len(used),
        labelled=len(used) if method == "labels" else 0,
        share=None if method == "labels" else share,
    )
    return _in_odds(fitted, names, used)


def _useless(
    names: Sequence[str], scores: Sequence[Question], found: Sequence[Column]
) -> dict[int, str]:
    """Return whose scores say nothing, or nothing that those of one before do not say; and why."""
    reasons = {
        at: "the same for all answers to a question" if column.given else "scored nothing"
        for at, column in enumerate(found)
        if column.spread <= FLAT
    }
    kept = [at for at in range(len(names)) if at not in reasons]
    if not kept:
        return reasons
    same = repeated(scatter(standardise(scores, found, kept)))
    return reasons | {
        kept[one]: f"says what {names[kept[other]]} says (correlation of {SAME} or more)"
        for one, other in same.items()
    }


def _weights(
    method: Method,
    rows: Sequence[Sequence[tuple[float, ...]]],
    questions: Sequence[Scored],
    share: float,
) -> tuple[float, ...]:
    if method == "labels":
        labels = [one.labels or () for one in questions]
        if not any(0 < sum(label) < len(label) for label in labels):
            raise ConfigurationError(
                "no labelled question has both right and wrong answers: nothing to choose between"
            )
        return fit_choice(rows, labels)
    if method == "latent":
        return fit_latent(rows, share).weights
    if len(rows[0][0]) < 3:
        raise ConfigurationError("method='moments' needs three verifiers that differ, or more")
    return fit_moments(rows, share).weights


def _in_odds(fitted: Weights, names: Sequence[str], questions: Sequence[Scored]) -> Weights:
    """Return the weights on the scale of log-odds: by the labels, else so that `share` is right."""
    sums = [
        [fitted.log_odds(dict(zip(names, scores, strict=True))) for scores in one.scores]
        for one in questions
    ]
    if fitted.share is not None:
        flat = [z for one in sums for z in one if z is not None]
        return replace(fitted, intercept=_moved(flat, fitted.share))
    pairs = [
        (z, float(right))
        for one, question in zip(sums, questions, strict=True)
        for z, right in zip(one, question.labels or (), strict=True)
        if z is not None
    ]
    right = sum(label for _, label in pairs)
    if not 0 < right < len(pairs):
        raise ConfigurationError("the labelled answers are all right or all wrong")
    found = fit_logistic(Counter(((z,), label) for z, label in pairs), [1])
    slope = found.weights[0] or 1.0
    members = tuple(replace(m, weight=m.weight * slope) for m in fitted.members)
    return replace(fitted, members=members, intercept=found.intercept)


def _moved(sums: Sequence[float], share: float) -> float:
    """Return what has to be added to log-odds for their mean probability to be `share`."""
    low, high = -max(sums) + logit(share), -min(sums) + logit(share)
    for _ in range(60):  # by halves: each one a binary digit
        middle = (low + high) / 2
        mean = math.fsum(sigmoid(z + middle) for z in sums) / len(sums)
        low, high = (low, middle) if mean > share else (middle, high)
    return (low + high) / 2


def _alone(questions: Sequence[Scored], at: int) -> float | None:
    """Return how often the best-scored answer is right, ties shared; None without labels."""
    shares = [
        best_right([scores[at] for scores in one.scores], one.labels)
        for one in questions
        if one.labels is not None
    ]
    return math.fsum(shares) / len(shares) if shares else None


def best_right(scores: Sequence[float | None], labels: Label) -> float:
    """Return the share of right answers among those that score highest; where none has a score,
    among all."""
    given = [score for score in scores if score is not None]
    best = [
        label
        for score, label in zip(scores, labels, strict=True)
        if not given or score == max(given)
    ]
    return sum(best) / len(best)
