from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.search.trees import drawn
from verifier_agent.budget import Remaining
from verifier_agent.errors import PolicyError
from verifier_agent.search import (
    Policy,
    adaptive,
    agree,
    agreement,
    bandit,
    beam,
    best_of,
    cascade,
    chains,
    forced,
    hopeless,
    mcts,
    particles,
    passed,
    policy,
    rebase,
    revise,
    rollouts,
    route,
    sample,
    scored,
    selective,
    spent,
    table,
    then,
    thompson,
    until,
    wider_or_deeper,
)
from verifier_agent.testing.policy_checks import check_policy
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Select, Verify

few = st.integers(1, 9)
shares = st.floats(0, 1)
temperatures = st.sampled_from([None, 0.0, 0.7])
samplers = st.one_of(
    st.builds(best_of, few, temperature=temperatures),
    st.builds(selective, few, st.integers(1, 3), temperature=temperatures),
    st.builds(sample, st.integers(1, 30), few, temperature=temperatures),
)
beams = st.builds(
    lambda groups, share, expand, **more: beam(groups * share, expand, groups, **more),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    depth=st.integers(1, 6),
    lookahead=st.integers(0, 2),
)
steps = st.one_of(
    beams,
    st.builds(rebase, few, balance=st.floats(0.01, 10), depth=st.integers(1, 6)),
    st.builds(particles, st.integers(2, 5), st.integers(1, 3), depth=st.integers(1, 5)),
    st.builds(
        mcts, few, st.integers(1, 3), st.integers(1, 3), rollouts=st.integers(0, 2), depth=few
    ),
    st.builds(forced, st.integers(1, 3), st.integers(1, 3)),
    st.builds(
        rollouts,
        st.integers(1, 3),
        find=st.sampled_from(["values", "first_error"]),
        depth=st.integers(1, 6),
    ),
)
revisers = st.one_of(
    st.builds(revise, few, st.integers(1, 3), threshold=shares, margin=shares),
    st.builds(chains, st.integers(1, 3), st.integers(1, 6), margin=shares),
    st.builds(thompson, few, st.integers(1, 3), first=st.integers(1, 3)),
)
models = st.sampled_from([("small",), ("small", "large")])
priors = st.sampled_from(["gaussian", "beta"])
arms = st.one_of(
    st.builds(wider_or_deeper, few, st.integers(1, 3), models=models | st.just(()), prior=priors),
    st.builds(bandit, models, few, st.integers(1, 3), prior=priors),
)
rules = st.recursive(
    st.one_of(
        st.builds(agree, shares),
        st.builds(passed, shares, few),
        st.builds(hopeless, few, shares),
        st.builds(spent, calls=few, tokens=st.none() | st.integers(1, 500)),
    ),
    lambda inner: (
        st.builds(lambda a, b: a | b, inner, inner) | st.builds(lambda a, b: a & b, inner, inner)
    ),
    max_leaves=4,
)
difficulties = st.builds(agreement, st.integers(1, 4)) | st.builds(scored, st.integers(1, 4))
adaptives = st.builds(
    adaptive,
    few,
    price=shares,
    first=st.integers(1, 3),
    batch=st.integers(1, 3),
    models=models | st.just(()),
    judge=st.sampled_from(["always", "undecided"]),
    repair=shares,
    damage=shares,
)
policies = st.recursive(
    samplers
    | steps
    | revisers
    | arms
    | adaptives
    | st.builds(cascade, models, rules, st.integers(1, 4)),
    lambda inner: st.one_of(
        st.builds(until, inner, rules),
        st.builds(then, inner, inner),
        st.builds(route, difficulties, inner, inner, above=shares),
        st.builds(
            lambda *row, **more: table((row, row[::-1]), **more),
            inner,
            inner,
            difficulty=difficulties,
            above=st.tuples(shares),
            budgets=st.just((3, 6)),
        ),
    ),
    max_leaves=4,
)


@settings(max_examples=150)
@given(policies)
def test_every_policy_and_composition_keeps_the_laws(named: Policy) -> None:
    check_policy(named, seeds=4)


@settings(max_examples=20)
@given(samplers)
def test_more_calls_only_add_to_what_a_sampler_draws(named: Policy) -> None:
    check_policy(named, seeds=2, samples=True)


@pytest.mark.parametrize(
    "named",
    [
        adaptive(),
        best_of(),
        sample(),
        selective(),
        revise(),
        beam(),
        until(sample(), agree()),
        until(beam(4, 4, 4), passed()),
        chains(),
        thompson(),
        rebase(),
        particles(),
        mcts(),
        forced(),
        wider_or_deeper(),
        bandit(("small", "large")),
        cascade(("small", "large"), agree()),
        then(best_of(4), revise()),
        route(agreement(), easy=revise(2), hard=beam(4, 4, 4)),
    ],
    ids=repr,
)
def test_the_policies_as_they_come_keep_the_laws(named: Policy) -> None:
    check_policy(named)


@policy
def late_judgement(tree: Tree, remaining: Remaining) -> Sequence[Action]:
    """Draw four without judging them, then have the last two judged."""
    if not len(tree):
        return [Generate(n=4, judge=False)]
    usable = [c.id for c in tree if c.error is None][-2:]
    if usable and not tree.verdicts:
        return [Verify(candidates=tuple(usable))]
    return [Select()]


def test_a_policy_that_judges_late_keeps_the_laws() -> None:
    # where the budget cannot pay for the judge it asks again and again, and is ended for it
    check_policy(late_judgement())
    named = late_judgement()
    assert named(drawn("1", "2", "3"), Remaining()) == [Verify(candidates=("g1", "g2"))]


def test_the_checks_find_what_is_wrong_with_a_policy() -> None:
    counter = iter(range(10**6))

    def moody(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return [Generate(n=1 + next(counter) % 2)]

    def endless(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return [Generate()]

    for broken, law in ((moody, "not pure"), (endless, "does not end")):
        with pytest.raises(AssertionError, match=law):
            check_policy(broken, rounds=50)


def test_the_checks_find_a_sampler_whose_draws_depend_on_the_budget() -> None:
    def greedy(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        if len(tree) > 2:
            return [Select()]
        step = "step" if remaining.calls > 10 else "end"
        return [Generate(n=1, until=step)]  # type: ignore[arg-type]

    check_policy(greedy)
    with pytest.raises(AssertionError, match="is another one"):
        check_policy(greedy, samples=True)


def test_the_checks_refuse_impossible_actions() -> None:
    def nobody(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return []

    def stranger(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return [Generate(parent="g7")]

    for broken in (nobody, stranger):
        with pytest.raises(PolicyError):
            check_policy(broken)
