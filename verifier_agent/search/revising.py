"""The policy that improves answers with what the verifier said of them."""

from __future__ import annotations

from collections.abc import Sequence

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Share, Temperature, policy
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Revise, Select


@policy
def revise(
    tree: Tree,
    remaining: Remaining,
    rounds: Count = 3,
    n: Count = 1,
    *,
    threshold: Share = 0.9,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Draft once, then up to `rounds` times make `n` revisions of the incumbent on its feedback.

    It ends as soon as the incumbent scores at least `threshold`: a good answer is left alone,
    since revising it makes it wrong more often than better (Huang et al. 2024). A revision that
    scores lower never becomes the incumbent, so the next one starts from the better text
    (Madaan et al. 2023, Self-Refine, revises the last one).
    """
    if not tree.children(None):
        return [Generate(n=1, temperature=temperature, reason="a first draft")]
    incumbent = tree.incumbent
    if incumbent is None:
        return [Select(outcome="failed", reason="no draft to revise")]
    if incumbent.score is not None and incumbent.score >= threshold:
        proven = any(v.hard for v in incumbent.verdicts)
        return [
            Select(
                outcome="verified" if proven else "completed",
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
                temperature=temperature,
                reason=f"{incumbent.candidate.id} has {score}, below {threshold:.2f}",
            )
        ]
    return [Select(outcome="plateau", reason=f"{rounds} rounds of revision are used up")]
