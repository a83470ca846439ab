from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.trees import drawn
from verifier_agent.budget import Spent
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import agree, hopeless, passed, spent
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Task, Verdict


def beta_mass_above_half(first: int, second: int) -> float:
    """Integrate the density of Beta(first + 1, second + 1) over (1/2, 1) by Simpson's rule."""

    def density(p: float) -> float:
        return p**first * (1 - p) ** second

    def integral(low: float, high: float, steps: int = 2000) -> float:
        width = (high - low) / steps
        inner = sum((4 if i % 2 else 2) * density(low + i * width) for i in range(1, steps))
        return (density(low) + inner + density(high)) * width / 3

    return integral(0.5, 1.0) / integral(0.0, 1.0)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 5), st.floats(0.01, 0.999))
def test_agree_asks_for_the_mass_of_the_beta_posterior(
    first: int, second: int, third: int, confidence: float
) -> None:
    first, second = max(first, second), min(first, second)
    third = min(third, second)
    mass = beta_mass_above_half(first, second)
    if abs(mass - confidence) < 1e-6:
        return
    tree = drawn(*["a"] * first, *["b"] * second, *["c"] * third)
    assert agree(confidence)(tree) == (mass > confidence)


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


def test_a_composed_rule_ends_as_the_part_that_holds() -> None:
    assert (agree() | passed()).because(AGREED) == ("agreed", "agree() holds")
    assert (agree() | passed()).because(GOOD) == ("completed", "passed() holds")
    assert (hopeless() | passed()).because(GOOD)[0] == "completed"
    outcome, reason = (agree() & passed()).because(BOTH)
    assert (outcome, reason) == ("agreed", "agree() holds and passed() holds")
    assert (agree() & (passed() | hopeless()) | spent(calls=1)).because(BOTH)[0] == "agreed"
