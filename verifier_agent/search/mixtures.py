"""Policies made of policies: one after the other, or one of two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from verifier_agent.budget import Remaining
from verifier_agent.search.difficulties import Difficulty
from verifier_agent.search.policy import PolicyFunction, Share, policy
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
        read = {c.id for c in drafts(tree)[: difficulty.first]}
        seen = _seen(tree, lambda c: c if c.id in read else None)
        chosen = "hard" if difficulty(seen) > above else "easy"
    return _part(chosen, easy if chosen == "easy" else hard, tree, remaining)


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
