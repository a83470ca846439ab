"""What verdicts say of answers: how far each is believed, and what another one may bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from verifier_agent.values import Judged, Verdict

SUREST = 0.998
"""No score that is not proof is believed beyond this, nor its opposite: a choice, with which one
such score leaves less to gain than the default price of a call."""
COMPARING = frozenset({"answered", "outputs", "pairs"})
"""Evidence of verdicts that compare answers with each other: shares of them, and no chances."""
FAINT = 1 / 6
"""The chance that the next answer is good falls as one over the answers, and with this power of the
best score so far: even among bad scores, one of 0.001 is a better sign than one of 0.000000001. It
was fitted to answers of the embedded generator; see docs/benchmarks.md."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a run's finished answers, from what verifiers said of them."""

    leader: Judged
    """The best candidate of the answer that is believed most."""
    right: float
    """The chance that this answer is right, if scores are chances and at most one of those that
    can be compared is."""
    promise: float
    """The chance that the next answer drawn is good, were the leader wrong."""
    proven: bool
    """True if a hard verifier accepted the leader."""

    @property
    def gain(self) -> float:
        """By how much one more answer is expected to raise the chance to end with a right one."""
        return 0.0 if self.proven else (1 - self.right) * self.promise


def opinion(judged: Judged) -> float | None:
    """Return how far verifiers believe a candidate; None if none said more than a count of votes.

    Proof counts alone. Else it is the mean score, without verdicts that compare the answers with
    each other, and without those that only refute (evidence `refutes`), whose high scores mean
    that nothing speaks against an answer.
    """
    hard = [v.score for v in judged.verdicts if v.hard and v.score is not None]
    if hard:
        return min(hard)
    given = [v.score for v in judged.verdicts if v.score is not None and _judges(v)]
    return sum(given) / len(given) if given else None


def _judges(verdict: Verdict) -> bool:
    return not verdict.refutes and COMPARING.isdisjoint(verdict.evidence)


def believed(judged: Sequence[Judged]) -> Belief | None:
    """Return what is believed of answers of which at least one was judged; None without any.

    Where some were refuted only, nothing is believed of the others, and votes are to say more.

    Scores are read as independent chances to be right. All of an answer's candidates being wrong
    has the chance m, the product of theirs; its odds are (1 - m) / m, and since at most one answer
    is right, its chance is its odds over 1 plus all odds. A candidate without a key contradicts
    none, as one essay does not another: its chance is its score.
    """
    if not any(v.score is not None and _judges(v) for j in judged for v in j.verdicts):
        return None
    opinions = [(j, s) for j in judged if (s := opinion(j)) is not None]
    wrong: dict[str, float] = {}
    for j, score in opinions:
        if (key := j.candidate.answer) is not None:
            wrong[key] = wrong.get(key, 1.0) * (1 - _cut(j, score))
    odds = {key: (1 - m) / max(m, 1e-12) for key, m in wrong.items()}
    all_odds = 1 + sum(odds.values())

    def right(judged: Judged, score: float) -> float:
        key = judged.candidate.answer
        return _cut(judged, score) if key is None else odds[key] / all_odds

    leader, score = max(opinions, key=lambda pair: (right(*pair), pair[1]))
    return Belief(
        leader=leader,
        right=right(leader, score),
        promise=_promise(opinions),
        proven=leader.proven,
    )


def _cut(judged: Judged, score: float) -> float:
    if any(v.hard and v.score is not None for v in judged.verdicts):
        return score
    return min(SUREST, max(1 - SUREST, score))


def _promise(opinions: Sequence[tuple[Judged, float]]) -> float:
    # a bare 0 is a no without degrees: it says less than a score of 0.000000001 does
    best = max(score or 1 - SUREST for _, score in opinions)
    return math.pow(best, FAINT) / len(opinions)
