"""Policies that draw whole answers independently."""

from __future__ import annotations

from collections.abc import Sequence

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Generate, Select


@policy
def best_of(
    tree: Tree,
    remaining: Remaining,
    n: Count = 8,
    *,
    model: str | None = None,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Draw `n` answers at once, judge them all, and end. Cobbe et al. 2021."""
    missing = n - len(drafts(tree))
    if missing > 0:
        reason = f"best of {n}"
        return [Generate(n=missing, model=model, temperature=temperature, reason=reason)]
    return [Select(reason="the answer is drawn" if n == 1 else f"all {n} answers drawn")]


@policy
def sample(
    tree: Tree,
    remaining: Remaining,
    n: Count = 32,
    batch: Count = 4,
    *,
    model: str | None = None,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Draw up to `n` answers, `batch` at a time, so that a stop rule can end it between batches.

    With `until(sample(32), agree(0.95))` it is adaptive consistency (Aggarwal et al. 2023).
    """
    drawn = len(drafts(tree))
    if drawn < n:
        # up to the next multiple of the batch: a round cut short by the budget changes no other
        missing = min(n, (drawn // batch + 1) * batch) - drawn
        reason = f"{drawn} of at most {n} drawn"
        return [Generate(n=missing, model=model, temperature=temperature, reason=reason)]
    return [Select(reason=f"all {n} answers drawn")]


def drafts(tree: Tree) -> list[Candidate]:
    """Return the whole answers that were drawn from the question, failed ones too."""
    return [c for c in tree.children(None) if c.done]
