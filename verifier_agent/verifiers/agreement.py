"""The free verifier: how many of the other answers agree with this one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from verifier_agent.values import Candidate, Task, Verdict


class Agreement:
    """Score each candidate by the share of all answered candidates that give its answer.

    Self-consistency (Wang et al. 2023) as a verifier. A candidate counts as answered if it is
    complete, without an error, and has an answer key; any other gets no score and an error. The
    score is a vote share, evidence of what the model tends to say and no proof of anything: answers
    that are all wrong alike get 1.0. A single answer has nothing to agree with, and no score.

    It costs nothing. It is relational: it has to be shown all answered candidates of a run, and
    `Verdict.version` tells how many of them there were.
    """

    name = "agreement"
    hard = False
    relational = True
    per_candidate = False

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Count the votes."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Count the votes."""
        votes = Counter(c.answer for c in candidates if is_answered(c))
        total = votes.total()
        return [self._verdict(c, votes[c.answer], total) for c in candidates]

    def _verdict(self, candidate: Candidate, votes: int, total: int) -> Verdict:
        if not is_answered(candidate) or total < 2:
            single = "a single answer has nothing to agree with"
            return Verdict(
                candidate=candidate.id,
                verifier=self.name,
                error=single if is_answered(candidate) else "no answer to compare",
                version=total,
            )
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=votes / total,
            raw=float(votes),
            evidence={"votes": votes, "answered": total},
            version=total,
        )


def is_answered(candidate: Candidate) -> bool:
    """Return True if `candidate` takes part in a vote: complete, no error, with an answer key."""
    return candidate.done and candidate.error is None and candidate.answer is not None
