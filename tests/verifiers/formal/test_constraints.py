"""Values in answers against constraints, by z3."""

from __future__ import annotations

import asyncio
import pickle
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier_agent.embedded import EmbeddedChatModel
from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import Constraints, resolve_verifiers
from verifier_agent.verifiers.formal.given_values import read_values

TASK = Task(question="Two numbers?")
SUM = """
(declare-const x Int) (declare-const y Int)
(assert (! (= (+ x y) 10) :named sum))
(assert (! (< x y) :named |in order|))
(assert (> x 0)) ; and no name
"""


def verdicts(verifier: Constraints, *texts: str, task: Task = TASK) -> list[Verdict]:
    candidates = [Candidate(id=f"g{n}", text=text) for n, text in enumerate(texts)]
    said = verifier.verify_sync(task, candidates)
    assert asyncio.run(verifier.verify(task, candidates)) == said
    return said


@pytest.fixture(scope="module")
def numbers() -> Constraints:
    return Constraints(SUM, workers=1, seconds=60)


def test_values_that_satisfy_all_are_proven_right(numbers: Constraints) -> None:
    for verdict in verdicts(numbers, '{"x": 3, "y": 7}', "So x = 4 and y = 6.", "$x=1$, $y=9$"):
        assert (verdict.score, verdict.hard, verdict.raw, verdict.feedback) == (1.0, True, 1.0, "")


def test_each_constraint_that_is_broken_is_named(numbers: Constraints) -> None:
    (verdict,) = verdicts(numbers, '```json\n{"x": 8, "y": 3}\n```')
    assert (verdict.score, verdict.hard) == (0.0, True)
    assert verdict.raw == pytest.approx(1 / 3)
    assert verdict.feedback == (
        "With x = 8, y = 3, this does not hold:\nsum (x + y == 10)\nin order (x < y)"
    )
    (verdict,) = verdicts(numbers, "x = -1, y = 11")
    assert verdict.feedback.endswith("does not hold:\nx > 0")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x = 3", "no value is given for y"),
        ("I do not know", "no value is given for x, y"),
        ("", "no value is given for x, y"),
        ("x = 3z and y = 7", "no value is given for x"),
        ("x = 3 + 4, y = 7", "no value is given for x"),
    ],
)
def test_what_is_not_given_is_no_verdict(numbers: Constraints, text: str, error: str) -> None:
    (verdict,) = verdicts(numbers, text)
    assert verdict.score is None
    assert error in str(verdict.error)


def test_a_value_of_another_kind_is_refuted(numbers: Constraints) -> None:
    for text, said in (
        ('{"x": 2.5, "y": 7.5}', "x is 5/2, which is no Int"),
        ('{"x": "three", "y": 7}', '"three", which is no Int'),
        ('{"x": true, "y": 7}', "x is true, which is no Int"),
    ):
        (verdict,) = verdicts(numbers, text)
        assert (verdict.score, verdict.hard) == (0.0, True)
        assert said in verdict.feedback


def test_a_number_in_quotes_is_that_number(numbers: Constraints) -> None:
    right, wrong = verdicts(numbers, '{"x": "3", "y": "7"}', '{"x": "7", "y": "3"}')
    assert (right.score, wrong.score) == (1.0, 0.0)


def test_values_may_conflict_only_together() -> None:
    text = """
    (declare-const x Int) (declare-const hidden Int)
    (assert (! (= (* 2 hidden) x) :named double))
    (assert (! (> hidden 5) :named large))
    (assert (! (< x 100) :named bounded))
    """
    verifier = Constraints(text, required=["x"], workers=1, seconds=60)
    right, wrong = verdicts(verifier, "x = 12", "x = 8")
    assert right.score == 1.0
    assert wrong.score == 0.0
    assert "cannot hold together" in wrong.feedback
    assert "double" in wrong.feedback
    assert "large" in wrong.feedback
    assert "bounded" not in wrong.feedback


def test_an_answer_that_can_be_bettered_is_refuted_without_saying_by_what() -> None:
    knapsack = """
    (declare-const a Int) (declare-const b Int)
    (assert (and (>= a 0) (>= b 0)))
    (assert (! (<= (+ (* 3 a) (* 5 b)) 14) :named weight))
    (maximize (+ (* 4 a) (* 7 b)))
    """
    verifier = Constraints(knapsack, workers=1, seconds=60)
    worth = {(a, b): 4 * a + 7 * b for a, b in product(range(5), repeat=2) if 3 * a + 5 * b <= 14}
    for (a, b), value in worth.items():
        (verdict,) = verifier.verify_sync(
            TASK, [Candidate(id="g0", text=f'{{"a": {a}, "b": {b}}}')]
        )
        assert verdict.score == float(value == max(worth.values())), (a, b)
        if verdict.score == 0.0:
            assert "(maximize (+ (* 4 a) (* 7 b))) can be better" in verdict.feedback
    (heavy,) = verdicts(verifier, '{"a": 9, "b": 9}')
    assert "weight" in heavy.feedback


def test_a_function_over_variables_says_the_same_as_text(numbers: Constraints) -> None:
    def rules(x: Any, y: Any) -> dict[str, Any]:
        return {"sum": x + y == 10, "in order": x < y, "positive": x > 0}

    built = Constraints(rules, sorts={"x": "Int", "y": "Int"}, workers=1, seconds=60)
    texts = ["x = 8, y = 3", "x = 3, y = 7"]
    for one, other in zip(verdicts(built, *texts), verdicts(numbers, *texts), strict=True):
        assert (one.score, one.feedback) == (other.score, other.feedback)


def test_a_solver_of_z3_will_do() -> None:
    name, old = z3.String("name"), z3.Bool("old")
    solver = z3.Solver()
    solver.add(z3.Length(name) > 3, z3.Implies(old, z3.PrefixOf("Old ", name)))
    verifier = Constraints(solver, workers=1, seconds=60)
    pairs = product(("Old Tom", "Tömas"), ("true", "false"))
    texts = [f'{{"name": "{name}", "old": {old}}}' for name, old in pairs]
    assert [v.score for v in verdicts(verifier, *texts)] == [1.0, 1.0, 0.0, 1.0]


def test_dividing_by_zero_proves_nothing() -> None:
    # in SMT-LIB x / 0 is some number, so that a solver may choose the one that fits
    quotient = Constraints(lambda x: 6 / x == 2, sorts={"x": "Real"}, workers=1, seconds=60)
    rest = Constraints(lambda x: 6 % (x - 1) == 0, sorts={"x": "Int"}, workers=1, seconds=60)
    for verifier, texts in (
        (quotient, ("x = 3", "x = 2", "x = 0")),
        (rest, ("x = 3", "x = 5", "x = 1")),
    ):
        found = verdicts(verifier, *texts)
        assert [v.score for v in found] == [1.0, 0.0, None]
        assert "divided by zero" in str(found[-1].error)
    largest = """(declare-const x Int) (declare-const y Int)
        (assert (<= 0 x 3)) (assert (= y (div 6 x))) (maximize y)"""
    found = verdicts(Constraints(largest, workers=1, seconds=60), "x = 1, y = 6", "x = 2, y = 3")
    assert [v.score for v in found] == [None, 0.0]


def test_numbers_are_exact() -> None:
    text = "(declare-const r Real) (assert (= (* 3 r) 1))"
    verifier = Constraints(text, workers=1, seconds=60)
    texts = ["r = 1/3", "r = 0.333333333333333333", '{"r": 0.3}']
    assert [v.score for v in verdicts(verifier, *texts)] == [1.0, 0.0, 0.0]


def test_what_takes_too_long_is_unknown_and_does_not_hang() -> None:
    # a cube that is a sum of two others: nobody finds one, nor proves by search that there is none
    text = """
    (declare-const n Int) (declare-const a Int) (declare-const b Int) (declare-const c Int)
    (assert (> a n)) (assert (> b n)) (assert (= (+ (* a a a) (* b b b)) (* c c c)))
    """
    verifier = Constraints(text, required=["n"], workers=1, seconds=1.5)
    (verdict,) = verifier.verify_sync(TASK, [Candidate(id="g0", text="n = 0")])
    assert verdict.score is None
    assert "not known" in str(verdict.error)


def test_the_constraints_may_come_with_the_task() -> None:
    (verifier,) = resolve_verifiers("constraints", model=EmbeddedChatModel())
    assert isinstance(verifier, Constraints)
    verifier.seconds = 60
    task = Task(question="q", context={"constraints": SUM})
    assert [v.score for v in verdicts(verifier, "x = 2, y = 8", "x = 2, y = 2", task=task)] == [
        1,
        0,
    ]
    (without,) = verdicts(verifier, "x = 2")
    assert "context['constraints']: None is no problem" in str(without.error)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("(declare-const x Int)", "no `assert`"),
        ("(assert (> x 0))", "unknown constant x"),
        ("(declare-const x Int) (assert (> x 0)", "a bracket is not closed"),
        ("x > 0", "outside any command"),
        ("(declare-const x Int) (assert (> x 0)) (push 1)", "`push` is not known"),
        ("(declare-fun f (Int) Int) (assert (> (f 1) 0))", "no constant of the sorts"),
        ("(declare-const x Int) (assert (> x 0)) (minimize q)", "unknown constant q"),
        (42, "is no problem"),
    ],
)
def test_constraints_that_cannot_be_read_are_refused(problem: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Constraints(problem)


def test_a_name_that_is_not_declared_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="required='z' is not declared"):
        Constraints(SUM, required=["z"])
    with pytest.raises(ConfigurationError, match="a sort is one of"):
        Constraints(lambda x: x > 0, sorts={"x": "int"})


def test_it_can_be_pickled(numbers: Constraints) -> None:
    again = pickle.loads(pickle.dumps(numbers))
    assert again.problem == numbers.problem
    (verdict,) = again.verify_sync(TASK, [Candidate(id="g0", text="x = 3, y = 7")])
    assert verdict.score == 1.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x = 3", 3),
        ("x: 3.", 3),
        ("first x = 3, no, x = 4", 4),
        ("x is -2/3", Fraction(-2, 3)),
        (r"\[ x = 1.25 \]", Fraction(5, 4)),
        ("x = 1,234 apples", 1234),
        ("max = 3", None),
        ("2x = 3", None),
        ("x = 3y", None),
        ("x = 3 = y", None),
        ("x = 3 1/2", None),
        ("x = 50%", None),
        ("x = 5!", None),
        (r"x = 2\pi", None),
        (r"x \approx 3.33", None),
        ("x is 3 more than y", None),
        ("x = 3, y = 7, and y + x = 10", 3),
        ("x = 3, since 2 x = 6", 3),
        (r"x = 3, since \frac{1}{2} x = 1.5 and 2 \cdot x = 6", 3),
        ("x = 3, so -x = -3", 3),
        ("- x = 3", 3),
        ("y = 4\n* x = 3", 3),
        ("x + 1 = 4 => x = 3", 3),
        ("- x: 3\n- y: 4", 3),
        ("- **x** = 3\n- **y** = 4", 3),
        ("x = **3**", 3),
        ("`x` := 3", 3),
        (r"x = \boxed{3}", 3),
        ("x = \u22123", -3),
        (r"x = \frac{1}{2}", Fraction(1, 2)),
        ("x = 1.5e3", 1500),
        ("x is True", True),
        ("The value of x is 3", 3),
        ("x = 3 \u2014 as asked", 3),
        ("y, x = 3, 4", None),
        ("The sum of y and x is 3", None),
        ("the square of x is 9", None),
        ("twice x is 6", None),
        ("not x is true", None),
        ("x = 3 \u00d7 4 = 12", None),
        ("x = 2**3", None),
        ("x = 1 000", None),
        ("x = 12:30", None),
        ("x = 3 dozen", None),
        ("x = 3 mod 5", None),
        ("x = 3 or 4", None),
        ("x = 3, 4", None),
        ("x = 3 \u2013 5", None),
        ("x = 3 y", None),
        ("at first x = 5, but then x = 2 dozen", None),
    ],
)
def test_values_are_read_from_words(text: str, value: Any) -> None:
    assert read_values(text, ["x", "y"]).get("x") == value


@settings(max_examples=25)
@given(st.integers(-30, 30), st.integers(-30, 30))
def test_the_solver_says_what_arithmetic_says(x: int, y: int) -> None:
    text = f'{{"x": {x}, "y": {y}}}'
    (verdict,) = LAW.verify_sync(TASK, [Candidate(id="g0", text=text)])
    assert verdict.score == float(x * y > 20 and x + y < 15 and x % 3 == 1)


LAW = Constraints(
    lambda x, y: [x * y > 20, x + y < 15, x % 3 == 1],
    sorts={"x": "Int", "y": "Int"},
    workers=1,
    seconds=60,
)
