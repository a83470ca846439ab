"""The counting of votes that selectors share."""

from __future__ import annotations

from collections.abc import Sequence

from verifier_agent.values import Judged, Selection

Group = tuple[Sequence[Judged], float]
"""Candidates that vouch for each other, and the weight of all of them."""


def top(judged: Sequence[Judged]) -> Judged:
    """Return the one with the highest score; those without come last, and ties go to the first."""
    return max(judged, key=lambda j: -1.0 if j.score is None else j.score)


def scores(judged: Sequence[Judged]) -> list[float]:
    """Return the scores, with 0 where there is none: it weighs nothing."""
    return [j.score or 0.0 for j in judged]


def by_score(judged: Sequence[Judged]) -> Selection:
    """Choose the highest score; support is each answer's share of all scores."""
    if not judged:
        return Selection()
    return scored(top(judged), shares(add_up(judged, scores(judged))))


def scored(winner: Judged, support: dict[str, float]) -> Selection:
    """Choose `winner`, as sure as its score."""
    return Selection(
        candidate=winner.candidate.id,
        answer=shown(winner),
        confidence=winner.score,
        basis="none" if winner.score is None else "score",
        support=support,
    )


def elect(judged: Sequence[Judged], weights: Sequence[float]) -> Selection:
    """Choose the answer with the most weight, and its best-scored candidate.

    The confidence is its share of all weight in favour. Those without an answer key abstain; where
    more abstain than vote for the leader, the highest score is chosen, if any is known. A negative
    weight is a vote against; one that was refuted has no vote, unless all were. Where nobody could
    have contradicted a single vote, or all weight is against the leader too, a share would lie: the
    confidence is then the score.
    """
    if not all(j.refuted for j in judged):
        weights = [0.0 if j.refuted else weight for j, weight in zip(judged, weights, strict=True)]
    votes = add_up(judged, weights)
    pairs = list(zip(judged, weights, strict=True))
    abstained = sum(max(0.0, weight) for j, weight in pairs if j.candidate.answer is None)
    known = any(j.score is not None for j in judged)
    if not votes or (known and abstained > max(0.0, *votes.values())):
        return by_score(judged)
    answer = max(votes, key=lambda a: votes[a])  # the first of equals: sorted by id
    winner = top([j for j in judged if j.candidate.answer == answer])
    support = shares(votes)
    cast_votes = sum(1 for j, weight in pairs if weight and j.candidate.answer is not None)
    if cast_votes < 2 or votes[answer] <= 0:
        return scored(winner, support)
    in_favour = sum(max(0.0, total) for total in votes.values())
    return Selection(
        candidate=winner.candidate.id,
        answer=answer,
        confidence=votes[answer] / (in_favour + abstained),
        basis="vote share",
        support=support,
    )


def elect_group(judged: Sequence[Judged], groups: Sequence[Group]) -> Selection:
    """Choose the group with the most weight, and its best-scored candidate.

    Of equal groups the first is chosen. The confidence is its share of all weight; a group of one,
    with nobody to agree with, is only as sure as its score. Without any weight it is the highest
    score of all that are `judged`. Members of a group have equal parts of its weight.
    """
    total = sum(weight for _, weight in groups)
    if not total:
        return by_score(judged)
    members, weight = max(groups, key=lambda group: group[1])
    each = [(j, weight / len(members)) for members, weight in groups for j in members]
    support = shares(add_up([j for j, _ in each], [part for _, part in each]))
    winner = top(members)
    if len(members) == 1:
        return scored(winner, support)
    return Selection(
        candidate=winner.candidate.id,
        answer=shown(winner),
        confidence=weight / total,
        basis="vote share",
        support=support,
    )


def add_up(judged: Sequence[Judged], weights: Sequence[float]) -> dict[str, float]:
    """Return the weight of each answer, in the order of the first candidate that gave it."""
    votes: dict[str, float] = {}
    for j, weight in zip(judged, weights, strict=True):
        if j.candidate.answer is not None:
            votes[j.candidate.answer] = votes.get(j.candidate.answer, 0.0) + weight
    return votes


def shares(weights: dict[str, float]) -> dict[str, float]:
    """Return each answer's share of all weight in favour; empty if there is none."""
    total = sum(max(0.0, weight) for weight in weights.values())
    return {a: max(0.0, weight) / total for a, weight in weights.items()} if total > 0 else {}


def shown(judged: Judged) -> str:
    """Return the answer as it is shown: its key, or its text where there is no key."""
    return judged.candidate.text if judged.candidate.answer is None else judged.candidate.answer
