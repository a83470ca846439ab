"""Rules that look at scores, against scipy and by hand."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from tests.search.trees import TASK, drawn
from verifier_agent.errors import ConfigurationError
from verifier_agent.search import fair_cap, plateau, proven
from verifier_agent.search.stopping.expecting import expected_improvement
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Verdict


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 100).map(lambda n: n / 100), min_size=3, max_size=30))
def test_the_expected_improvement_is_the_integral_that_scipy_finds(scores: list[float]) -> None:
    n, best = len(scores), max(scores)
    spread = statistics.stdev(scores) * (1 + 1 / n) ** 0.5
    found = expected_improvement(scores)
    if spread < 1e-9:
        assert found == 0.0
        return
    law = stats.t(n - 1, loc=sum(scores) / n, scale=spread)
    # what lies above 1 counts as 1, so E[(min(v, 1) - best)+] is the integral of P(v > x)
    expected, _ = integrate.quad(law.sf, best, 1.0)
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_fair_cap_is_the_price_at_which_one_more_is_worth_it() -> None:
    scores = [0.2, 0.5, 0.3, 0.6]
    tree = drawn(*"1234", scores=scores)
    worth = expected_improvement(scores)
    assert 0.01 < worth < 0.1
    assert fair_cap(worth + 1e-9)(tree)
    assert not fair_cap(worth - 1e-9)(tree)


def test_the_fair_cap_waits_for_three_scores_and_does_not_pay_for_the_impossible() -> None:
    assert not fair_cap(1.0)(drawn(*"12", scores=[0.1, 0.9]))
    assert fair_cap(0.0)(drawn(*"123", scores=[0.1, 0.5, 1.0]))  # nothing is better than 1
    assert fair_cap(0.0)(drawn(*"123", scores=[0.4, 0.4, 0.4]))
    assert not fair_cap(1.0, after=4)(drawn(*"123", scores=[0.1, 0.5, 1.0]))
    with pytest.raises(ConfigurationError):
        fair_cap(after=2)


def test_a_plateau_is_no_gain_over_the_last_few() -> None:
    rising = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert not plateau(2)(drawn(*"12345", scores=rising))
    flat = drawn(*"12345", scores=[0.1, 0.5, 0.4, 0.5, 0.2])
    assert plateau(3)(flat)
    assert not plateau(4)(flat)
    assert not plateau(5)(flat)  # there must be something before
    assert plateau(2, gain=0.25)(drawn(*"12345", scores=rising))
    assert plateau(3).because(flat) == (
        "plateau",
        "plateau(3) holds: best is g1 with score 0.50 of 5 judged",
    )


def test_a_plateau_follows_a_chain_of_revisions_down() -> None:
    names = ["g0", "g0.r0", "g0.r0.r0", "g0.r0.r0.r0"]
    scores = [0.5, 0.9, 0.7, 0.8]
    tree = Tree(
        TASK,
        [Candidate(id=name, text=name) for name in names],
        [
            Verdict(candidate=name, verifier="v", score=score)
            for name, score in zip(names, scores, strict=True)
        ],
    )
    assert plateau(2)(tree)
    assert not plateau(3)(tree)


def test_only_a_hard_verdict_without_doubt_proves() -> None:
    def judged(*said: tuple[float, bool]) -> Tree:
        return Tree(
            TASK,
            [Candidate(id="g0", text="t")],
            [
                Verdict(candidate="g0", verifier=f"v{i}", score=score, hard=hard)
                for i, (score, hard) in enumerate(said)
            ],
        )

    assert proven()(judged((1.0, True)))
    assert proven()(judged((0.2, False), (1.0, True)))
    assert not proven()(judged((1.0, False)))
    assert not proven()(judged((0.9, True)))
    assert not proven()(judged((1.0, True), (0.0, True)))
    assert not proven(2)(judged((1.0, True)))
    assert proven().because(judged((1.0, True)))[0] == "verified"
