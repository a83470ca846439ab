"""Structured answers: JSON and tool calls in one way of writing them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from verifier_agent.answers.numerals import write_number

LONGEST = 100_000
"""Characters of JSON that is read."""
_ATTEMPTS = 100
"""Brackets at which JSON is looked for, so that no text takes long."""
FENCED = re.compile(r"```[ \t]*+\w*+[ \t]*+\n(.*?)```", re.DOTALL)
"""A fenced block; its content is the group."""
_OPENING = re.compile(r"[{\[]")
_DIGITS = 1000
"""Of a number that is read; a longer one makes the whole no JSON."""


def read_json(text: str) -> str | None:
    """Return the one way to write `text` if it is a JSON object or array; else None.

    Keys are sorted, numbers are by value (1.0 is 1), spaces are one; text keeps its case.
    """
    text = text.strip()
    if not text.startswith(("{", "[")) or len(text) > LONGEST:
        return None
    try:
        return _written(_DECODER.decode(text))
    except (ValueError, InvalidOperation, RecursionError):
        return None


def exact_json(text: str) -> Any:
    """Return the value of a JSON text, its numbers as fractions; None if it cannot be read."""
    try:
        return _DECODER.decode(text.strip()) if len(text) <= LONGEST else None
    except (ValueError, InvalidOperation, RecursionError):
        return None


def whole_json(text: str) -> str | None:
    """Return the key of a text that is JSON and nothing else, fenced or not; None for any other."""
    text = text.strip()
    fenced = FENCED.fullmatch(text) if len(text) <= LONGEST else None
    return read_json(fenced[1] if fenced else text)


def json_key(text: str) -> str | None:
    """Return the key of the last JSON object or array in `text`, fenced or not; None without."""
    source = find_json(text)
    return None if source is None else read_json(source)


def find_json(text: str) -> str | None:
    """Return the last JSON object or array in `text` as it stands there, fenced or not."""
    for block in reversed(FENCED.findall(text[:LONGEST])):
        if read_json(block) is not None:
            return str(block).strip()
    text, found, at = text[:LONGEST], None, 0
    for _ in range(_ATTEMPTS):
        start = _OPENING.search(text, at)
        if start is None:
            break
        try:
            _, at = _DECODER.raw_decode(text, start.start())
        except (ValueError, InvalidOperation, RecursionError):
            at = start.end()
            continue
        source = text[start.start() : at]
        found = source if read_json(source) is not None else found
    return found


def tool_calls_key(calls: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the key of the tools that are called, with their arguments; None without any.

    `calls` are in langchain's form: `name`, `args` and more. Ids do not count, nor does the order
    of calls that are made at once, nor that of arguments.
    """
    if not calls:
        return None
    plain = sorted(
        json.dumps([call["name"], call.get("args") or {}], sort_keys=True, default=str)
        for call in calls
    )
    text = f"[{', '.join(plain)}]"
    return read_json(text) or text


def refuse_constant(constant: str) -> Any:
    """Raise ValueError: Python reads NaN and Infinity, which are no JSON."""
    raise ValueError(f"{constant} is no JSON")


def _exact(text: str) -> Fraction:
    value = Decimal(text)
    if len(text) > _DIGITS or abs(value.adjusted()) > _DIGITS:
        raise ValueError("too long a number")
    return Fraction(value)


_DECODER = json.JSONDecoder(parse_float=_exact, parse_int=_exact, parse_constant=refuse_constant)


def _written(value: Any) -> str:
    """Write a decoded value: json.dumps does not know exact numbers."""
    if isinstance(value, Fraction):
        return write_number(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(k)}: {_written(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return _text(value)


def _text(value: Any) -> str:
    lone = isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value)
    return json.dumps(value, ensure_ascii=lone)
