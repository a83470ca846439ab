"""Inputs for a function of which nothing is known but its parameters."""

from __future__ import annotations

import random
from typing import Any

from verifier_agent.verifiers.programs.examples.signatures import Signature
from verifier_agent.verifiers.programs.variations import Input

_NUMBERS = (0, 1, 2, 3, 5, 7, 10, 12, 100, -1, -4)
_TEXTS = ("", "a", "abc", "Hello", "Hello World", "racecar", "aab ba", "12 3", "a1B2", "one, two")
_LISTS: tuple[list[Any], ...] = (
    [],
    [1],
    [2, 1],
    [1, 2, 3],
    [5, 3, 5, 2, 3, 0],
    [1, 2, 4, 20],
    [4, 1, 0, -10],
    [-1, 15, -73, 14, 33],
)
_TEXT_LISTS: tuple[list[Any], ...] = ([], ["a"], ["b", "a", "abc"], ["Hi", "hello", "Hi", ""])
_TABLES: tuple[list[Any], ...] = ([[1, 2], [3, 4]], [[0, 0, 1, 0], [0, 1, 0, 0], [1, 1, 1, 1]])
_FLOATS = (0.0, 1.5, 3.14, -2.5, 10.0)
_BY_NAME: dict[str, tuple[Any, ...]] = {
    "int": _NUMBERS,
    "float": _FLOATS + _NUMBERS[:6],
    "str": _TEXTS,
    "bool": (True, False),
    "dict": ({}, {"a": 1}, {"a": "b", "c": "d"}, {"x": 2, "y": 1, "z": 2}),
    "tuple": tuple(map(tuple, _LISTS)),
    "set": tuple(map(set, _LISTS)),
}
_ANY: tuple[Any, ...] = (*_LISTS, *_NUMBERS, *_TEXTS, *_TEXT_LISTS, *_TABLES, *_FLOATS)


def guesses(signature: Signature, count: int, seed: str) -> list[Input]:
    """Return up to `count` inputs of all sorts that fit the annotations, if there are any.

    What does not suit the function makes programs raise, and so tells nothing about them.
    """
    pools = [_values(signature.annotations.get(name, "")) for name in signature.required]
    dice = random.Random(seed)
    if len(pools) == 1:
        return [(value,) for value in dice.sample(pools[0], min(count, len(pools[0])))]
    found: dict[str, Input] = {}
    for _ in range(4 * count if pools else 0):
        given = tuple(dice.choice(pool) for pool in pools)
        found.setdefault(repr(given), given)
    return list(found.values())[:count]


def _values(annotation: str) -> tuple[Any, ...]:
    kind, _, inside = annotation.lower().removeprefix("typing.").partition("[")
    if kind in ("list", "sequence", "iterable"):
        if "list" in inside:
            return _TABLES
        return _TEXT_LISTS if inside.startswith("str") else (*_LISTS, *_TEXT_LISTS)
    return _BY_NAME.get(kind, _ANY)
