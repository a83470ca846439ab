from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.embedded.family import LEVELS, Problem, example
from verifier_agent.training.step_labels import Story, label

QUESTION = (
    "Mia has 37 apples. Ann has 6 times as many apples as Mia. Tom has 58 more apples than Ann. "
    "Bob has half as many apples as Tom. How many apples does Bob have?"
)
RIGHT = (
    "Ann = 6 * Mia = 6 * 37 = 222\n"
    "Tom = Ann + 58 = 222 + 58 = 280\n"
    "Bob = Tom / 2 = 280 / 2 = 140\n"
    "Answer: 140"
)

problems = st.builds(example, st.sampled_from(sorted(LEVELS)), st.integers(0, 10**6))


def rights(solution: str, ended: bool = True) -> list[bool]:
    return [line.right for line in label(QUESTION, solution, ended)]


@given(problems)
def test_every_line_of_a_worked_solution_is_right(problem: Problem) -> None:
    assert all(line.right for line in label(problem.question, problem.solution))


@given(problems, st.integers(0, 10**6))
def test_a_changed_digit_makes_a_line_wrong(problem: Problem, seed: int) -> None:
    rng = Random(seed)
    lines = problem.solution.split("\n")
    at = rng.randrange(len(lines))
    places = [i for i, letter in enumerate(lines[at]) if letter.isdigit()]
    place = rng.choice(places)
    old = lines[at][place]
    lines[at] = (
        lines[at][:place]
        + rng.choice([d for d in "0123456789" if d != old])
        + lines[at][place + 1 :]
    )
    labels = label(problem.question, "\n".join(lines))
    assert [line.right for line in labels[:at]] == [True] * at
    assert not labels[at].right


@pytest.mark.parametrize(
    ("wrong", "parts"),
    [
        ("Tom = 6 * Mia = 6 * 37 = 222", [False, False, True, True]),
        ("Ann = 7 * Mia = 7 * 37 = 259", [True, False, True, True]),
        ("Ann = 6 + Mia = 6 + 37 = 43", [True, False, True, True]),
        ("Ann = 6 * Mia = 6 * 73 = 438", [True, True, False, True]),
        ("Ann = 6 * Mia = 6 * 37 = 212", [True, True, True, False]),
        ("Ann = 6 * Mia = 222", [True, True, False]),
        ("Ann", [True]),
        ("Ann = 6 * Mia = 6 * 37 = 222 = 222", [True, True, True, True, False]),
    ],
)
def test_the_part_that_is_wrong_is_found(wrong: str, parts: list[bool]) -> None:
    (line,) = label(QUESTION, wrong, ended=False)
    assert [part.right for part in line.parts] == parts
    assert not line.right


def test_lines_after_an_error_are_judged_by_what_stands_there() -> None:
    carried_on = (
        "Ann = 6 * Mia = 6 * 37 = 212\n"
        "Tom = Ann + 58 = 212 + 58 = 270\n"
        "Bob = Tom / 2 = 270 / 2 = 135\n"
        "Answer: 135"
    )
    assert rights(carried_on) == [False, True, True, True]
    assert rights(carried_on.replace("Answer: 135", "Answer: 140")) == [False, True, True, False]


def test_order_and_ends_matter() -> None:
    lines = RIGHT.split("\n")
    assert rights("\n".join([lines[1], lines[0], *lines[2:]]))[0] is False
    assert rights("\n".join([lines[0], *lines])) == [True, False, True, True, True]
    assert rights("\n".join(lines[:2])) == [True, False], "it ended without an answer"
    assert rights("\n".join(lines[:2]), ended=False) == [True, True]
    assert rights("\n".join([*lines, lines[-1]])) == [True, True, True, False, False]
    assert rights(lines[0] + "\nAnswer: 222") == [True, False], "Bob was asked for"


def test_a_question_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="not a question of the family"):
        Story("What is 2 + 2?")
