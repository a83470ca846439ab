from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.search.trees import drawn
from verifier_agent.budget import Spent
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import (
    StopRule,
    agree,
    fair_cap,
    hopeless,
    lead,
    passed,
    plateau,
    proven,
    spent,
    window,
)
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Task, Verdict


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 5), st.floats(0.01, 0.999))
def test_agree_asks_for_the_mass_of_the_beta_posterior(
    first: int, second: int, third: int, confidence: float
) -> None:
    first, second = max(first, second), min(first, second)
    third = min(third, second)
    mass = stats.beta.sf(0.5, first + 1, second + 1)
    if abs(mass - confidence) < 1e-9:
        return
    tree = drawn(*["a"] * first, *["b"] * second, *["c"] * third)
    assert agree(confidence)(tree) == (mass > confidence)


@pytest.mark.parametrize(
    ("first", "second", "stops"), [(3, 0, False), (4, 0, True), (5, 1, False), (6, 1, True)]
)
def test_adaptive_consistency_stops_where_the_paper_does(
    first: int, second: int, stops: bool
) -> None:
    # Aggarwal et al. 2023 at 0.95: 0.9375, 0.9688, 0.9375, 0.9648
    assert agree()(drawn(*["7"] * first, *["5"] * second)) is stops


def test_four_votes_of_four_suffice_and_three_of_three_do_not() -> None:
    # by hand: 1 - 1/2^4 = 0.9375 and 1 - 1/2^5 = 0.96875
    assert not agree(0.95)(drawn("7", "7", "7"))
    assert agree(0.95)(drawn("7", "7", "7", "7"))
    assert agree(0.9375)(drawn("7", "7", "7"))
    assert not agree(0.9376)(drawn("7", "7", "7"))


def test_answers_without_a_key_and_failed_ones_have_no_vote() -> None:
    assert agree(0.95)(drawn("7", None, "7", None, "7", "7"))
    assert not agree(0.0)(drawn())
    assert not agree(0.0)(drawn(None, None))
    failed = [Candidate(id=f"g{i}", answer="7", error="refused") for i in range(9)]
    assert not agree(0.5)(Tree(Task(question="q"), failed))


def test_thousands_of_votes_are_counted_in_a_moment() -> None:
    tree = drawn(*[str(i % 2) for i in range(10_000)])
    assert len(tree.answers) == 2
    started = time.perf_counter()
    assert not agree(0.95)(tree)
    assert time.perf_counter() - started < 1.0


def test_passed_counts_the_finished_that_reach_the_score() -> None:
    tree = drawn("1", "2", "3", scores=[0.9, 0.89, 0.95])
    assert passed(0.9)(tree)
    assert passed(0.9, 2)(tree)
    assert not passed(0.9, 3)(tree)
    assert not passed(0.0)(drawn("1"))


def test_hopeless_needs_enough_judged_and_none_of_them_promising() -> None:
    low = [0.05] * 4
    assert hopeless(4, 0.1)(drawn(*"1234", scores=low))
    assert not hopeless(5, 0.1)(drawn(*"12345", scores=low))
    assert not hopeless(4, 0.1)(drawn(*"12345", scores=[*low, 0.1]))


@pytest.mark.parametrize(
    ("limits", "holds"),
    [
        ({"calls": 3}, True),
        ({"calls": 4}, False),
        ({"tokens": 100}, True),
        ({"tokens": 101}, False),
        ({"usd": 0.5}, True),
        ({"usd": 0.6}, False),
        ({"seconds": 2.0}, True),
        ({"seconds": 2.1}, False),
        ({"calls": 9, "seconds": 1.0}, True),
        ({}, False),
    ],
)
def test_spent_holds_once_any_limit_is_reached(limits: dict[str, float], holds: bool) -> None:
    tree = drawn("1", spent=Spent(calls=3, tokens=100, usd=0.5, seconds=2.0))
    assert spent(**limits)(tree) == holds  # type: ignore[arg-type]


def test_unknown_dollars_do_not_hold_a_soft_limit() -> None:
    assert not spent(usd=0.01)(drawn("1", spent=Spent(usd=None)))


@pytest.mark.parametrize("limits", [{"usd": 0.0}, {"usd": -1.0}, {"calls": 0}, {"seconds": -1.0}])
def test_a_soft_limit_is_positive(limits: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        spent(**limits)  # type: ignore[arg-type]


AGREED = drawn("7", "7", "7", "7")
GOOD = drawn("7", scores=[1.0])
BOTH = drawn("7", "7", "7", "7", scores=[1.0])
NEITHER = drawn("7")


@pytest.mark.parametrize(
    ("tree", "either", "both"),
    [(AGREED, True, False), (GOOD, True, False), (BOTH, True, True), (NEITHER, False, False)],
)
def test_rules_compose_as_in_logic(tree: Tree, either: bool, both: bool) -> None:
    assert (agree() | passed())(tree) == either
    assert (agree() & passed())(tree) == both


@pytest.mark.parametrize(("hard", "outcome"), [(True, "verified"), (False, "completed")])
def test_passing_is_called_verified_only_where_it_is_proven(hard: bool, outcome: str) -> None:
    said = [Verdict(candidate="g0", verifier="tests", score=1.0, hard=hard)]
    tree = Tree(Task(question="q"), [Candidate(id="g0", text="t", answer="7")], said)
    assert passed().because(tree)[0] == outcome


@pytest.mark.parametrize("proof", [0.95, None])
def test_a_hard_verifier_that_did_not_accept_has_proven_nothing(proof: float | None) -> None:
    said = [
        Verdict(candidate="g0", verifier="judge", score=0.95),
        Verdict(candidate="g0", verifier="tests", score=proof, hard=True, error="no tests"),
    ]
    tree = Tree(Task(question="q"), [Candidate(id="g0", text="t", answer="7")], said)
    assert passed().because(tree)[0] == "completed"


def test_a_composed_rule_ends_as_the_part_that_holds() -> None:
    votes = "agree() holds: 4 of 4 votes for '7'"
    score = "passed() holds: best is g0 with score 1.00 of 1 judged"
    assert (agree() | passed()).because(AGREED) == ("agreed", votes)
    assert (agree() | passed()).because(GOOD) == ("completed", score)
    assert (hopeless() | passed()).because(GOOD)[0] == "completed"
    assert (agree() & passed()).because(BOTH) == ("agreed", f"{votes} and {score}")
    assert (agree() & (passed() | hopeless()) | spent(calls=1)).because(BOTH)[0] == "agreed"


def test_the_stronger_outcome_counts_whatever_the_order() -> None:
    tree = drawn("7", "7", "7", "7", spent=Spent(calls=4, tokens=90))
    for both in (
        spent(calls=4) | agree(),
        agree() | spent(calls=4),
        spent(calls=4) & agree(),
        agree() & spent(calls=4),
    ):
        assert both.because(tree)[0] == "agreed"
    assert spent(calls=4).because(tree) == (
        "budget",
        "spent(calls=4) holds: 4 calls, 90 tokens used",
    )


few = st.integers(1, 6)
share = st.floats(0, 1)
RULES = st.recursive(
    st.one_of(
        st.builds(agree, share),
        st.builds(lead, share, prior=st.sampled_from([0.1, 1.0])),
        st.builds(window, st.integers(2, 4)),
        st.builds(passed, share, few),
        st.builds(proven, st.integers(1, 2)),
        st.builds(hopeless, few, share),
        st.builds(plateau, few, gain=share),
        st.builds(fair_cap, st.floats(0, 0.3)),
        st.builds(spent, calls=few),
    ),
    lambda inner: (
        st.builds(lambda a, b: a | b, inner, inner) | st.builds(lambda a, b: a & b, inner, inner)
    ),
    max_leaves=3,
)
SHAPES = st.lists(
    st.tuples(
        st.sampled_from(["g", "g.r", "g.r.r"]),
        st.sampled_from(["1", "2", None]),
        st.sampled_from([None, 0.0, 0.4, 0.8, 1.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=150, deadline=None)
@given(RULES, SHAPES, st.randoms(use_true_random=False))
def test_every_rule_keeps_the_laws(
    rule: StopRule, shapes: list[tuple[str, str | None, float | None, bool]], dice: Random
) -> None:
    candidates, verdicts = [], []
    for at, (shape, answer, score, hard) in enumerate(shapes):
        name = ".".join(f"{part}{at if part == 'g' else 0}" for part in shape.split("."))
        candidates.append(Candidate(id=name, text=name, answer=answer))
        verdicts.append(Verdict(candidate=name, verifier="v", score=score, hard=hard))
    tree = Tree(Task(question="q"), candidates, verdicts, spent=Spent(calls=len(shapes)))
    holds = rule(tree)
    dice.shuffle(candidates)
    dice.shuffle(verdicts)
    # told in another order, and told twice
    again = Tree(Task(question="q"), candidates, verdicts * 2, spent=tree.spent)
    assert rule(again) == holds == rule(tree)
    if holds:
        outcome, reason = rule.because(tree)
        assert (outcome, reason) == rule.because(again)
        assert "holds" in reason
    assert StopRule.parse(repr(rule)) == rule == StopRule.from_dict(rule.to_dict())
    assert not rule(Tree(Task(question="q")))
