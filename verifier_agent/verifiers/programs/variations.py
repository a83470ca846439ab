"""More inputs like those that are known: values changed a little, of the kinds that are known.

As EvalPlus does (Liu et al. 2023, 2305.01210, section 2): what a function is asked in tests says
what it can be asked. Where all numbers are positive, so are the new ones, and texts have no
characters that were not seen; right programs may differ in what they do with anything else.
Nothing is evaluated, and the same inputs give the same variations.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

Input = tuple[Any, ...]
"""The arguments of one call, in order; values that are written out."""

LONGEST = 300
"""Characters of one input, as Python writes it."""
LARGEST = 1e12
"""Numbers beyond it are left alone."""
EDGES = 20
"""Inputs with boundary values; each costs a call of every program."""
SEEDS = 3
"""Of the known inputs the first, which are given boundary values."""
ATTEMPTS = 20
"""How often a change is tried for each input that is wanted; many lead to one that is known."""


def edges(inputs: Sequence[Input]) -> list[Input]:
    """Return up to EDGES inputs with the least value of its kind in one place, or the next ones.

    Boundary values, where programs go wrong most (Myers 1979, The Art of Software Testing): an
    empty collection or text, one of one element, one of two that are equal; 0, 1 and 2.
    """
    known = set(map(repr, inputs))
    found = {
        repr(edge): edge
        for given in inputs[:SEEDS]
        for place, value in enumerate(given)
        for least in _least(value)
        if repr(edge := (*given[:place], least, *given[place + 1 :])) not in known
    }
    return list(found.values())[:EDGES]


def _least(value: Any) -> tuple[Any, ...]:
    match value:
        case bool():
            return (not value,)
        case int():
            return (0, 1, 2)
        case float():
            return (0.0, 1.0)
        case str() | list() | tuple():
            return (value[:0], value[:1], 2 * value[:1])
        case dict():
            return ({}, dict(list(value.items())[:1]))
    return ()


def variations(inputs: Sequence[Input], count: int, seed: str) -> list[Input]:
    """Return up to `count` inputs that differ from `inputs` and from each other."""
    dice = random.Random(seed)
    changes = _Changes([part for given in inputs for one in given for part in _parts(one)], dice)
    known = set(map(repr, inputs))
    found: list[Input] = []
    changeable = [given for given in inputs if given]
    for _ in range(ATTEMPTS * count if changeable else 0):
        given = list(dice.choice(changeable))
        for _ in range(dice.choice((1, 1, 2))):
            place = dice.randrange(len(given))
            given[place] = changes.of(given[place])
        written = repr(tuple(given))
        if written not in known and len(written) <= LONGEST:
            known.add(written)
            found.append(tuple(given))
            if len(found) == count:
                break
    return found


def _parts(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, list | tuple):
        for one in value:
            yield from _parts(one)
    elif isinstance(value, dict):
        for one in (*value, *value.values()):
            yield from _parts(one)


class _Changes:
    """Changes values to others of the kinds that are known."""

    def __init__(self, parts: Sequence[Any], dice: random.Random) -> None:
        numbers = [one for one in parts if isinstance(one, int | float) and one == one]
        lowest = min((one for one in numbers if not isinstance(one, bool)), default=0)
        self.parts = parts
        self.dice = dice
        self.least = None if lowest < 0 else 1 if lowest >= 1 else 0
        self.kinds = {type(one) for one in numbers}
        letters = {sign for one in parts if isinstance(one, str) for sign in one}
        self.letters = "".join(sorted(letters)) or "a"

    def of(self, value: Any) -> Any:
        """Return another value, or the same one where there is none."""
        alike = [part for part in self.parts if type(part) is type(value)]
        if alike and self.dice.random() < 0.15:
            return self.dice.choice(alike)
        match value:
            case bool():
                return not value
            case int() | float():
                return self._number(value)
            case str():
                return self._text(value)
            case list() | tuple():
                return type(value)(self._items(list(value)))
            case dict() if value:
                key = self.dice.choice(list(value))
                return {**value, key: self.of(value[key])}
        return value

    def _number(self, value: float) -> float:
        if abs(value) > LARGEST:
            return value
        steps: list[float] = [value + 1, value - 1, 2 * value, -value]
        if isinstance(value, int):
            steps += [value + 2, value + 10, value // 2]
            steps += [float(value)] if float in self.kinds else []
        else:
            steps += [value + 0.5, value - 0.25, value / 2]
            steps += [int(value)] if int in self.kinds else []
        found = self.dice.choice(steps)
        return found if self.least is None or found >= self.least else value

    def _text(self, text: str) -> str:
        if not text:
            return self.dice.choice(self.letters)
        place = self.dice.randrange(len(text))
        before, sign, after = text[:place], text[place], text[place + 1 :]
        other = sign.swapcase()
        return self.dice.choice(
            (
                before + after,
                before + self.dice.choice(self.letters) + sign + after,
                before + self.dice.choice(self.letters) + after,
                before + (other if other in self.letters else sign + sign) + after,
                text[::-1],
                sign + after + before,
                text + before,
                before,
            )
        )

    def _items(self, items: list[Any]) -> list[Any]:
        if not items:
            return items
        place = self.dice.randrange(len(items))
        match self.dice.randrange(7):
            case 0:
                del items[place]
            case 1:
                items.insert(place, self.dice.choice(items))
            case 2:
                self.dice.shuffle(items)
            case 3:
                del items[place + 1 :]
            case _:
                items[place] = self.of(items[place])
        return items
