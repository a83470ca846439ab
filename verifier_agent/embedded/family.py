"""The reasoning family of the embedded models: who has how many, told as a story.

A problem names a first count and then a chain of people, each with more, fewer, some times as
many or half as many things as the one before; the question asks for the last count:

>>> problem = example(level=1, seed=3)
>>> problem.solution.endswith(f"Answer: {problem.answer}")
True

Facts stand in story order in plain sentences, so that reading is easy and the arithmetic is what
goes wrong. Every problem belongs to exactly one split, by a hash of its numbers and relations;
names and things do not enter, so a test problem is no training problem retold with other people.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from verifier_agent.errors import ConfigurationError

Split = Literal["train", "validation", "test"]
"""A tenth of all problems is for testing, a tenth for validation, the rest for training."""

Relation = Literal["more", "fewer", "times", "half"]

# fmt: off
PEOPLE = (
    "Mia", "Ann", "Tom", "Bob", "Eve", "Joe", "Sam", "Ida", "Max", "Leo", "Zoe", "Kim",
    "Ben", "Amy", "Dan", "Lia", "Roy", "Fay", "Gus", "Ella", "Noah", "Ruth", "Hugo", "Nina",
)
# fmt: on
THINGS = ("apples", "books", "coins", "eggs", "keys", "pens", "shells", "stamps")

STEPS_LIMIT = 14
"""The longest chain that a `Shape` may ask for."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How long a chain is and how large its numbers get."""

    steps: int
    """How many people follow the first one: 1 to STEPS_LIMIT."""
    limit: int
    """Every count is below it."""
    least: int = 2
    """The smallest count and the smallest amount added or taken away."""
    factors: tuple[int, int] = (2, 9)
    """The smallest and the largest multiplier."""


LEVELS: dict[int, Shape] = {
    1: Shape(2, 1_000, least=20),
    2: Shape(5, 100_000, least=1_000),
    3: Shape(7, 100_000, least=1_000),
    4: Shape(9, 100_000, least=1_000),
    5: Shape(10, 100_000, least=1_000),
    6: Shape(12, 1_000_000, least=1_000, factors=(12, 99)),
}
"""Level 1 is easy, level 5 is hard, level 6 is out of reach of the embedded generator."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A question of the family with its worked solution."""

    question: str
    answer: str
    """The count asked for, in decimal digits."""
    solution: str
    """One line per step, then a line "Answer: N"."""
    level: int
    """1 to 6; 0 for a shape that is no level."""


def split_of(question: str) -> Split:
    """Tell which split a question belongs to: a function of its numbers and relations alone."""
    skeleton = " ".join(re.findall(r"\d+|more|fewer|times|half", question))
    bucket = hashlib.blake2b(skeleton.encode(), digest_size=8).digest()[0] % 10
    return "test" if bucket == 0 else "validation" if bucket == 1 else "train"


def example(level: int, seed: int) -> Problem:
    """Return a problem that the embedded models were not trained on; the same for the same seed.

    Raises ConfigurationError for a level outside 1 to 6.
    """
    return draw(Random(f"example:{level}:{seed}"), level, "test")


def examples(level: int, count: int, seed: int = 0, split: Split = "test") -> list[Problem]:
    """Return `count` problems of one level and split, no two with the same numbers."""
    rng = Random(f"examples:{split}:{level}:{seed}")
    found: dict[tuple[str, ...], Problem] = {}
    while len(found) < count:
        problem = draw(rng, level, split)
        found.setdefault(tuple(re.findall(r"\d+|more|fewer|times|half", problem.question)), problem)
    return list(found.values())


def draw(rng: Random, level: int, split: Split) -> Problem:
    """Draw a problem of a level from a split."""
    if level not in LEVELS:
        raise ConfigurationError(f"level {level!r} is not one of {min(LEVELS)} to {max(LEVELS)}")
    return draw_shape(rng, LEVELS[level], split, level)


def draw_shape(rng: Random, shape: Shape, split: Split, level: int = 0) -> Problem:
    """Draw a problem of any shape from a split."""
    if not 1 <= shape.steps <= STEPS_LIMIT:
        raise ConfigurationError(f"steps {shape.steps!r} is not between 1 and {STEPS_LIMIT}")
    if split not in get_args(Split):
        raise ConfigurationError(f"split {split!r} is not one of {', '.join(get_args(Split))}")
    while True:
        problem = _draw(rng, shape, level)
        if split_of(problem.question) == split:
            return problem


def _draw(rng: Random, shape: Shape, level: int) -> Problem:
    people = rng.sample(PEOPLE, shape.steps + 1)
    things = rng.choice(THINGS)
    count = rng.randrange(shape.least, max(shape.least + 1, shape.limit // 2))
    sentences = [f"{people[0]} has {count} {things}."]
    lines = []
    for before, person in itertools.pairwise(people):
        relation, amount = _draw_relation(rng, shape, count)
        sentences.append(_tell(relation, amount, person, before, things))
        line, count = _solve(relation, amount, person, before, count)
        lines.append(line)
    sentences.append(f"How many {things} does {people[-1]} have?")
    lines.append(f"Answer: {count}")
    return Problem(" ".join(sentences), str(count), "\n".join(lines), level)


def _draw_relation(rng: Random, shape: Shape, count: int) -> tuple[Relation, int]:
    """Choose what keeps the next count at `least` or more and below the limit."""
    low, high = shape.factors
    high = min(high, (shape.limit - 1) // count)
    choices: list[Relation] = []
    if high >= low:
        choices += ["times"] * 3
    if count + shape.least < shape.limit:
        choices += ["more"] * 2
    if count >= 2 * shape.least:
        choices += ["fewer"] * 2
        if count % 2 == 0:
            choices += ["half"]
    relation = rng.choice(choices)
    if relation == "times":
        return relation, rng.randint(low, high)
    if relation == "more":
        return relation, rng.randint(shape.least, shape.limit - 1 - count)
    if relation == "fewer":
        return relation, rng.randint(shape.least, count - shape.least)
    return relation, 2


def _tell(relation: Relation, amount: int, person: str, before: str, things: str) -> str:
    if relation == "half":
        return f"{person} has half as many {things} as {before}."
    if relation == "times":
        return f"{person} has {amount} times as many {things} as {before}."
    return f"{person} has {amount} {relation} {things} than {before}."


def _solve(
    relation: Relation, amount: int, person: str, before: str, count: int
) -> tuple[str, int]:
    """Return the solution line and the new count."""
    if relation == "times":
        value = amount * count
        return f"{person} = {amount} * {before} = {amount} * {count} = {value}", value
    if relation == "more":
        sign, value = "+", count + amount
    elif relation == "fewer":
        sign, value = "-", count - amount
    else:
        sign, value = "/", count // 2
    return f"{person} = {before} {sign} {amount} = {count} {sign} {amount} = {value}", value
