"""Particle filtering over steps, and its repetition around a reference: particle Gibbs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.stepwise.levels import STEP, Held, ask, grow, own, worth
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Select

CLIP = 1e-7
"""Scores are kept this far from 0 and 1 (its_hub, the authors' code), so that odds are finite."""


@policy
def particles(
    tree: Tree,
    remaining: Remaining,
    count: Count = 8,
    iterations: Count = 1,
    *,
    depth: Count = 24,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Grow `count` answers step by step, and after each step draw anew which of them go on.

    A particle is drawn with the odds p / (1 - p) of its latest score p, so that none is cut off
    for sure by a verifier that errs; complete answers keep their odds and can be drawn again.
    Puri et al. 2025. `iterations` > 1 repeats it around one particle drawn from the last round,
    which is never lost: particle Gibbs (Andrieu et al. 2010). The model must be able to continue
    a partial answer.
    """
    if iterations > 1 and count < 2:
        raise ConfigurationError("particles: more than one iteration needs count=2 or more")
    reference: tuple[Candidate, ...] = ()
    for iteration in range(iterations):
        mark = f"{STEP} {iteration}"
        free = count - bool(reference)
        if first := ask(tree, {None: free}, "first steps", mark=mark, temperature=temperature):
            return first

        def share(
            steps: int,
            held: Held,
            level: list[Candidate],
            iteration: int = iteration,
            free: int = free,
            reference: tuple[Candidate, ...] = reference,
        ) -> tuple[Held, dict[str, int]]:
            pool = [*held, *level, *reference[:steps][-1:]]
            drawn = drawn_anew(tree, pool, free, (iteration, steps))
            growth = Counter(c.id for c in drawn if not c.done)
            return [c for c in drawn if c.done], dict(growth)

        growing, last = grow(
            tree, own(tree, None, mark), depth, share, mark=mark, temperature=temperature
        )
        if growing:
            return growing
        pool = [*last, *reference[-1:]]
        reference = tuple(
            step for c in drawn_anew(tree, pool, 1, (iteration,)) for step in tree.path(c.id)
        )
    return [Select(reason=f"every particle is complete or {depth} steps long")]


def drawn_anew(
    tree: Tree, pool: Sequence[Candidate], count: int, salt: tuple[int, ...]
) -> list[Candidate]:
    """Draw `count` of `pool` with replacement, by the odds of their scores; none of none."""
    if not pool:
        return []
    scores = worth(tree, pool)
    clipped = [min(max(scores[c.id], CLIP), 1 - CLIP) for c in pool]
    odds = [p / (1 - p) for p in clipped]
    return tree.random("particles", *salt).choices(pool, odds, k=count)
