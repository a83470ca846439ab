"""Selectors: from judged candidates to one answer with a confidence. Pure.

A selector sees every finished candidate of the whole tree, not only the last revision: right
answers often turn wrong when revised (about 38 % in Snell et al. 2024, section 6). Candidates
come sorted by id, and ties go to the first, so the choice never depends on finishing order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Concatenate, ParamSpec, cast

from pydantic import Field

from verifier_agent.errors import ConfigurationError, takes
from verifier_agent.spec import Spec
from verifier_agent.values import Basis, Judged, Selection

P = ParamSpec("P")

Power = Annotated[float, Field(gt=0.0, le=100.0)]

SelectorFunction = Callable[[Sequence[Judged]], Selection]
"""Any callable of this shape is accepted where a `Selector` is."""


class Selector(Spec):
    """How to choose among judged candidates."""

    kind = "selector"
    inputs = 1
    __slots__ = ()

    def __call__(self, judged: Sequence[Judged]) -> Selection:
        """Choose; `judged` holds finished candidates without errors, sorted by id."""
        return cast(Selection, super().__call__(judged))


def selector(
    function: Callable[Concatenate[Sequence[Judged], P], Selection],
) -> Callable[P, Selector]:
    """Turn `function(judged, …)` into a factory of selectors with its other arguments bound."""
    Selector.define(function)

    def factory(*args: P.args, **kwargs: P.kwargs) -> Selector:
        return Selector.make(function.__name__, args, kwargs)

    Selector.dress(factory, function)
    return factory


@selector
def best(judged: Sequence[Judged]) -> Selection:
    """Choose the highest score; those without a score come last. Confidence: that score.

    Support is each answer's share of all scores. Best-of-N: Cobbe et al. 2021, section 4.
    """
    if not judged:
        return Selection()
    top = max(judged, key=_score_or_below)
    return Selection(
        candidate=top.candidate.id,
        answer=_shown(top),
        confidence=top.score,
        basis="none" if top.score is None else "score",
        support=_shares(_add_up(judged, _scores(judged))),
    )


@selector
def vote(judged: Sequence[Judged]) -> Selection:
    """Choose the most frequent answer, and its best-scored candidate. Confidence: its share.

    Self-consistency: Wang et al. 2023. The share is of all finished candidates: one without an
    answer key abstains, and where more abstain than vote for the leader, this is `best`. A single
    vote has no share worth the name: its confidence is its score.
    """
    return _elect(judged, [1.0] * len(judged))


@selector
def weighted_vote(judged: Sequence[Judged], power: Power = 1.0) -> Selection:
    """Choose the answer with the highest sum of scores to a power. Confidence: its share of all.

    Verifier-weighted majority: Li et al. 2023 (DiVeRSe). The power says how much the verifier is
    trusted against the count: near 0 it is `vote`, 1 the plain sum, and the larger it is, the more
    one high score outweighs many low ones, up to `best`; replay a labelled pool to find it.
    A candidate without a score has no weight; if none has one, or all are 0, every candidate
    weighs the same. Abstentions and single votes count as in `vote`, by weight: one that weighs
    nothing is no vote.
    """
    top = max((s for j in judged if (s := j.score) is not None), default=0.0)
    if not top:
        return _elect(judged, [1.0] * len(judged))
    # as shares of the highest, so that no power makes all of them vanish
    return _elect(judged, [(score / top) ** power for score in _scores(judged)])


def _elect(judged: Sequence[Judged], weights: Sequence[float]) -> Selection:
    votes = _add_up(judged, weights)
    pairs = list(zip(judged, weights, strict=True))
    abstained = sum(weight for j, weight in pairs if j.candidate.answer is None)
    if not votes or abstained > max(votes.values()):
        return best()(judged)
    answer = max(votes, key=lambda a: votes[a])  # the first of equals: sorted by id
    top = max((j for j in judged if j.candidate.answer == answer), key=_score_or_below)
    cast_votes = sum(1 for j, weight in pairs if weight > 0 and j.candidate.answer is not None)
    elected = Selection(
        candidate=top.candidate.id,
        answer=answer,
        confidence=votes[answer] / (sum(votes.values()) + abstained),
        basis="vote share",
        support=_shares(votes),
    )
    if cast_votes >= 2:
        return elected
    # nobody could have contradicted a single vote: its share would always look like certainty
    basis: Basis = "none" if top.score is None else "score"
    return replace(elected, confidence=top.score, basis=basis)


def _scores(judged: Sequence[Judged]) -> list[float]:
    return [j.score or 0.0 for j in judged]


def _add_up(judged: Sequence[Judged], weights: Sequence[float]) -> dict[str, float]:
    votes: dict[str, float] = {}
    for j, weight in zip(judged, weights, strict=True):
        if j.candidate.answer is not None:
            votes[j.candidate.answer] = votes.get(j.candidate.answer, 0.0) + weight
    return votes


def _shares(weights: dict[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {answer: weight / total for answer, weight in weights.items()} if total > 0 else {}


def _score_or_below(judged: Judged) -> float:
    return -1.0 if judged.score is None else judged.score


def _shown(judged: Judged) -> str:
    return judged.candidate.text if judged.candidate.answer is None else judged.candidate.answer


def resolve_selector(selector: SelectorFunction | str) -> SelectorFunction:
    """Read a selector's text form; a callable is returned as it is."""
    if isinstance(selector, str):
        return Selector.parse(selector)
    selector = Spec.settled(selector)
    if not callable(selector):
        raise ConfigurationError(
            f"selector={selector!r}: give a name such as 'vote', or a function of judged candidates"
        )
    if not takes(selector, 1):
        raise ConfigurationError(f"selector={selector!r} must take one argument: judged candidates")
    return selector
