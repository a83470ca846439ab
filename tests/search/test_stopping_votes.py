"""Rules that count votes, against scipy and by hand."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from tests.search.trees import TASK, drawn
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import agree, lead, window
from verifier_agent.search.stopping.majority import chance_of_lead, gamma_below, mass_above_half
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 60),
    st.lists(st.integers(0, 30), max_size=4),
    st.sampled_from([0.05, 0.1, 0.5, 1.0, 2.0]),
)
def test_the_chance_of_the_lead_is_the_integral_that_scipy_finds(
    leader: int, others: list[int], prior: float
) -> None:
    def density(x: float) -> float:
        below = math.prod(stats.gamma.cdf(x, votes + prior) for votes in others)
        return float(stats.gamma.pdf(x, leader + prior)) * below

    ends = [stats.gamma.ppf(q, leader + prior) for q in (1e-13, 0.01, 0.5, 0.99, 1 - 1e-13)]
    pieces = itertools.pairwise(ends)
    expected = sum(integrate.quad(density, *piece, limit=200)[0] for piece in pieces)
    assert chance_of_lead(leader, others, prior) == pytest.approx(expected, abs=1e-7)


@settings(max_examples=60)
@given(st.floats(0.01, 300), st.floats(1e-9, 600))
def test_the_distribution_of_a_gamma_variable_is_that_of_scipy(shape: float, x: float) -> None:
    assert gamma_below(shape, x) == pytest.approx(stats.gamma.cdf(x, shape), abs=1e-10)


@given(st.integers(0, 50), st.integers(0, 50))
def test_of_two_answers_the_lead_is_the_beta_posterior(first: int, second: int) -> None:
    beta = stats.beta.sf(0.5, first + 1, second + 1)
    assert mass_above_half(first, second) == pytest.approx(beta)
    assert chance_of_lead(first, [second], 1.0) == pytest.approx(beta, abs=1e-9)


def test_lead_sees_the_rest_where_agree_sees_two() -> None:
    # many rivals, each of which could still be the one that is given most often
    tree = drawn(*"7777771", *"23456")
    assert agree()(tree)
    assert not lead()(tree)
    assert lead()(drawn(*["7"] * 9, *"123"))


def test_a_smaller_prior_stops_sooner() -> None:
    two = drawn("7", "7")
    assert lead(0.95, prior=0.1)(two)
    assert not lead(0.95)(two)
    # one answer seen, one that is not: Beta(2.1, 0.1)
    assert chance_of_lead(2, [0], 0.1) == pytest.approx(stats.beta.sf(0.5, 2.1, 0.1))


def test_an_answer_nobody_gave_cannot_lead() -> None:
    assert not lead(0.0)(drawn())
    assert not lead(0.0)(drawn(None, None))


@pytest.mark.parametrize(
    ("answers", "stops"),
    [
        ("77777", True),
        ("7777", False),
        ("77771", False),
        ("17777777", False),  # 1 7 7 7 7 | 7 7 7: no whole window agrees
        ("1777777777", True),  # 1 7 7 7 7 | 7 7 7 7 7
        ("7777712345", True),  # the first window, even if the rule was not asked then
    ],
)
def test_a_window_of_equal_answers_stops_as_worked_out_by_hand(answers: str, stops: bool) -> None:
    assert window()(drawn(*answers)) is stops


def test_an_answer_without_a_key_breaks_a_window_and_a_failed_call_does_not() -> None:
    assert not window(2)(drawn(None, None))
    assert not window(3)(drawn("7", None, "7"))
    candidates = [
        Candidate(id=f"g{i}", text="t", answer="7", error="refused" if i == 1 else None)
        for i in range(4)
    ]
    assert window(3)(Tree(TASK, candidates))


def test_a_window_is_read_by_number_and_not_by_text() -> None:
    # g10 comes after g9: eight that disagree, then three that agree
    tree = drawn(*"12345678", "9", "9", "9", "9")
    assert window(4)(tree)


def test_a_window_of_one_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        window(1)
