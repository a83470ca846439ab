"""Routes of language models: probabilities of two words, and rewards in a chat. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from verifier_agent.testing.rewards.heads import (
    Answered,
    Head,
    Json,
    Refusal,
    Route,
    answered,
    listing,
    sigmoid,
    within,
)
from verifier_agent.testing.script import text_of


def label_scores(head: Head, body: dict[str, Any]) -> Answered:
    """Answer SGLang's `/v1/score`; a head of its own pays no heed to the labels asked for."""
    items, ids = _items(body), _labels(head, body)
    before = str(body.get("query") or "")
    tokens = within(head, [before + item for item in items])
    rows: list[Json] = []
    for item in items:
        if "score_extraction_token" in body:
            read = head.beginnings(item, before)
            if body["score_extraction_token"] != head.mark_id:
                read = []
            rows.append([_of_labels(head, text, ids) for text in read])
        else:
            rows.append(_of_labels(head, before + item, ids))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    whole = {"object": "scoring", "scores": rows, "model": head.model, "usage": usage}
    return answered(whole, tokens)


def generative_scoring(head: Head, body: dict[str, Any]) -> Answered:
    """Answer vLLM's `/generative_scoring`: the probability of the first label."""
    items, ids = _items(body), _labels(head, body)
    before = str(body.get("query") or "")
    tokens = within(head, [before + item for item in items])
    rows = [
        {"index": at, "object": "score", "score": _of_labels(head, before + item, ids)[0]}
        for at, item in enumerate(items)
    ]
    return listing(head, rows, tokens)


def _items(body: dict[str, Any]) -> list[str]:
    items = body.get("items")
    if not isinstance(items, list) or not items or not all(isinstance(i, str) for i in items):
        raise Refusal(400, "items: a list of texts")
    if body.get("item_first") or not body.get("apply_softmax"):
        raise Refusal(400, "this server is asked with apply_softmax, and the items last")
    return items


def _labels(head: Head, body: dict[str, Any]) -> tuple[int, ...]:
    ids = body.get("label_token_ids")
    if not isinstance(ids, list) or set(ids) != set(head.label_ids) or len(ids) != 2:
        raise Refusal(400, f"label_token_ids {ids!r} are out of the vocabulary")
    return tuple(ids)


def _of_labels(head: Head, text: str, ids: Sequence[int]) -> list[float]:
    good = sigmoid(head.rate(text))
    return [good if one == head.label_ids[0] else 1 - good for one in ids]


def yes_no(head: Head, body: dict[str, Any]) -> Answered:
    """Answer a chat: one token, with the probabilities of the spellings of yes and no."""
    text = "\n".join(text_of(message.get("content")) for message in _messages(body))
    tokens, good = within(head, [text]), sigmoid(head.rate(text))
    spelled = {"Yes": good * 0.7, " yes": good * 0.25, "No": (1 - good) * 0.95, "Well": 0.05}
    alternatives = [
        {"token": word, "logprob": math.log(max(share, 1e-30)), "bytes": None}
        for word, share in sorted(spelled.items(), key=lambda pair: -pair[1])
    ]
    first = {**alternatives[0], "top_logprobs": alternatives}
    logprobs = {"content": [first]} if body.get("logprobs") else None
    return _completion(head, str(first["token"]), logprobs, tokens)


def reward_in_chat(names: Sequence[str], *, in_text: bool = False) -> Route:
    """Return a route that answers NIM's chat: the first attribute is the reward, others are 0.

    `in_text`: in the message only, not as tokens.
    """

    def route(head: Head, body: dict[str, Any]) -> Answered:
        messages = _messages(body)
        if messages[-1]["role"] != "assistant":
            raise Refusal(400, "the last message must be the assistant's")
        if "temperature" in body or "max_tokens" in body:
            raise Refusal(400, "a reward model takes no sampling parameters")
        text = "\n".join(text_of(message.get("content")) for message in messages)
        values = {name: 0.0 if place else head.rate(text) for place, name in enumerate(names)}
        told = [{"token": name, "logprob": value} for name, value in values.items()]
        content = ",".join(f"{name}:{value!r}" for name, value in values.items())
        return _completion(
            head, content, None if in_text else {"content": told}, within(head, [text])
        )

    return route


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "messages: a list with at least one message is needed")
    return messages


def _completion(head: Head, content: str, logprobs: Json, tokens: int) -> Answered:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content},
        "finish_reason": "stop",
        "logprobs": logprobs,
    }
    usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}
    whole = {"id": "loopback", "object": "chat.completion", "created": 0, "model": head.model}
    return answered({**whole, "choices": [choice], "usage": usage}, tokens)
