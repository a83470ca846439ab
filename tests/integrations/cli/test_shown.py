"""Runs in words: numbers, units, and text that is safe on a terminal."""

from __future__ import annotations

import unicodedata
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.budget import Budget, Spent
from verifier_agent.graph.controller import Decision, Planned
from verifier_agent.integrations.cli.shown import (
    BASES,
    OUTCOMES,
    against,
    clip,
    confidence,
    cost,
    deed,
    dollars,
    gist,
    printable,
    why,
)
from verifier_agent.values import (
    Basis,
    Candidate,
    Generate,
    Outcome,
    Revise,
    Select,
    Selection,
    Verify,
)


def test_every_outcome_has_words_of_its_own() -> None:
    assert set(OUTCOMES) == set(get_args(Outcome))
    assert len(set(OUTCOMES.values())) == len(OUTCOMES)


@pytest.mark.parametrize(
    ("basis", "words"),
    [
        ("P(correct)", "0.75, the calibrated probability that it is correct"),
        ("vote share", "0.75, its share of the votes; no probability of being correct"),
        ("score", "0.75, the verifier's score; no probability of being correct"),
        ("none", "0.75"),
    ],
)
def test_a_confidence_says_what_kind_of_number_it_is(basis: Basis, words: str) -> None:
    assert confidence(Selection(confidence=0.75, basis=basis)) == words
    assert basis in BASES


def test_a_missing_confidence_is_unknown_and_no_zero() -> None:
    assert confidence(Selection()).startswith("unknown")


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        (Spent(calls=1, tokens=1, seconds=0.04), "1 call, 1 token, 0.0 s"),
        (
            Spent(calls=9, tokens=3456, usd=0.01234, seconds=2.0),
            "9 calls, 3,456 tokens, $0.012, 2.0 s",
        ),
        (Spent(calls=2, tokens=20, usd=None), "2 calls, 20 tokens, dollars unknown, 0.0 s"),
        (
            Spent(calls=2, tokens=20, exact=False),
            "2 calls, 20 tokens, 0.0 s (estimated: some usage was not reported)",
        ),
    ],
)
def test_costs_leave_out_dollars_that_are_free_and_name_those_unknown(
    spent: Spent, words: str
) -> None:
    assert cost(spent) == words


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (None, "unknown"),
        (12.346, "$12.35"),
        (0.05, "$0.05"),
        (0.00123, "$0.0012"),
        (2e-6, "$0.000002"),
    ],
)
def test_dollars_have_as_many_digits_as_they_need(usd: float | None, words: str) -> None:
    assert dollars(usd) == words


def test_spend_is_set_against_the_limits_there_are() -> None:
    spent = Spent(calls=8, tokens=1200, usd=0.01, seconds=1.5)
    assert against(spent, Budget(calls=32, usd=0.04)) == [
        ("calls", "8 of 32", 0.25),
        ("tokens", "1,200", None),
        ("usd", "$0.01 of $0.04", 0.25),
        ("seconds", "1.5", None),
    ]
    assert against(Spent(calls=1), Budget(tokens=10, seconds=3.0)) == [
        ("calls", "1", None),
        ("tokens", "0 of 10", 0.0),
        ("seconds", "0.0 of 3", 0.0),
    ]


def test_a_round_is_told_by_its_kinds_and_its_reasons_once_each() -> None:
    grown = Decision(
        round=2,
        actions=(
            Planned(action=Generate(parent="g0", n=2, reason="good"), ids=("g0.g0", "g0.g1")),
            Planned(action=Generate(parent="g1", n=1, reason="good"), ids=("g1.g0",)),
            Planned(action=Revise(target="g2", reason="weak"), ids=("g2.r0",)),
        ),
    )
    assert deed(grown) == "generate 3, revise 1"
    assert why(grown) == "good; weak"
    judged = Decision(round=3, actions=(Planned(action=Verify(candidates=("g0", "g1"))),))
    assert deed(judged) == "verify 2"
    assert deed(Decision(round=4, actions=(Planned(action=Select()),))) == "select"


def test_the_gist_of_a_candidate_is_its_answer_its_last_step_or_its_error() -> None:
    assert gist(Candidate(id="g0", text="a\nAnswer: 4", answer="4")) == "4"
    assert gist(Candidate(id="g0", text="first\nsecond\n\n", done=False)) == "second"
    assert gist(Candidate(id="g0", error="refused"), 12) == "failed: ref…"
    assert gist(Candidate(id="g0")) == ""


@given(st.text())
def test_printable_keeps_every_character_but_controls(text: str) -> None:
    kept = [c for c in text if unicodedata.category(c) != "Cc" or c in "\n\t"]
    assert printable(text) == "".join(kept)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_clipped_text_is_one_line_of_at_most_its_width(text: str, width: int) -> None:
    clipped = clip(text, width)
    assert len(clipped) <= width
    assert len(clipped.splitlines()) <= 1
