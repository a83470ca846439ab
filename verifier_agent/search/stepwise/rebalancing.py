"""REBASE: each level's budget is shared out among the steps by their scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.stepwise.levels import Held, ask, grow, own, worth
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Select

Balance = Annotated[float, Field(gt=0.0, le=1000.0)]


@policy
def rebase(
    tree: Tree,
    remaining: Remaining,
    width: Count = 16,
    *,
    balance: Balance = 0.1,
    depth: Count = 24,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Grow `width` answers step by step; better steps get more of the next steps.

    Of the places that complete answers have left, a step gets the share softmax(score / balance):
    a small `balance` favours the best, a large one treats all alike. Wu et al. 2024, REBASE, with
    the balance of their section 3; the shares are rounded by largest remainder, so that every
    level has exactly as many steps as there are places. The model must be able to continue a
    partial answer.
    """
    if first := ask(tree, {None: width}, "first steps", temperature=temperature):
        return first

    def share(steps: int, held: Held, level: list[Candidate]) -> tuple[Held, dict[str, int]]:
        held = held + [c for c in level if c.done]
        scores = worth(tree, [c for c in level if not c.done])
        top = max(scores.values(), default=0.0)
        weights = {name: math.exp((score - top) / balance) for name, score in scores.items()}
        return held, apportioned(width - len(held), weights)

    growing, _ = grow(tree, own(tree, None), depth, share, temperature=temperature)
    return growing or [Select(reason=f"every answer is complete or {depth} steps long")]


def apportioned(seats: int, weights: dict[str, float]) -> dict[str, int]:
    """Share out `seats` by weight, whole and exact; those that get none are left out.

    Largest remainder (Hare quota): each gets the whole part of its share, and what is left goes
    to the largest fractions, the first of equals.
    """
    total = sum(weights.values())
    if seats <= 0 or not total:
        return {}
    shares = {name: seats * weight / total for name, weight in weights.items()}
    given = {name: math.floor(share) for name, share in shares.items()}
    by_rest = sorted(shares, key=lambda name: given[name] - shares[name])
    for name in by_rest[: seats - sum(given.values())]:
        given[name] += 1
    return {name: n for name, n in given.items() if n}
