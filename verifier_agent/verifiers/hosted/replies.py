"""Readers of replies: each returns what the head gave for every answer asked about, in order.

For one answer that is a vector, or one vector for each step. Where the count or the indices do not
fit, no row can be trusted, and UnreadableVerdict is raised; where one row holds no finite number,
or not one vector for each step, that row alone is an UnreadableVerdict. Nothing has a default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from verifier_agent.errors import UnreadableVerdict
from verifier_agent.verifiers.hosted.reading import Asked, Reading, Vector
from verifier_agent.verifiers.hosted.rows import (
    Row,
    check_documents,
    each,
    in_order,
    listed,
    number,
    per_step,
    unreadable,
    vector,
)
from verifier_agent.verifiers.readout import of_token

Reader = Callable[[Any, Reading, Sequence[Asked]], list[Row]]

YES_NO = {"Yes": 1.0, "No": 0.0}
_LABEL = re.compile(r"LABEL_(\d+)")
_PAIR = re.compile(r"\s*([A-Za-z_]\w*)\s*:\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


def pooled(reply: Any, reading: Reading, sent: Sequence[Asked]) -> list[Row]:
    """Read vLLM's `/pooling`: one vector, a vector for each token, or one for each step."""

    def read(pair: tuple[dict[str, Any], Asked]) -> tuple[Vector, ...]:
        data = pair[0].get("data")
        if not isinstance(data, list) or not data:
            raise unreadable("a row without a list of numbers", pair[0])
        rows = data if _is_nested(data) else [data]
        if reading.by_steps:
            return per_step(rows, pair[1])
        return (vector(rows[-1]),)  # the last token's vector is the reward of the whole

    rows = in_order(listed(reply, "data", len(sent)))
    if not reading.by_steps:
        _check_tokens(reply, rows)
    return each(list(zip(rows, sent, strict=True)), read)


def _check_tokens(reply: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Raise UnreadableVerdict if rows of tokens are not one for each: the last is not the end's."""
    counts = [
        len(row["data"])
        for row in rows
        if isinstance(row.get("data"), list) and _is_nested(row["data"])
    ]
    usage = reply.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    if counts and isinstance(tokens, int) and sum(counts) != tokens:
        raise unreadable(
            f"{sum(counts)} rows of numbers for {tokens} tokens: the server pools at some places "
            "only (STEP), as for a spec with read='mark'",
            [{**row, "data": "…"} for row in rows],
        )


def _is_nested(found: list[Any]) -> bool:
    return bool(found) and isinstance(found[0], list)


def embedded(reply: Any, reading: Reading, sent: Sequence[Asked]) -> list[Row]:
    """Read SGLang's own `/classify`: a list of objects with `embedding`, in order."""

    def read(row: Any) -> tuple[Vector, ...]:
        if not isinstance(row, dict):
            raise unreadable("a row that is no object", row)
        return (vector(row.get("embedding")),)

    return each(listed(reply, "", len(sent)), read)


def classified(reply: Any, reading: Reading, sent: Sequence[Asked]) -> list[Row]:
    """Read `probs` of `/classify`, as vLLM and SGLang's `/v1/classify` give them."""

    def read(row: dict[str, Any]) -> tuple[Vector, ...]:
        probs = row.get("probs")
        if not isinstance(probs, list) or row.get("num_classes", len(probs)) != len(probs):
            raise unreadable("a row whose probabilities do not fit its classes", row)
        return (vector(probs),)

    return each(in_order(listed(reply, "data", len(sent))), read)


def predicted(reply: Any, reading: Reading, sent: Sequence[Asked]) -> list[Row]:
    """Read TEI's `/predict`: for each answer its labels with their numbers, the highest first."""

    def read(row: Any) -> tuple[Vector, ...]:
        labels = row if isinstance(row, list) else [row]
        if not all(isinstance(one, dict) and isinstance(one.get("label"), str) for one in labels):
            raise unreadable("a row that is no list of labels", row)
        values = {one["label"]: number(one.get("score")) for one in labels}
        if len(values) != len(labels) or not values:
            raise unreadable("no labels, or one of them twice", row)
        if reading.attribute or len(values) == 1:
            return ((_named(values, reading.attribute, row),),)
        found = {m.group(1): value for m, value in _matches(values)}
        if sorted(found, key=int) != [str(place) for place in range(len(values))]:
            raise unreadable(f"name the label that means good, by attribute=…: {[*values]}", row)
        return (tuple(found[str(place)] for place in range(len(values))),)

    return each(listed(reply, "", len(sent)), read)


def _matches(values: dict[str, float]) -> Iterator[tuple[re.Match[str], float]]:
    for name, value in values.items():
        if match := _LABEL.fullmatch(name):
            yield match, value


def _named(values: dict[str, Any], wanted: str, found: Any) -> float:
    """Return the value of that name, or the only one; raises UnreadableVerdict if it is not one."""
    name = wanted or (next(iter(values)) if len(values) == 1 else "")
    if name not in values:
        raise unreadable(f"attribute={wanted!r} is none of {sorted(values)}", found)
    return number(values[name])


def ranked(key: str, field: str) -> Reader:
    """Return a reader of rows under `key`, in any order, with the reward in `field`."""

    def read(reply: Any, reading: Reading, sent: Sequence[Asked]) -> list[Row]:
        rows = in_order(listed(reply, key, len(sent)))
        check_documents(rows, sent)
        return each(rows, lambda row: ((number(row.get(field)),),))

    return read


def good_share(reply: Any, reading: Reading, sent: Sequence[Asked]) -> list[Row]:
    """Read vLLM's `/generative_scoring`: the probability of the first of two tokens."""

    def both(row: Row) -> Row:
        return row if isinstance(row, UnreadableVerdict) else ((row[0][0], 1 - row[0][0]),)

    return [both(row) for row in ranked("data", "score")(reply, reading, sent)]


def label_scores(reply: Any, reading: Reading, sent: Sequence[Asked]) -> list[Row]:
    """Read SGLang's `/v1/score`: the probabilities of the tokens asked for.

    By steps they are nested once more: one row for each step token.
    """

    def read(pair: tuple[Any, Asked]) -> tuple[Vector, ...]:
        row, one = pair
        return per_step(row, one) if reading.by_steps else (vector(row),)

    return each(list(zip(listed(reply, "scores", len(sent)), sent, strict=True)), read)


def attributes(reply: Any, reading: Reading, sent: Sequence[Asked]) -> list[Row]:
    """Read NIM's chat reply: attributes as tokens with their scores, or as `name:value` text.

    The text may hold nothing else, so that no number in the prose of a chat model is a reward.
    """
    choice = _choice(reply)
    values: dict[str, Any] = {
        str(one.get("token")).strip(): one.get("logprob") for one in _tokens(choice)
    }
    if not values:
        message = choice.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        pairs = [_PAIR.fullmatch(pair) for pair in str(content).split(",")]
        values = {m.group(1): float(m.group(2)) for m in pairs if m} if all(pairs) else {}
    if not values:
        raise unreadable("no attribute with a score", reply)
    return each([values], lambda found: ((_named(found, reading.attribute, reply),),))


def yes_no(reply: Any, reading: Reading, sent: Sequence[Asked]) -> list[Row]:
    """Read the probabilities of "Yes" and "No" at the first token of a chat reply."""
    told = _tokens(_choice(reply))
    if not told:
        raise unreadable(
            "no token probabilities; this model or server gives none: use verifier='judge'", reply
        )
    odds = of_token(told[0], YES_NO)
    if odds is None:
        raise unreadable("its first token was to be neither Yes nor No", told[0])
    return [((odds.value,),)]


def _tokens(choice: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tokens of a choice with their log-probabilities; none if it has none."""
    logprobs = choice.get("logprobs")
    found = logprobs.get("content") if isinstance(logprobs, dict) else None
    tokens = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    for one in tokens:
        others = one.get("top_logprobs")
        if others is not None and not (
            isinstance(others, list) and all(isinstance(other, dict) for other in others)
        ):
            raise unreadable("top_logprobs is no list of tokens", one)
    return tokens


def _choice(reply: Any) -> dict[str, Any]:
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise unreadable("no chat completion with one choice", reply)
    return choices[0]
