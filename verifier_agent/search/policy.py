"""What a policy is: a pure function from a tree, and what remains, to the next actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Concatenate, ParamSpec, cast

from pydantic import Field

from verifier_agent.budget import Remaining
from verifier_agent.spec import Spec
from verifier_agent.tree import Tree
from verifier_agent.values import Action

P = ParamSpec("P")

Count = Annotated[int, Field(ge=1, le=10_000, strict=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Temperature = Annotated[float, Field(ge=0.0)]

PolicyFunction = Callable[[Tree, Remaining], Sequence[Action]]
"""Any pure callable of this shape is accepted where a `Policy` is."""


class Policy(Spec):
    """Where to grow the tree next."""

    kind = "policy"
    inputs = 2
    __slots__ = ()

    def __call__(self, tree: Tree, remaining: Remaining) -> Sequence[Action]:
        """Return the actions of the next round: generate and/or revise, or verify, or select."""
        return cast(Sequence[Action], super().__call__(tree, remaining))


def policy(
    function: Callable[Concatenate[Tree, Remaining, P], Sequence[Action]],
) -> Callable[P, Policy]:
    """Turn `function(tree, remaining, …)` into a factory of policies with the rest bound.

    The function must be pure, and must look at the tree only through its sorted views; randomness
    comes from `tree.random`. `verifier_agent.testing.check_policy` checks the laws.
    """
    Policy.define(function)

    def factory(*args: P.args, **kwargs: P.kwargs) -> Policy:
        return Policy.make(function.__name__, args, kwargs)

    Policy.dress(factory, function)
    return factory
