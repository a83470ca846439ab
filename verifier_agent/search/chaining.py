"""Chains of revisions side by side."""

from __future__ import annotations

from collections.abc import Sequence

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Share, Temperature, policy
from verifier_agent.search.revising import kept, shown
from verifier_agent.search.sampling import drafts
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Revise, Select


@policy
def chains(
    tree: Tree,
    remaining: Remaining,
    count: Count = 4,
    length: Count = 4,
    *,
    margin: Share = 0.0,
    model: str | None = None,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Draft `count` answers side by side, and make each a chain of `length` attempts.

    Every attempt but the first revises the best of its chain, which only a score more than
    `margin` higher replaces, and reads the last four attempts with what was said of them. The
    budget is count · length answers; length : count is the sequential-to-parallel ratio of Snell
    et al. 2024, section 6.2: easy questions want one long chain, hard ones several.
    """
    heads = drafts(tree)[:count]
    if len(heads) < count:
        n = count - len(heads)
        reason = f"{count} chains"
        return [Generate(n=n, model=model, temperature=temperature, reason=reason)]
    actions: list[Action] = []
    for head in heads:
        # the incumbent of a chain only moves down, so the order of ids is that of making
        chain = [c for c in tree if c.id == head.id or c.id.startswith(f"{head.id}.r")]
        attempts = [tree.judged(c.id) for c in chain if c.error is None]
        best = kept(attempts, margin)
        if best is not None and len(chain) < length:
            actions.append(
                Revise(
                    target=best.candidate.id,
                    shown=shown(attempts, best),
                    model=model,
                    temperature=temperature,
                    reason=f"attempt {len(chain) + 1} of {length}",
                )
            )
    return actions or [Select(reason=f"{count} chains of {length} attempts")]
