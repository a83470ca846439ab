"""The rows of a reply, and what holds of them in every format: count, order, numbers. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from verifier_agent.errors import UnreadableVerdict
from verifier_agent.verifiers.hosted.reading import Asked, Vector

Row = tuple[Vector, ...] | UnreadableVerdict
"""What the head gave for one answer, or why it cannot be read."""
T = TypeVar("T")


def unreadable(why: str, found: Any) -> UnreadableVerdict:
    """Return an error that shows the beginning of what was found."""
    try:
        shown = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        shown = type(found).__name__
    return UnreadableVerdict(f"{why}: {shown[:160]!r}")


def truncated(reply: Any) -> str:
    """Return what a server says of having cut what it was sent; empty if it says nothing."""
    if isinstance(reply, dict):
        meta = reply.get("meta")
        warnings = meta.get("warnings") if isinstance(meta, dict) else None
        for warning in warnings if isinstance(warnings, list) else ():  # Cohere
            if "truncat" in str(warning).lower():
                return str(warning)
    for row in _rows(reply):
        if row.get("truncated") is True:
            return json.dumps(row, default=str)[:160]
    return ""


def _rows(reply: Any) -> Iterator[dict[str, Any]]:
    found = [reply.get(key) for key in ("data", "results")] if isinstance(reply, dict) else [reply]
    for rows in found:
        yield from (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def listed(reply: Any, key: str, count: int) -> list[Any]:
    """Return the list under `key` (the reply itself for ""), which must hold `count` entries."""
    if key and not isinstance(reply, dict):
        raise unreadable(f"the reply is no JSON object with {key!r}", reply)
    found = reply.get(key) if key else reply
    if not isinstance(found, list):
        raise unreadable(f"the reply has no list {key!r}" if key else "the reply is no list", reply)
    if len(found) != count:
        raise unreadable(f"{len(found)} rows for {count} answers; try a smaller batch=…", reply)
    return found


def in_order(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return rows in the order of their `index`, which must be 0, 1, … without a gap."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        index = row.get("index") if isinstance(row, dict) else None
        if isinstance(index, bool) or not isinstance(index, int):
            raise unreadable("a row without an index; is it another dialect=…?", row)
        if index in found:
            raise unreadable(f"two rows have the index {index}", list(rows))
        found[index] = row
    if sorted(found) != list(range(len(rows))):
        raise unreadable(f"the indices are {sorted(found)}, not 0 to {len(rows) - 1}", list(rows))
    return [found[index] for index in range(len(rows))]


def check_documents(rows: Sequence[dict[str, Any]], sent: Sequence[Asked]) -> None:
    """Raise UnreadableVerdict if a row that shows its document shows that of another row."""
    answers = [one.answer for one in sent]
    for place, row in enumerate(rows):
        shown = row.get("document", row.get("text"))
        text = shown.get("text") if isinstance(shown, dict) else shown
        if text in answers and text != answers[place]:
            raise unreadable(f"row {place} shows the answer of row {answers.index(text)}", row)


def each(rows: Sequence[T], read: Callable[[T], tuple[Vector, ...]]) -> list[Row]:
    """Return what `read` makes of each row; what it raises stays in the row's place."""

    def one(row: T) -> Row:
        try:
            return read(row)
        except UnreadableVerdict as error:
            return error

    return [one(row) for row in rows]


def number(found: Any) -> float:
    """Return a finite number."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise unreadable("where a reward was expected there is no number", found)
    try:
        value = float(found)
    except OverflowError:  # a whole number of hundreds of digits
        value = math.inf
    if not math.isfinite(value):
        raise unreadable("a reward is no finite number; see the server's precision", str(found))
    return value


def vector(found: Any) -> Vector:
    """Return a list of finite numbers, at least one."""
    if not isinstance(found, list) or not found:
        raise unreadable("no list of numbers", found)
    return tuple(number(x) for x in found)


def per_step(rows: Any, one: Asked) -> tuple[Vector, ...]:
    """Return a vector for each step, of which there must be as many as were sent."""
    if not isinstance(rows, list) or len(rows) != one.steps:
        count = len(rows) if isinstance(rows, list) else "no"
        raise unreadable(
            f"{count} rows for {one.steps} steps (does the server pool at this step token, and "
            "read the whole text?)",
            rows,
        )
    return tuple(vector(row) for row in rows)
