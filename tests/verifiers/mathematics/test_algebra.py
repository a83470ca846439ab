"""Algebra in answers, step by step: what follows, what does not, and what nobody knows."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier_agent.embedded import EmbeddedChatModel
from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import AlgebraSteps, resolve_verifiers
from verifier_agent.verifiers.mathematics.steps import ArithmeticSteps, steps_of

TASK = Task(question="Solve it.")
ALGEBRA = AlgebraSteps(workers=1, seconds=60)


def judged(text: str, question: str = "Solve it.") -> Verdict:
    (verdict,) = ALGEBRA.verify_sync(Task(question=question), [Candidate(id="g0", text=text)])
    assert len(verdict.steps) == len(steps_of(text))
    return verdict


FOLLOWS = [
    "2x + 3 = 7\n2x = 4\nx = 2",
    "2x+3=7 → 2x=4 → x=2",
    r"\[2x + 3 = 7 \implies 2x = 4 \implies x = 2\]",
    "We have 2x + 3 = 7.\nSubtract 3 from both sides: 2x = 4.\nDivide by 2: x = 2.",
    "$\\frac{x}{2} + 1 = 4$\nSo $\\frac{x}{2} = 3$ and $x = 6$.",
    "x^2 - 5x + 6 = 0\n(x - 2)(x - 3) = 0",
    "x = 3\nx^2 = 9",
    "P = 2l + 2w\nP - 2l = 2w",
    "0.5x = 2\nx = 4",
    "2(x+3) + 1 = 9\n2x + 6 + 1 = 9\n2x + 7 = 9\n2x = 2\nx = 1",
    "1,000x = 5,000\nx = 5",
    "x^2 = 0\nx = 0",
]


@pytest.mark.parametrize("text", FOLLOWS)
def test_what_follows_from_the_equation_before_is_right(text: str) -> None:
    verdict = judged(text)
    assert 0.0 not in verdict.steps
    assert verdict.steps[-1] == 1.0
    assert (verdict.hard, verdict.feedback) == (False, "")


def test_an_equation_that_holds_for_all_values_is_right_by_itself() -> None:
    for text in ("(x+1)^2 = x^2 + 2x + 1", r"Expanding, $2(x - y) = 2x - 2y$."):
        assert judged(text).steps == (1.0,)


WRONG = [
    ("2x + 3 = 7\n2x = 10\nx = 5", 2, '"2x = 10" does not follow: no solution of "2x + 3 = 7"'),
    ("2x+3=7 → 2x=5 → x=2.5", 1, '"2x = 5" does not follow'),
    ("Then 2x = 4.\nDivide both sides by 2: x = 3.", 2, '"x = 3" does not follow'),
    ("0.67x = 1000\nx = 1600", 2, '"x = 1600" does not follow'),
    ("x^2 = 9\nx = 4", 2, '"x = 4" does not follow'),
    ("2(x+3) + 1 = 2x + 6 + 1 = 2x + 8", 1, '"2x + 6 + 1 = 2x + 8" holds for no value'),
    ("3x = 12\nx = 12 - 3 = 9", 2, '"x = 12 - 3" does not follow'),
]


@pytest.mark.parametrize(("text", "step", "said"), WRONG)
def test_what_shares_no_solution_is_proven_wrong(text: str, step: int, said: str) -> None:
    verdict = judged(text)
    assert (verdict.score, verdict.hard, verdict.steps[step - 1]) == (0.0, True, 0.0)
    assert verdict.feedback.startswith(f"In step {step}, {said}")


NOBODY_KNOWS = [
    "x / 1/2 = 60\nx = 30",
    "x^1/2 = 3\nx = 9",
    "2x = 1.000\nx = 500",
    "x = 3\ny = 4\nx + y = 7",  # several equations
    "x^2 = 9\nx = 3",  # a solution left out
    "x^2 = 2x\nx = 2",
    "x = 2 or x = 3",
    "Case 1: x - 2 = 0\nCase 2: x - 3 = 0",
    "x - 2 = 0 or x - 3 = 0\nx = 2\nx = 3",
    "Ann has 2x = 6 apples.\nBob has 3x = 12 pears.",
    "3x = 10\nx = 3.33",  # a rounding
    "3x = 10\nx = 3",
    "0.67x = 1000\nx = 1500",  # for two thirds
    "(1/3)x = 1000\n0.333x = 1000\nx = 3000",
    "x = 120 minutes\nx = 2 hours",
    "2x = 5%\nx = 3",
    "sin(x) = 0\nx = 1",
    "f(0) = 3\nf(1) = 4",
    r"\binom{7}{4}x = 35" + "\nx = 2",
    "1/2x = 4\nx = 8",  # two meanings
    "x = 3\nx = 4",  # two values, not a derivation
    "Let x = 3.\nSuppose 2x = 8.",
    "2x + 3 ≠ 7\n2x = 5",
    "x + 1 = x + 2 has no solution",
    "x^{99} = 1\nx = 7",
    "2x = 4 more than y\nx = 9",
    "x = 1825\\frac{1}{3}\n3x = 5476",
]


@pytest.mark.parametrize("text", NOBODY_KNOWS)
def test_what_is_not_understood_is_never_refuted(text: str) -> None:
    verdict = judged(text)
    assert 0.0 not in verdict.steps, verdict.feedback
    assert not verdict.hard


def test_an_equation_of_the_question_is_not_held_against_an_answer() -> None:
    text = "2x + 3 = 7\n3x - 1 = 8"
    assert judged(text).hard
    repeated = judged(text, "Solve 2x + 3 = 7 and then 3x - 1 = 8.")
    assert not repeated.hard
    assert 0.0 not in repeated.steps
    assert not judged("x + 1 = x + 2", "Is there an x with x + 1 = x + 2?").hard


def test_what_may_be_taken_back_is_no_proof() -> None:
    verdict = judged("2x + 3 = 7\n2x = 10\nWait, that is wrong.\n2x = 4\nx = 2")
    assert verdict.steps[1] == 0.0
    assert not verdict.hard
    assert 0.0 < (verdict.score or 0.0) < 1.0
    assert '"2x = 10" does not follow' in verdict.feedback


def test_arithmetic_is_judged_as_before_and_the_first_fault_is_told() -> None:
    both = judged("3 * 4 = 13\n2x = 8\nx = 5")
    assert both.steps == (0.0, None, 0.0)
    assert both.feedback.startswith('In step 1, "3 * 4 = 13" is false')
    other = judged("2x = 8\nx = 5\n3 * 4 = 13")
    assert other.feedback.startswith('In step 2, "x = 5" does not follow')
    text = "3 * 4 = 12\nso we see"
    (alone,) = ArithmeticSteps().verify_sync(TASK, [Candidate(id="g0", text=text)])
    assert (judged(text).score, judged(text).steps) == (alone.score, alone.steps)


@settings(max_examples=30)
@given(st.integers(-9, 9).filter(bool), st.integers(-9, 9), st.integers(-9, 9), st.integers(-3, 3))
def test_a_linear_equation_is_solved_rightly_or_not(a: int, b: int, x: int, slip: int) -> None:
    text = f"{a}x + {b} = {a * x + b}\n{a}x = {a * x + slip}\nDone."
    verdict = judged(text)
    assert verdict.steps[1] == (1.0 if slip == 0 else verdict.steps[1])
    if slip % a == 0:  # whole solutions: nothing can be a rounding
        assert verdict.steps[1] == float(slip == 0)
    else:
        assert verdict.steps[1] in (None, 0.0)


@given(st.text(alphabet="xy12+-*/^()={}\\frac ,.→\n", max_size=80))
@settings(max_examples=60)
def test_no_text_is_too_odd(text: str) -> None:
    verdict = judged(text)
    assert verdict.score is None or 0.0 <= verdict.score <= 1.0


def test_what_takes_too_long_leaves_the_arithmetic() -> None:
    slow = AlgebraSteps(workers=1, seconds=60)
    slow.verify_sync(TASK, [Candidate(id="g0", text="2x = 4\nx = 2")])  # the worker has started
    slow.seconds = 0.001
    lines = "\n".join(f"(x + {n})^9 (y + {n})^3 = {n}" for n in range(60))
    (verdict,) = slow.verify_sync(TASK, [Candidate(id="g0", text=f"{lines}\n3 * 4 = 13")])
    assert verdict.steps[-1] == 0.0
    assert verdict.feedback == 'In step 61, "3 * 4 = 13" is false: 3 * 4 = 12.'


def test_it_has_a_name_and_settings() -> None:
    (named,) = resolve_verifiers("algebra", model=EmbeddedChatModel())
    assert isinstance(named, AlgebraSteps)
    with pytest.raises(ConfigurationError, match="seconds=0"):
        AlgebraSteps(seconds=0)
    candidates = [Candidate(id="g0", text="2x = 4\nx = 2")]
    assert asyncio.run(ALGEBRA.verify(TASK, candidates)) == ALGEBRA.verify_sync(TASK, candidates)
