"""The selectors that look at scores and at how often an answer was given.

They see every finished candidate of the whole tree, not only the last revision: right answers
often turn wrong when revised (about 38 % in Snell et al. 2024, section 6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from verifier_agent.calibration import Reliability
from verifier_agent.selection.election import add_up, by_score, elect, scores, shares, top
from verifier_agent.selection.selector import selector
from verifier_agent.values import Judged, Selection

Power = Annotated[float, Field(gt=0.0, le=100.0)]
Open = Annotated[float, Field(gt=0.0, lt=1.0)]


@selector
def best(judged: Sequence[Judged]) -> Selection:
    """Choose the highest score; those without a score come last. Confidence: that score.

    Support is each answer's share of all scores. Best-of-N: Cobbe et al. 2021, section 4.
    """
    return by_score(judged)


@selector
def vote(judged: Sequence[Judged]) -> Selection:
    """Choose the most frequent answer, and its best-scored candidate. Confidence: its share.

    Self-consistency: Wang et al. 2023. The share is of all finished candidates: one without an
    answer key abstains, and where more abstain than vote for the leader, this is `best`. A single
    vote has no share worth the name: its confidence is its score.
    """
    return elect(judged, [1.0] * len(judged))


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
    highest = max(scores(judged), default=0.0)
    if not highest:
        return elect(judged, [1.0] * len(judged))
    # as shares of the highest, so that no power makes all of them vanish
    return elect(judged, [(score / highest) ** power for score in scores(judged)])


@selector
def calibrated_vote(
    judged: Sequence[Judged], base: Open = 0.5, *, clip: Annotated[Open, Field(lt=0.5)] = 0.01
) -> Selection:
    """Choose the answer with the highest sum of logit(score) - logit(base).

    Low scores vote against. It is the best cheap rule of 2510.13918, for scores that mean
    P(correct); `base` is the score of a candidate that says nothing, fitted on a small labelled
    pool per generator and verifier. Scores are cut to [clip, 1 - clip] first, so that no single
    one decides alone. A candidate without a score has no vote; if none has one, heads count.
    Confidence: the share of all weight in favour, or the winner's score where no answer has any.
    """
    weights = [0.0 if j.score is None else _logit(j.score, clip) - _logit(base) for j in judged]
    if all(j.score is None for j in judged):
        weights = [1.0] * len(judged)
    return elect(judged, weights)


def _logit(p: float, clip: float = 0.0) -> float:
    p = min(1 - clip, max(clip, p))
    return math.log(p / (1 - p))


@selector
def frequent_best(
    judged: Sequence[Judged],
    top: Annotated[int, Field(ge=1, le=10_000)] | None = 3,
    *,
    share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0,
) -> Selection:
    """Choose the highest score among the `top` commonest answers.

    A guard against over-optimisation: the more candidates there are, the more surely the highest
    score of a noisy verifier goes to a rare wrong one (Best-of-Majority, 2510.03199). Of answers
    that are equally common all stay or none, as fits into `top` (None: all fit); each needs at
    least `share` of all candidates too; and the commonest always stay. Support is among those that
    stay. Candidates without a key abstain, as in `vote`.
    """
    counts = add_up(judged, [1.0] * len(judged))
    ranked = sorted(counts.values(), reverse=True)
    if not ranked or len(judged) - sum(ranked) > ranked[0]:
        return by_score(judged)
    left_out = 0.0 if top is None or len(ranked) <= top else ranked[top]
    stay = {
        answer
        for answer, count in counts.items()
        if count == ranked[0] or (count > left_out and count >= share * len(judged))
    }
    return by_score([j for j in judged if j.candidate.answer in stay])


@selector
def reliable_vote(judged: Sequence[Judged], reliability: Reliability) -> Selection:
    """Choose the answer that is most probably right, by how reliable each model is that gave one.

    Weighted votes of Dawid and Skene 1979, with models that err alike counted as such. Confidence:
    the posterior, which is as good as its assumptions; calibrate it for P(correct). A model that
    is not known has no vote, and where none is, heads count. One that was refuted has none either.
    """
    heard = [j for j in judged if not j.refuted]
    poll = reliability([(j.candidate.model, j.candidate.answer) for j in heard])
    if poll.leader is None:
        return elect(judged, [1.0] * len(judged))
    winner = top([j for j in heard if j.candidate.answer == poll.leader])
    return Selection(
        candidate=winner.candidate.id,
        answer=poll.leader,
        confidence=poll.chances[poll.leader],
        basis="posterior",
        support=shares(dict(poll.chances)),
    )
