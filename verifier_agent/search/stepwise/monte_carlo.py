"""Monte Carlo tree search over steps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.stepwise.levels import STEP, ask, goes_on, own, usable
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Generate, Select

ROLLOUT = "rollout"
"""The mark of the answers that are completed to see what a step is worth."""


@policy
def mcts(
    tree: Tree,
    remaining: Remaining,
    simulations: Count = 16,
    expand: Count = 4,
    batch: Count = 1,
    *,
    rollouts: Annotated[int, Field(ge=0, le=100, strict=True)] = 1,
    explore: Annotated[float, Field(ge=0.0, le=1000.0)] = math.sqrt(2),
    depth: Count = 24,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Make `simulations` steps, each below the step that looks best or is least known.

    A simulation goes down from the question, to the child with the highest mean value plus
    `explore` · √(ln visits of its parent / its visits), as far as steps have `expand` children,
    and makes one more there: UCT, Kocsis and Szepesvári 2006. The value of the new step is the
    mean score of `rollouts` answers completed from it, or with 0 its own score, and counts for
    it and all above it. Steps of one batch count as visits worth 0 while they are chosen, so that
    they spread (Chaslot et al. 2008, virtual loss). `depth` bounds the steps of an answer. The
    model must be able to continue a partial answer.
    """
    steps = [c for c in tree if c.mark == STEP]
    growing = {c.id: rollouts for c in steps if goes_on(c)}
    rolling = ask(
        tree, growing, "where it leads", mark=ROLLOUT, until="end", temperature=temperature
    )
    if rolling:
        return rolling
    visits, totals = _backed_up(tree, usable(steps))
    wanted: Counter[str | None] = Counter()
    for _ in range(min(batch, simulations - len(steps))):
        room = _room(tree, steps, wanted, expand, depth)
        if None not in room:
            break
        leaf = _leaf(visits, totals, room, explore)
        wanted[leaf] += 1
        visits.update([None, *(c.id for c in (tree.path(leaf) if leaf else ()))])
    reason = f"{len(steps)} of {simulations} steps made"
    return [
        Generate(parent=leaf, n=n, until="step", temperature=temperature, mark=STEP, reason=reason)
        for leaf, n in wanted.items()
    ] or [Select(reason=reason)]


def _backed_up(
    tree: Tree, steps: Sequence[Candidate]
) -> tuple[Counter[str | None], dict[str, float]]:
    """Return how often each step was passed, the question (None) too, and the sum of values."""
    known = {c.id: value for c in steps if (value := _value(tree, c)) is not None}
    least = min(known.values(), default=0.5)  # a missing one counts as the lowest there is
    visits: Counter[str | None] = Counter()
    totals: dict[str, float] = {c.id: 0.0 for c in steps}
    for step in steps:
        visits[None] += 1
        for above in tree.path(step.id):
            visits[above.id] += 1
            totals[above.id] += known.get(step.id, least)
    return visits, totals


def _value(tree: Tree, step: Candidate) -> float | None:
    ends = [score for c in own(tree, step.id, ROLLOUT) if (score := tree.score(c.id)) is not None]
    return sum(ends) / len(ends) if ends else tree.score(step.id)


def _room(
    tree: Tree,
    steps: Sequence[Candidate],
    wanted: Counter[str | None],
    expand: int,
    depth: int,
) -> dict[str | None, list[str]]:
    """Return where there is room at or below: to the children with room, none at a leaf."""
    room: dict[str | None, list[str]] = {}
    places: list[str | None] = [c.id for c in reversed(steps) if goes_on(c) and c.depth < depth - 1]
    for place in [*places, None]:  # children come before their parents
        kids = own(tree, place)
        open_kids = [kid.id for kid in kids if kid.id in room]
        if len(kids) + wanted[place] < expand:
            room[place] = []
        elif open_kids:
            room[place] = open_kids
    return room


def _leaf(
    visits: Counter[str | None],
    totals: dict[str, float],
    room: dict[str | None, list[str]],
    explore: float,
) -> str | None:
    """Go down from the question by upper confidence bounds to where a step is to be made."""
    place: str | None = None
    while kids := room[place]:
        spread = math.log(visits[place])
        bounds = {
            kid: totals[kid] / visits[kid] + explore * math.sqrt(spread / visits[kid])
            for kid in kids
        }
        place = max(kids, key=lambda kid: bounds[kid])
    return place
