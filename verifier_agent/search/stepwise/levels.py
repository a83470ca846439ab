"""The fold that step-level policies share: a tree of steps, grown level by level."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Generate

STEP = "step"
"""The mark of the steps that are searched; other candidates of the tree are left alone."""
LOOK = "look"
"""The mark of the steps that are only made to see where another one leads."""

Held = list[Candidate]
"""Complete answers that keep their place in the search; one that keeps two is in it twice."""
Share = Callable[[int, Held, list[Candidate]], tuple[Held, dict[str, int]]]
"""(steps so far, held, new usable candidates) → (held from now on, id → children to make)."""


def own(tree: Tree, parent: str | None, mark: str = STEP) -> list[Candidate]:
    """Return the generated children of `parent` that carry `mark`, failed ones too."""
    return [c for c in tree.children(parent, "generate") if c.mark == mark]


def ask(
    tree: Tree,
    wanted: Mapping[str, int] | Mapping[None, int],
    reason: str,
    *,
    mark: str = STEP,
    until: Literal["end", "step"] = "step",
    temperature: float | None = None,
) -> list[Action]:
    """Return what is missing until each parent has its number of children with `mark`.

    So what the budget cut is made up for before the search goes on.
    """
    missing = {parent: n - len(own(tree, parent, mark)) for parent, n in wanted.items()}
    return [
        Generate(parent=parent, n=n, until=until, temperature=temperature, mark=mark, reason=reason)
        for parent, n in missing.items()
        if n > 0
    ]


def usable(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates whose call did not fail."""
    return [c for c in candidates if c.error is None]


def worth(tree: Tree, candidates: Sequence[Candidate]) -> dict[str, float]:
    """Return the scores by id; a missing one counts as the lowest there is, or as even odds."""
    given = {c.id: score for c in candidates if (score := tree.score(c.id)) is not None}
    least = min(given.values(), default=0.5)
    return {c.id: given.get(c.id, least) for c in candidates}


def grow(
    tree: Tree,
    level: Sequence[Candidate],
    depth: int,
    share: Share,
    *,
    mark: str = STEP,
    temperature: float | None = None,
    lookahead: int = 0,
) -> tuple[list[Action], list[Candidate]]:
    """Follow `share` from the first steps on; return what is to be asked, or what it ended with.

    The end is reached where nothing is left to grow or the steps are `depth` long: then there are
    no actions, and the second value holds all candidates that have a place in the search.
    """
    held: Held = []
    for steps in range(1, depth):
        fresh = usable(level)
        if looking := look(tree, fresh, lookahead):
            return looking, []
        held, growth = share(steps, held, fresh)
        if not growth:
            return [], held
        reason = f"{len(growth)} of {len(fresh)} go on after {steps} steps"
        if actions := ask(tree, growth, reason, mark=mark, temperature=temperature):
            return actions, []
        level = [child for parent in growth for child in own(tree, parent, mark)]
    return [], held + usable(level)


def look(tree: Tree, level: Sequence[Candidate], steps: int) -> list[Action]:
    """Return what is missing until each of `level` has been looked ahead of by so many steps.

    The steps are the likeliest ones, at temperature 0: Snell et al. 2024, section 5.2.
    """
    ends = [looked(tree, c, steps) for c in level]
    wanted = {line[-1].id: 1 for line in ends if len(line) <= steps and goes_on(line[-1])}
    return ask(tree, wanted, f"{steps} steps ahead", mark=LOOK, temperature=0.0)


def looked(tree: Tree, candidate: Candidate, steps: int) -> list[Candidate]:
    """Return `candidate` and the steps that were made to look ahead of it, at most so many."""
    line = [candidate]
    while len(line) <= steps and (ahead := own(tree, line[-1].id, LOOK)):
        line.append(ahead[0])
    return line


def goes_on(candidate: Candidate) -> bool:
    """Say whether `candidate` can be continued."""
    return not candidate.done and candidate.error is None
