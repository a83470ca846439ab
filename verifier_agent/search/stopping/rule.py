"""What a stop rule is: a tree to yes or no, composed by `|` and `&`. And `until`, which uses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Concatenate, ParamSpec, cast

from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError, takes
from verifier_agent.search.policy import Policy, PolicyFunction, policy
from verifier_agent.spec import Spec
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Outcome, Select

P = ParamSpec("P")

OutcomeOf = Callable[[Tree], Outcome]
Words = Callable[[Tree], str]
STRONGEST: tuple[Outcome, ...] = (
    "verified",
    "agreed",
    "completed",
    "plateau",
    "gave_up",
    "budget",
    "steps",
    "cancelled",
    "failed",
)
"""Where several rules hold, the run ends with the outcome that says most of its answer."""


class StopRule(Spec):
    """When to stop: true ends the run with what it has."""

    kind = "stop rule"
    inputs = 1
    outcomes: ClassVar[dict[str, OutcomeOf]] = {}
    words: ClassVar[dict[str, Words]] = {}
    __slots__ = ()

    def __call__(self, tree: Tree) -> bool:
        """Return True if the run should end now."""
        return cast(bool, super().__call__(tree))

    def __or__(self, other: StopRule) -> StopRule:
        return any_of(self, other)

    def __and__(self, other: StopRule) -> StopRule:
        return all_of(self, other)

    def __repr__(self) -> str:
        if self.name in ("any_of", "all_of"):
            sign = " | " if self.name == "any_of" else " & "
            first, second = self.arguments["first"], self.arguments["second"]
            # `&` binds tighter than `|`, and both group to the left
            left = f"({first!r})" if (first.name, sign) == ("any_of", " & ") else repr(first)
            grouped = second.name == self.name or (second.name, sign) == ("any_of", " & ")
            return left + sign + (f"({second!r})" if grouped else repr(second))
        return super().__repr__()

    def because(self, tree: Tree) -> tuple[Outcome, str]:
        """Return the outcome, and in words what holds, once the rule holds.

        Of two rules that both hold, `|` ends with the stronger outcome and its reason, `&` with
        the stronger outcome and both reasons; so the outcome does not depend on their order.
        """
        if self.name in ("any_of", "all_of"):
            parts = [cast(StopRule, self.arguments[side]) for side in ("first", "second")]
            said = [part.because(tree) for part in parts if part(tree)]
            outcome, reason = min(said, key=lambda one: STRONGEST.index(one[0]))
            if self.name == "any_of":
                return outcome, reason
            return outcome, " and ".join(reason for _, reason in said)
        words = self.words[self.name](tree)
        return self.outcomes[self.name](tree), f"{self!r} holds{words and ': '}{words}"


def stop_rule(
    outcome: Outcome | OutcomeOf, words: Words = lambda tree: ""
) -> Callable[[Callable[Concatenate[Tree, P], bool]], Callable[P, StopRule]]:
    """Turn `function(tree, …) -> bool` into a factory of stop rules that end with `outcome`.

    `outcome` may be a function of the tree, where it depends on why the rule holds; `words` says
    what of the tree made it hold, for the record.
    """
    outcome_of: OutcomeOf = outcome if callable(outcome) else lambda tree: outcome

    def decorate(function: Callable[Concatenate[Tree, P], bool]) -> Callable[P, StopRule]:
        StopRule.define(function)
        StopRule.outcomes[function.__name__] = outcome_of
        StopRule.words[function.__name__] = words

        def factory(*args: P.args, **kwargs: P.kwargs) -> StopRule:
            return StopRule.make(function.__name__, args, kwargs)

        StopRule.dress(factory, function)
        return factory

    return decorate


@stop_rule("completed")
def any_of(tree: Tree, first: StopRule, second: StopRule) -> bool:
    """Either holds; written `first | second`."""
    return first(tree) or second(tree)


@stop_rule("completed")
def all_of(tree: Tree, first: StopRule, second: StopRule) -> bool:
    """Both hold; written `first & second`."""
    return first(tree) and second(tree)


@policy
def until(
    tree: Tree, remaining: Remaining, grow: PolicyFunction, stop: StopRule
) -> Sequence[Action]:
    """Do what `grow` says until `stop` holds."""
    if stop(tree):
        outcome, reason = stop.because(tree)
        return [Select(outcome=outcome, reason=reason)]
    return grow(tree, remaining)


def resolve_policy(policy: str | PolicyFunction) -> PolicyFunction:
    """Read a policy's text form; a policy, or any callable of its shape, is returned as it is."""
    if isinstance(policy, str):
        return Policy.parse(policy)
    policy = Spec.settled(policy)
    if isinstance(policy, StopRule):
        raise ConfigurationError(
            f"policy={policy!r} is a stop rule; write until(sample(32), {policy!r})"
        )
    if not callable(policy) or isinstance(policy, type):
        raise ConfigurationError(
            f"policy={policy!r}: give text such as 'best_of(8)', a policy, or a pure function "
            "(tree, remaining) -> actions"
        )
    if not takes(policy, 2):
        raise ConfigurationError(f"policy={policy!r} must take two arguments: (tree, remaining)")
    return policy
