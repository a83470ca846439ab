"""The policy that improves an answer with what the verifier said of it."""

from __future__ import annotations

from collections.abc import Sequence

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Share, Temperature, policy
from verifier_agent.search.sampling import drafts
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Judged, Revise, Select

ATTEMPTS = 4
"""So many attempts a revision reads: Snell et al. 2024, section 6.1."""


@policy
def revise(
    tree: Tree,
    remaining: Remaining,
    rounds: Count = 3,
    n: Count = 1,
    *,
    threshold: Share = 0.9,
    margin: Share = 0.0,
    model: str | None = None,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Draft once, then up to `rounds` times make `n` revisions of the incumbent on its feedback.

    It ends as soon as the incumbent scores at least `threshold`: a good answer is left alone,
    since revising it makes it wrong more often than better (Huang et al. 2024). Only a revision
    that scores more than `margin` above the incumbent is revised in its place, so the next one
    starts from the better text (Madaan et al. 2023, Self-Refine, revises the last one). The last
    four attempts are shown.
    """
    if not drafts(tree):
        return [Generate(n=1, model=model, temperature=temperature, reason="a first draft")]
    attempts = tree.finished
    incumbent = kept(attempts, margin)
    if incumbent is None:
        return [Select(outcome="failed", reason="no draft to revise")]
    if incumbent.score is not None and incumbent.score >= threshold:
        return [
            Select(
                outcome="verified" if incumbent.proven else "completed",
                reason=f"score {incumbent.score:.2f} reaches {threshold:.2f}",
            )
        ]
    revisions = sum(1 for c in tree if c.via == "revise")
    if revisions < rounds * n:
        score = "no score" if incumbent.score is None else f"score {incumbent.score:.2f}"
        return [
            Revise(
                target=incumbent.candidate.id,
                n=min(n, rounds * n - revisions),
                shown=shown(attempts, incumbent),
                model=model,
                temperature=temperature,
                reason=f"{incumbent.candidate.id} has {score}, below {threshold:.2f}",
            )
        ]
    return [Select(outcome="plateau", reason=f"{rounds} rounds of revision are used up")]


def kept(attempts: Sequence[Judged], margin: float) -> Judged | None:
    """Return the incumbent: the best draft, until a revision scores more than `margin` above it."""
    ranked = sorted(attempts, key=lambda j: j.candidate.via == "revise")
    incumbent = next(iter(ranked), None)
    for attempt in ranked[1:]:
        assert incumbent is not None
        lead = 0.0 if attempt.candidate.via == "generate" else margin
        if attempt.score is not None and (
            incumbent.score is None or attempt.score > incumbent.score + lead
        ):
            incumbent = attempt
    return incumbent


def shown(attempts: Sequence[Judged], target: Judged) -> tuple[str, ...]:
    """Return the attempts that a revision of `target` reads before it: with it, the last four."""
    others = [j.candidate.id for j in attempts if j.candidate != target.candidate]
    return tuple(others[-(ATTEMPTS - 1) :])
