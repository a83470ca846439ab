"""Stop rules: from a tree to yes or no; `|` and `&` compose them. And `until`, which uses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Concatenate, ParamSpec, cast

from pydantic import Field

from verifier_agent.budget import Remaining
from verifier_agent.errors import ConfigurationError, takes
from verifier_agent.search.policy import Count, Policy, PolicyFunction, Share, policy
from verifier_agent.spec import Spec
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Outcome, Select

P = ParamSpec("P")

OutcomeOf = Callable[[Tree], Outcome]
Amount = Annotated[float, Field(gt=0.0)]


class StopRule(Spec):
    """When to stop: true ends the run with what it has."""

    kind = "stop rule"
    inputs = 1
    outcomes: ClassVar[dict[str, OutcomeOf]] = {}
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
        """Return the outcome, and the rule in words, once the rule holds."""
        if self.name == "any_of":
            first, second = self.arguments["first"], self.arguments["second"]
            return cast(StopRule, first if first(tree) else second).because(tree)
        if self.name == "all_of":
            outcome, first_reason = self.arguments["first"].because(tree)
            _, second_reason = self.arguments["second"].because(tree)
            return outcome, f"{first_reason} and {second_reason}"
        return self.outcomes[self.name](tree), f"{self!r} holds"


def stop_rule(
    outcome: Outcome | OutcomeOf,
) -> Callable[[Callable[Concatenate[Tree, P], bool]], Callable[P, StopRule]]:
    """Turn `function(tree, …) -> bool` into a factory of stop rules that end with `outcome`.

    `outcome` may be a function of the tree, where it depends on why the rule holds.
    """
    outcome_of: OutcomeOf = outcome if callable(outcome) else lambda tree: outcome

    def decorate(function: Callable[Concatenate[Tree, P], bool]) -> Callable[P, StopRule]:
        StopRule.define(function)
        StopRule.outcomes[function.__name__] = outcome_of

        def factory(*args: P.args, **kwargs: P.kwargs) -> StopRule:
            return StopRule.make(function.__name__, args, kwargs)

        StopRule.dress(factory, function)
        return factory

    return decorate


@stop_rule("completed")
def any_of(tree: Tree, first: StopRule, second: StopRule) -> bool:
    """Either holds; written `first | second`. It ends with the outcome of the one that holds."""
    return first(tree) or second(tree)


@stop_rule("completed")
def all_of(tree: Tree, first: StopRule, second: StopRule) -> bool:
    """Both hold; written `first & second`. It ends with the outcome of the first."""
    return first(tree) and second(tree)


@stop_rule("agreed")
def agree(tree: Tree, confidence: Share = 0.95) -> bool:
    """The leading answer is the true majority with at least this probability.

    With v1 votes for the leader and v2 for the next, the posterior of the leader's share between
    the two is Beta(v1 + 1, v2 + 1); the rule asks for the mass above one half (Aggarwal et al.
    2023, adaptive consistency). At 0.95 four votes of four suffice.
    """
    first, second = [*tree.answers.values(), 0, 0][:2]
    if not first:
        return False
    # for whole parameters the mass is a binomial sum: 1 - P(at most v2 heads of v1 + v2 + 1)
    tosses = first + second + 1
    below, ways = 0, 1
    for heads in range(second + 1):
        below += ways
        ways = ways * (tosses - heads) // (heads + 1)
    return bool(1 - below / 2**tosses >= confidence)


def _proven(tree: Tree) -> Outcome:
    best = tree.incumbent
    return "verified" if best and any(v.hard for v in best.verdicts) else "completed"


@stop_rule(_proven)
def passed(tree: Tree, score: Share = 0.9, count: Count = 1) -> bool:
    """At least `count` finished candidates score at least `score`.

    It ends with "verified" where the best of them is proven by a hard verdict, else "completed".
    """
    return sum(1 for j in tree.finished if j.score is not None and j.score >= score) >= count


@stop_rule("gave_up")
def hopeless(tree: Tree, after: Count = 8, below: Share = 0.1) -> bool:
    """After at least `after` finished and judged candidates, none scores `below` or more."""
    scores = [j.score for j in tree.finished if j.score is not None]
    return len(scores) >= after and max(scores) < below


@stop_rule("budget")
def spent(
    tree: Tree,
    *,
    calls: Count | None = None,
    tokens: Count | None = None,
    usd: Amount | None = None,
    joules: Amount | None = None,
    seconds: Amount | None = None,
) -> bool:
    """Any of these has been used. Softer than a budget: checked between rounds only."""
    limits = {"calls": calls, "tokens": tokens, "usd": usd, "joules": joules, "seconds": seconds}
    used = ((n, getattr(tree.spent, unit)) for unit, n in limits.items() if n is not None)
    return any(value is not None and value >= limit for limit, value in used)


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
