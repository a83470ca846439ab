"""Policies made of policies: one after the other, one of two, or one of a table."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError
from verifier_agent.search.difficulties import Difficulty
from verifier_agent.search.policy import Count, PolicyFunction, Share, policy
from verifier_agent.search.sampling import drafts
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Generate, Revise, Select


@policy
def then(
    tree: Tree, remaining: Remaining, first: PolicyFunction, second: PolicyFunction
) -> Sequence[Action]:
    """Do what `first` says until it ends, then what `second` says.

    Whole answers are shared: `then(sample(4), revise(3))` revises the best of the four, and
    `then(sample(4), best_of(8))` draws four more. Steps are not: a search over steps begins anew.
    Once `second` has begun, `first` is not asked again.
    """
    if not _begun(tree, "second"):
        actions = _part("first", first, tree, remaining)
        if not any(isinstance(action, Select) for action in actions):
            return actions
    return _part("second", second, tree, remaining)


@policy
def route(
    tree: Tree,
    remaining: Remaining,
    difficulty: Difficulty,
    easy: PolicyFunction,
    hard: PolicyFunction,
    *,
    above: Share = 0.5,
) -> Sequence[Action]:
    """Do what `easy` says, or what `hard` says where the difficulty is `above` so much.

    Which strategy wins depends on how hard the question is (Snell et al. 2024, section 3). The
    answers that the difficulty reads are drawn first, and are part of the tree of what follows:
    `route(agreement(4), best_of(4), best_of(32))` draws 4 or 32 in all. For three ways write a
    route as `hard`. The decision stands once it has been acted on.
    """
    missing = difficulty.first - len(drafts(tree))
    chosen = next((part for part in ("easy", "hard") if _begun(tree, part)), None)
    if chosen is None and missing > 0:
        return [Generate(n=missing, reason=f"how hard is it, by {difficulty!r}?")]
    if chosen is None:
        chosen = "hard" if _looks(difficulty, tree) > above else "easy"
    return _part(chosen, easy if chosen == "easy" else hard, tree, remaining)


def _rising(numbers: tuple[float, ...]) -> tuple[float, ...]:
    if any(a >= b for a, b in pairwise(numbers)):
        raise ValueError("each number must be higher than the one before it")
    return numbers


Cells = Annotated[
    tuple[Annotated[tuple[PolicyFunction, ...], Field(min_length=1)], ...], Field(min_length=1)
]
"""Rows of policies."""


@policy
def table(
    tree: Tree,
    remaining: Remaining,
    cells: Cells,
    *,
    difficulty: Difficulty | None = None,
    above: Annotated[tuple[Share, ...], AfterValidator(_rising)] = (),
    budgets: Annotated[tuple[Count, ...], AfterValidator(_rising)] = (),
) -> Sequence[Action]:
    """Do what the table says for so hard a question and so large a budget.

    Which strategy wins depends on both (Snell et al. 2024, section 3); `verifier-agent tune` learns
    such a table. The answers that the difficulty reads are drawn first, as in `route`, and are part
    of what follows. The decision stands once it has been acted on.

    Args:
        tree: What there is.
        remaining: What is left.
        cells: A row for each difficulty, the easiest first, with a policy for each budget.
        difficulty: How hard it looks. None: there is one row.
        above: What the difficulty must be above for the second row, the third, and so on.
        budgets: The calls that a run may take, for each column. Of those that are not more than
            the run's own limit the last counts, and where all are more, the first. Default: one
            column.
    """
    _check_shape(cells, difficulty, above, budgets)
    limit = remaining.calls + tree.spent.calls
    column = max(0, bisect_right(budgets, limit) - 1)
    parts = {f"{row}.{at}": p for row, line in enumerate(cells) for at, p in enumerate(line)}
    chosen = next((part for part in parts if _begun(tree, part)), None)
    if chosen is None:
        row = 0
        if difficulty is not None:
            if (missing := difficulty.first - len(drafts(tree))) > 0:
                return [Generate(n=missing, reason=f"how hard is it, by {difficulty!r}?")]
            row = bisect_left(above, _looks(difficulty, tree))
        chosen = f"{row}.{column}"
    return _part(chosen, parts[chosen], tree, remaining)


def _check_shape(
    cells: Cells, difficulty: Difficulty | None, above: Sequence[float], budgets: Sequence[int]
) -> None:
    rows, columns = len(above) + 1, max(1, len(budgets))
    if len(cells) != rows or any(len(row) != columns for row in cells):
        raise ConfigurationError(
            f"table: {len(above)} numbers `above` and {len(budgets)} budgets need {rows} rows of "
            f"{columns} policies, not {[len(row) for row in cells]}"
        )
    if difficulty is None and above:
        raise ConfigurationError(f"table: above={tuple(above)!r} needs a difficulty")


def _looks(difficulty: Difficulty, tree: Tree) -> float:
    """Return how hard it looks by the first answers alone."""
    read = {c.id for c in drafts(tree)[: difficulty.first]}
    return difficulty(_seen(tree, lambda c: c if c.id in read else None))


def _begun(tree: Tree, part: str) -> bool:
    return any(c.mark.startswith(f"{part}/") for c in tree)


def _part(part: str, policy: PolicyFunction, tree: Tree, remaining: Remaining) -> Sequence[Action]:
    """Ask a part: it sees its own marks, and others' candidates without theirs."""
    prefix = f"{part}/"

    def seen(candidate: Candidate) -> Candidate:
        own = candidate.mark.startswith(prefix)
        return replace(candidate, mark=candidate.mark.removeprefix(prefix) if own else "")

    return [
        replace(action, mark=prefix + action.mark)
        if isinstance(action, Generate | Revise)
        else action
        for action in policy(_seen(tree, seen), remaining)
    ]


def _seen(tree: Tree, show: Callable[[Candidate], Candidate | None]) -> Tree:
    """Return the tree as `show` makes it appear; what it gives None for is left out."""
    candidates = [shown for c in tree if (shown := show(c)) is not None]
    kept = {c.id for c in candidates}
    verdicts = [v for v in tree.verdicts if v.candidate in kept]
    return Tree(tree.task, candidates, verdicts, seed=tree.seed, spent=tree.spent)
