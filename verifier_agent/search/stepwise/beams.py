"""Beam search over steps, its independent groups, and its look ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.stepwise.levels import Held, ask, grow, looked, own, usable
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Select, order


@policy
def beam(
    tree: Tree,
    remaining: Remaining,
    width: Count = 4,
    expand: Count = 4,
    groups: Count = 1,
    *,
    depth: Count = 24,
    lookahead: Annotated[int, Field(ge=0, le=100, strict=True)] = 0,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Keep the `width` best partial answers and grow each by `expand` next steps, level by level.

    A complete answer that is kept holds its place, so the beam narrows as answers are completed.
    `groups` > 1 splits the beam into that many independent searches of `width // groups` each,
    which keeps the answers diverse: diverse verifier tree search (Beeching et al. 2024). With
    groups=1 it is the beam search of Snell et al. 2024, section 5. `lookahead` > 0 judges a step
    by where the likeliest next steps lead, so many of them (section 5.2); each level then costs
    1 + `lookahead` times as much. `depth` bounds the steps. The model must be able to continue a
    partial answer.
    """
    if width % groups:
        raise ConfigurationError(f"beam: width={width} is not a multiple of groups={groups}")
    if first := ask(tree, {None: width * expand}, "first steps", temperature=temperature):
        return first

    def share(steps: int, held: Held, level: list[Candidate]) -> tuple[Held, dict[str, int]]:
        ranked = sorted(level, key=lambda c: (-_value(tree, c, lookahead), order(c.id)))
        kept = ranked[: width // groups - len(held)]
        return held + [c for c in kept if c.done], {c.id: expand for c in kept if not c.done}

    growing: list[Action] = []
    for group in range(groups):
        level = own(tree, None)[group::groups]
        growing += grow(tree, level, depth, share, temperature=temperature, lookahead=lookahead)[0]
    return growing or [Select(reason=f"every beam is complete or {depth} steps long")]


def _value(tree: Tree, candidate: Candidate, lookahead: int) -> float:
    score = tree.score(usable(looked(tree, candidate, lookahead))[-1].id)
    return -1.0 if score is None else score
