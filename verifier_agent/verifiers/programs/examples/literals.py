"""Values written out in a text: where one ends, and whether it is one. Nothing is evaluated."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Any

from verifier_agent.verifiers.sandboxes.comparisons import is_literal

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_STRING = re.compile(
    r"""[bBrRuU]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""",
    re.DOTALL,
)
_NUMBER = re.compile(
    r"[-+]?(?:0[xXbBoO][\da-fA-F_]+|(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?j?)(?![\w.]*\w)"
)
_WORD = re.compile(r"(?:True|False|None|true|false|set\(\))(?!\w)")
_SUM = re.compile(r"[ \t]*[-+*][ \t]*(?=[\d.])")
LONGEST = 2_000
"""Characters of one value, brackets and line ends included."""
DEEPEST = 20
"""Brackets within brackets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A value that is written out in a text, and where its text ends."""

    source: str
    end: int

    @property
    def value(self) -> Any:
        """What it is."""
        return ast.literal_eval(self.source)


def literal_at(text: str, start: int) -> Written | None:
    """Return the literal that begins at `start`, or None. A sum of numbers counts as its value.

    What is left out ("[1, 2, ..., 9]") and doubled backslashes, whose meaning depends on what the
    text stands in, make it None.
    """
    found = _term(text, start)
    if found is None:
        return None
    end = found.end
    while isinstance(_number(text[start:end]), int | float) and (sign := _SUM.match(text, end)):
        term = _NUMBER.match(text, sign.end())
        if term is None:
            return None
        end = term.end()
    if end == found.end:
        return found
    total = _number(text[start:end])
    return None if total is None else Written(source=repr(total), end=end)


def _term(text: str, start: int) -> Written | None:
    end = _end(text, start)
    if end is None:
        return None
    source = " ".join(text[start:end].split("\n"))
    source = {"true": "True", "false": "False"}.get(source, source)
    if "\\\\" in source or not _is_whole(source):
        return None
    return Written(source=source, end=end)


def _is_whole(source: str) -> bool:
    try:
        node = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return is_literal(node) and is_written_out(node)


def is_written_out(node: ast.AST) -> bool:
    """Return True if nothing in `node` is left out ("...")."""
    return not any(isinstance(n, ast.Constant) and n.value is ... for n in ast.walk(node))


def _end(text: str, start: int) -> int | None:
    for pattern in (_STRING, _NUMBER, _WORD):
        if found := pattern.match(text, start):
            return found.end()
    return closing(text, start) if text[start : start + 1] in _CLOSING else None


def closing(text: str, start: int) -> int | None:
    """Return where the bracket that opens at `start` has closed again; None if it does not."""
    waiting: list[str] = []
    at = start
    while at < min(len(text), start + LONGEST):
        sign = text[at]
        if sign in "\"'" and (string := _STRING.match(text, at)):
            at = string.end()
            continue
        if sign in _CLOSING:
            if len(waiting) == DEEPEST:
                return None
            waiting.append(_CLOSING[sign])
        elif waiting and sign == waiting[-1]:
            waiting.pop()
            if not waiting:
                return at + 1
        elif sign in ")]}":
            return None
        at += 1
    return None


def _number(source: str) -> int | float | None:
    """Return the value of a sum or product of a few numbers; None for anything else."""
    try:
        return _computed(ast.parse(source.strip(), mode="eval").body)
    except (SyntaxError, ValueError, OverflowError, RecursionError):
        return None


def _computed(node: ast.expr) -> int | float:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_computed(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
            one, other = _computed(left), _computed(right)
            if max(abs(one), abs(other)) > 1e12:
                raise ValueError("large")
            match op:
                case ast.Add():
                    return one + other
                case ast.Sub():
                    return one - other
            return one * other
    raise ValueError("no sum")


def holds(asked: str, expected: Written) -> str | None:
    """Return the assertion that `asked` is the value as it was written; None if that is unclear.

    A number with a fraction that no float has exactly may have been rounded: what is asked has to
    round to it; any other float it has to be but for errors of computing. Within a collection that
    cannot be said, so there is no assertion about fractions.
    """
    value = expected.value
    if isinstance(value, float) and math.isfinite(value):
        digits = len(expected.source.lower().partition(".")[2].partition("e")[0])
        rounding = 1e-9 * max(1.0, abs(value))
        if not _is_exact(value):
            rounding = max(rounding, 0.5000001 * 10.0**-digits)
        return f"assert abs({asked} - {expected.source}) <= {rounding:.8g}"
    return f"assert {asked} == {expected.source}" if _exact_inside(value) else None


def _is_exact(value: float) -> bool:
    return math.isfinite(value) and (value * 16).is_integer()


def _exact_inside(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_exact_inside(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_exact_inside, value))
    return not isinstance(value, float) or _is_exact(value)
