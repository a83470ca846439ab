"""Step-level search: partial answers are grown where the verifier likes their steps."""

from __future__ import annotations

from collections.abc import Sequence

from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Generate, Select, order


@policy
def beam(
    tree: Tree,
    remaining: Remaining,
    width: Count = 4,
    expand: Count = 4,
    groups: Count = 1,
    *,
    depth: Count = 24,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Keep the `width` best partial answers and grow each by `expand` next steps, level by level.

    A complete answer that is kept holds its place, so the beam narrows as answers are completed.
    `groups` > 1 splits the beam into that many independent searches of `width // groups` each,
    which keeps the answers diverse: diverse verifier tree search (Beeching et al. 2024). With
    groups=1 it is the beam search of Snell et al. 2024, section 5. `depth` bounds the steps.
    The model must be able to continue a partial answer.
    """
    if width % groups:
        raise ConfigurationError(f"beam: width={width} is not a multiple of groups={groups}")
    first = width * expand
    missing = first - len(tree.children(None))
    if missing > 0:
        return [Generate(n=missing, until="step", temperature=temperature, reason="first steps")]
    growing: list[Action] = []
    for group in range(groups):
        level = [c for c in tree.children(None) if order(c.id)[0][1] % groups == group]
        growing += _grow(tree, level, width // groups, expand, depth, temperature)
    if growing:
        return growing
    return [Select(reason=f"every beam is complete or {depth} steps long")]


def _grow(
    tree: Tree,
    level: Sequence[Candidate],
    room: int,
    expand: int,
    depth: int,
    temperature: float | None,
) -> list[Action]:
    for steps in range(1, depth):
        ranked = sorted(
            (c for c in level if c.error is None), key=lambda c: (-_score(tree, c), order(c.id))
        )
        kept = ranked[:room]
        room -= sum(1 for c in kept if c.done)
        parents = [c for c in kept if not c.done]
        actions: list[Action] = [
            Generate(
                parent=parent.id,
                n=expand - len(tree.children(parent.id, "generate")),
                until="step",
                temperature=temperature,
                reason=f"one of the {len(parents)} best after {steps} steps",
            )
            for parent in parents
            if len(tree.children(parent.id, "generate")) < expand
        ]
        if actions or not parents:
            return actions
        level = [child for parent in parents for child in tree.children(parent.id, "generate")]
    return []


def _score(tree: Tree, candidate: Candidate) -> float:
    score = tree.score(candidate.id)
    return -1.0 if score is None else score
