"""Replies that are well-formed JSON and wrong: what a client must not take for scores. Pure."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

RowFault = Literal[
    "no_rows",
    "missing_row",
    "extra_row",
    "duplicate_index",
    "shifted_index",
    "shuffled",
    "swapped_documents",
    "nan",
    "infinity",
    "text",
    "null",
    "missing_step",
    "extra_step",
    "extra_label",
    "no_usage",
]
"""A fault in the rows of a reply. "text": numbers as strings. "shuffled": rows in another order,
with their right indices, which is no mistake where there are indices. "no_usage": no token
counts. Those that an answer has no place for leave it as it is."""

NUMBERS = {"score", "relevance_score", "logprob"}
"""Keys of rewards."""
LISTS = {"probs", "embedding"}
"""Keys of lists of rewards."""


def spoilt(reply: Any, fault: RowFault) -> Any:
    """Return a reply with a fault in it."""
    reply = copy.deepcopy(reply)
    if fault == "no_usage":
        _forget_usage(reply)
        return reply
    rows = rows_of(reply)
    if fault in _VALUES:
        rows[0] = _replaced(rows[0], _VALUES[fault])
    else:
        _ROWS[fault](rows)
    return reply


def rows_of(reply: Any) -> list[Any]:
    """Return the list in a reply that has a row for each answer."""
    if isinstance(reply, list):
        return reply
    named = ("data", "results", "scores", "choices")
    rows: list[Any] = next(reply[name] for name in named if name in reply)
    return rows


def _forget_usage(reply: Any) -> None:
    if isinstance(reply, dict):
        reply.pop("usage", None)
        reply.pop("meta", None)
    for row in rows_of(reply):
        if isinstance(row, dict):
            row.pop("meta_info", None)


def _indexed(rows: list[Any]) -> Iterator[dict[str, Any]]:
    yield from (row for row in rows if isinstance(row, dict) and "index" in row)


def _extra(rows: list[Any]) -> None:
    rows.append(copy.deepcopy(rows[-1]))
    if isinstance(rows[-1], dict) and "index" in rows[-1]:
        rows[-1]["index"] = len(rows) - 1


def _duplicate(rows: list[Any]) -> None:
    for row in _indexed(rows):
        row["index"] = 0


def _shift(rows: list[Any]) -> None:
    for row in _indexed(rows):
        row["index"] += 1


def _shuffle(rows: list[Any]) -> None:
    if any(_indexed(rows)):
        rows.reverse()


def _swap(rows: list[Any]) -> None:
    """Give each row the document of another one, as a server does that mixes them up."""
    shown = [row["document"] for row in rows if isinstance(row, dict) and "document" in row]
    for row, other in zip(rows, shown[1:] + shown[:1], strict=False):
        row["document"] = other


def _steps(change: Callable[[list[Any]], Any]) -> Callable[[list[Any]], None]:
    def changed(rows: list[Any]) -> None:
        first = rows[0].get("data") if isinstance(rows[0], dict) else rows[0]
        if isinstance(first, list):
            change(first)

    return changed


def _widen(rows: list[Any]) -> None:
    """Add a label that nobody has trained."""
    row = rows[0]
    lists = [row.get(key) for key in (*LISTS, "data")] if isinstance(row, dict) else [row]
    for found in lists:
        vectors: list[Any] = found if isinstance(found, list) else []
        if vectors and isinstance(vectors[0], int | float):
            vectors = [vectors]
        for vector in vectors:
            if isinstance(vector, list):
                vector.append(vector[0])


_ROWS: dict[str, Callable[[list[Any]], None]] = {
    "no_rows": lambda rows: rows.clear(),
    "missing_row": lambda rows: rows.__delitem__(-1),
    "extra_row": _extra,
    "duplicate_index": _duplicate,
    "shifted_index": _shift,
    "shuffled": _shuffle,
    "swapped_documents": _swap,
    "missing_step": _steps(lambda first: first.pop()),
    "extra_step": _steps(lambda first: first.append(first[-1])),
    "extra_label": _widen,
}
_VALUES: dict[str, Callable[[float], Any]] = {
    "nan": lambda number: math.nan,
    "infinity": lambda number: math.inf,
    "text": str,
    "null": lambda number: None,
}


def _replaced(value: Any, change: Callable[[float], Any]) -> Any:
    """Return a row with its rewards changed: under their keys, or in bare nested lists."""
    if isinstance(value, dict):
        return {
            key: change(item)
            if key in NUMBERS and isinstance(item, int | float)
            else _replaced(item, change)
            if isinstance(item, dict | list)
            else item
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            change(item)
            if isinstance(item, int | float) and not isinstance(item, bool)
            else _replaced(item, change)
            for item in value
        ]
    return value
