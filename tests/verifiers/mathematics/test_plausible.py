"""Answers to word problems that cannot be right, and those that only look odd."""

from __future__ import annotations

import pytest

from verifier_agent.selection import vote, weighted_vote
from verifier_agent.testing import check_verifier
from verifier_agent.values import Candidate, Judged, Task, Verdict
from verifier_agent.verifiers import Plausible

PEOPLE = "There are 33 people in 2 buses. 3 leave. How many people are in each bus?"


def said(question: str, answer: str | None) -> Verdict:
    [verdict] = Plausible().verify_sync(
        Task(question=question), [Candidate(id="g0", answer=answer)]
    )
    return verdict


@pytest.mark.parametrize(
    ("question", "answer", "why"),
    [
        (PEOPLE, "-15", "below zero"),
        (PEOPLE, "15.5", "no whole number of people"),
        (PEOPLE, "31/2", "no whole number of people"),
        ("He has 3 dozen. What is the number of eggs he has left?", "16.5", "eggs"),
        ("How many more blue pens does she need?", "0.5", "no whole number of blue"),
        ("How much does one of the three cost?", "3.3333", "does not come out even"),
        ("Jan is 30. How old is Jean?", "18.5", "whole number of years"),
        ("What percentage of the puppies have spots?", "0.35", "a percentage was asked for"),
    ],
)
def test_what_cannot_be_right_is_refuted_and_told_why(question: str, answer: str, why: str) -> None:
    verdict = said(question, answer)
    assert (verdict.score, verdict.hard, verdict.refutes) == (0.0, False, True)
    assert why in verdict.feedback


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (PEOPLE, "15"),
        (PEOPLE, "many"),
        (PEOPLE, None),
        ("It was 2 degrees and dropped by 8. What was the temperature?", "-6"),
        ("How many hours did he drive?", "2.5"),
        ("How much did she pay?", "2.75"),
        ("What is pi, to 4 decimals?", "3.1416"),
        ("Round to 3 decimals: how much is 10 / 3?", "3.333"),
        ("What percentage of the puppies have spots?", "12.5"),
        ("Write a poem about -3.", "-3"),
        ("What is the average number of apples that she eats?", "2.5"),
        ("How many pages per hour does he read?", "12.5"),
        ("What is their average age?", "10.5"),
        ("What is the probability of three heads?", "0.125"),
        ("What is 3 - 5?", "-2"),
        ("If 2x + 8 = 2, what is the value of x?", "-3"),
        ("What number is three more than -5?", "-2"),
    ],
)
def test_what_may_be_right_is_let_pass_and_not_praised(question: str, answer: str | None) -> None:
    verdict = said(question, answer)
    assert (verdict.score, verdict.feedback, verdict.refutes) == (1.0, "", True)


def test_it_keeps_the_laws_of_verifiers() -> None:
    answers = ["15", "-15", "15.5", "many", None]
    check_verifier(
        Plausible(),
        Task(question=PEOPLE),
        [Candidate(id=f"g{place}", answer=answer) for place, answer in enumerate(answers)],
    )


def ballots(*answers: str, scores: tuple[float, ...] = ()) -> list[Judged]:
    candidates = [Candidate(id=f"g{i}", answer=answer) for i, answer in enumerate(answers)]
    verdicts = Plausible().verify_sync(Task(question=PEOPLE), candidates)
    others = [Verdict(candidate=f"g{i}", verifier="v", score=s) for i, s in enumerate(scores)]
    return [
        Judged(candidate=c, verdicts=tuple(v for v in (*verdicts, *others) if v.candidate == c.id))
        for c in candidates
    ]


def test_a_refuted_answer_has_no_vote_unless_all_are_refuted() -> None:
    for named in (vote(), weighted_vote()):
        assert named(ballots("-15", "-15", "15")).answer == "15"
        assert named(ballots("-15", "-15", "15.5")).answer == "-15"


def test_having_nothing_against_an_answer_adds_nothing_to_what_others_say() -> None:
    fine, refuted = ballots("15", "-15", scores=(0.25, 0.75))
    assert (fine.score, fine.refuted) == (0.25, False)
    assert (refuted.score, refuted.refuted) == (0.0, True)
    [alone] = ballots("15")
    assert alone.score == 1.0
