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

    It chooses the answer that `weighted_vote()` of all verdicts would: the one that could win by
    most is judged first, `batch` candidates at a time, and it ends when no other could catch up
    even if all of its candidates scored 1; with a hard verifier, at the first proof. Each
    candidate's score must be its own: where scores depend on the other candidates, later ones
    could change the earlier. No budget is kept back for verdicts: one that cannot pay for `n`
    answers and as many verdicts can end in the middle, and then those decide that there are.
    """
    missing = n - len(drafts(tree))
    if missing > 0:
        reason = f"{n} answers, of which not all need a verdict"
        return [
            Generate(n=missing, judge=False, model=model, temperature=temperature, reason=reason)
        ]
    judged = tree.finished
    sure = next((j for j in judged if j.proven), None)
    if sure is not None:
        return [Select(outcome="verified", reason=f"{sure.candidate.id} is proven")]
    silent = contenders(judged)
    if not silent:
        unseen = sum(not j.verdicts for j in judged)
        reason = f"no verdict on the other {unseen} can change the choice"
        return [Select(reason=reason if unseen else f"all {len(judged)} are judged")]
    reason = f"the choice is open, and {len(silent)} of {len(judged)} have no verdict"
    return [Verify(candidates=silent[:batch], reason=reason)]


def contenders(judged: Sequence[Judged]) -> tuple[str, ...]:
    """Return the candidates without a verdict, while verdicts can change the choice; else none.

    Those come first whose answer has the highest sum of scores if all that are open scored 1, the
    most a score can be. The choice is settled once the leader has more than each of the others
    could get, were it to get nothing further itself. Candidates without a key stand together, as
    `weighted_vote` lets them abstain together: while they lead, nothing is settled.
    """
    have: dict[str | None, float] = {}
    can: dict[str | None, float] = {}
    for j in judged:
        key = j.candidate.answer
        score = 0.0 if j.refuted else j.score or 0.0  # whatever else was said of it: no vote
        have[key] = have.get(key, 0.0) + score
        can[key] = can.get(key, 0.0) + (score if j.verdicts else 1.0)
    silent = [j.candidate for j in judged if not j.verdicts]
    leader = max(have, key=lambda key: have[key], default=None)
    rivals = [can[key] for key in can if key != leader]
    if leader is not None and have[leader] > max(rivals, default=0.0):
        return ()
    return tuple(c.id for c in sorted(silent, key=lambda c: -can[c.answer]))
