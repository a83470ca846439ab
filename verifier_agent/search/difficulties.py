"""How hard a question looks, from the first few answers to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from verifier_agent.search.policy import Count
from verifier_agent.spec import Spec
from verifier_agent.tree import Tree

P = ParamSpec("P")


class Difficulty(Spec):
    """How hard a question looks, in [0, 1], by a tree of its first answers."""

    kind = "difficulty"
    inputs = 1
    __slots__ = ()

    def __call__(self, tree: Tree) -> float:
        """Return 0 for the easiest and 1 for the hardest."""
        return cast(float, super().__call__(tree))

    @property
    def first(self) -> int:
        """How many answers it reads, by its argument of that name; 0 if it reads none."""
        return int(self.arguments.get("first", 0))


def difficulty(
    function: Callable[Concatenate[Tree, P], float],
) -> Callable[P, Difficulty]:
    """Turn `function(tree, first, …)` into a factory of difficulties with the rest bound.

    The function is pure, and is given a tree of the first `first` answers alone. Without a
    parameter of that name it is given none, and judges by the task.
    """
    Difficulty.define(function)

    def factory(*args: P.args, **kwargs: P.kwargs) -> Difficulty:
        return Difficulty.make(function.__name__, args, kwargs)

    Difficulty.dress(factory, function)
    return factory


@difficulty
def agreement(tree: Tree, first: Count = 4) -> float:
    """The share of the first few answers that do not give the commonest one.

    The answers' consistency stands in for their chance of being right, as in the choice of a
    model by Yue et al. 2024; one without a key agrees with none.
    """
    return 1 - max(tree.answers.values(), default=0) / first


@difficulty
def scored(tree: Tree, first: Count = 4) -> float:
    """One minus the mean score of the first few answers: Snell et al. 2024, section 3.2.

    They read 2048 answers; a few are a coarse guess. A failed or unscored answer is left out; if
    there is no score at all, the question counts as hard.
    """
    scores = [judged.score for judged in tree.finished if judged.score is not None]
    return 1 - sum(scores) / len(scores) if scores else 1.0
