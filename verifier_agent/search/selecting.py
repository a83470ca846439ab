"""The policy that shows a verifier only what can change the choice."""

from __future__ import annotations

from collections.abc import Sequence

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.sampling import drafts
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Judged, Select, Verify


@policy
def selective(
    tree: Tree,
    remaining: Remaining,
    n: Count = 8,
    batch: Count = 1,
    *,
    model: str | None = None,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Draw `n` answers at once, and judge only those that can still change the weighted vote.

    It chooses what `weighted_vote()` of all verdicts would: the answer that could win by most is
    judged first, `batch` candidates at a time, and it ends when no other could catch up even if
    all of its candidates scored 1; with a hard verifier, at the first proof.
    """
    missing = n - len(drafts(tree))
    if missing > 0:
        reason = f"{n} answers, of which not all need a verdict"
        return [
            Generate(n=missing, judge=False, model=model, temperature=temperature, reason=reason)
        ]
    judged = tree.finished
    sure = next((j for j in judged if any(v.hard and v.score == 1.0 for v in j.verdicts)), None)
    if sure is not None:
        return [Select(outcome="verified", reason=f"{sure.candidate.id} is proven")]
    silent = contenders(judged)
    if not silent:
        unseen = sum(not j.verdicts for j in judged)
        return [Select(reason=f"no verdict on the other {unseen} can change the choice")]
    reason = f"{len(silent)} of {len(judged)} can still change the choice"
    return [Verify(candidates=silent[:batch], reason=reason)]


def contenders(judged: Sequence[Judged]) -> tuple[str, ...]:
    """Return the candidates without a verdict that can change the choice by the sum of scores.

    Those first whose answer has the highest sum if all that are open scored 1, the most a score
    can be. Nobody can any more once the leader has more than each of the others could get, were it
    to get nothing further itself. Candidates without a key stand together, as `weighted_vote` lets
    them abstain together: while they lead, all can.
    """
    have: dict[str | None, float] = {}
    can: dict[str | None, float] = {}
    for j in judged:
        key, score = j.candidate.answer, j.score or 0.0
        have[key] = have.get(key, 0.0) + score
        can[key] = can.get(key, 0.0) + (score if j.verdicts else 1.0)
    silent = [j.candidate for j in judged if not j.verdicts]
    leader = max(have, key=lambda key: have[key], default=None)
    rivals = [can[key] for key in can if key != leader]
    if leader is not None and have[leader] > max(rivals, default=0.0):
        return ()
    return tuple(c.id for c in sorted(silent, key=lambda c: -can[c.answer]))
