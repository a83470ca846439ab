"""Routes that score texts: pooling, classes and embeddings of vLLM, SGLang and TEI. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifier_agent.testing.rewards.heads import (
    Answered,
    Head,
    Refusal,
    activation,
    answered,
    listing,
    shown,
    within,
)


def pooling(head: Head, body: dict[str, Any]) -> Answered:
    """Answer vLLM's `/pooling`."""
    if body.get("task") not in (None, "token_classify"):
        raise Refusal(400, f"task {body['task']!r} is not supported by this server")
    texts, activate = shown(body), activation(body)
    tokens, rows = within(head, texts), []
    for index, text in enumerate(texts):
        if head.mark:
            read = [head.vector(beginning) for beginning in head.beginnings(text)]
        else:  # it pools nothing: a row for each token, of which the last one's counts
            read = [[0.0] * head.labels] * (head.count(text) - 1) + [head.vector(text)]
        data = [head.activated(row) for row in read] if activate else read
        rows.append({"index": index, "object": "pooling", "data": data})
    return listing(head, rows, tokens)


def classify(head: Head, body: dict[str, Any]) -> Answered:
    """Answer vLLM's `/classify`."""
    return _classes(head, shown(body), activate=activation(body))


def classify_always(head: Head, body: dict[str, Any]) -> Answered:
    """Answer SGLang's `/v1/classify`: a softmax, also of a single number, which is then 1."""
    if "input" not in body:
        raise Refusal(400, "input: field required")
    found = _classes(head, shown({"input": body["input"]}), activate=True)
    if head.labels == 1:
        for row in found.body["data"]:
            row["probs"] = [1.0]
    return found


def _classes(head: Head, texts: Sequence[str], *, activate: bool) -> Answered:
    tokens, rows = within(head, texts), []
    for index, text in enumerate(texts):
        vector = head.vector(text)
        label = f"LABEL_{vector.index(max(vector))}"
        probs = head.activated(vector) if activate else vector
        row = {"index": index, "label": label, "probs": probs, "num_classes": len(probs)}
        rows.append(row)
    return listing(head, rows, tokens)


def embed(head: Head, body: dict[str, Any]) -> Answered:
    """Answer SGLang's own `/classify`: raw numbers of the head."""
    given = body.get("text")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refusal(400, "text: a text or a list of texts")
    tokens = within(head, texts)
    rows = [
        {"embedding": head.vector(text), "meta_info": {"prompt_tokens": head.count(text)}}
        for text in texts
    ]
    return answered(rows[0] if isinstance(given, str) else rows, tokens)


def predict(head: Head, body: dict[str, Any]) -> Answered:
    """Answer TEI's `/predict`, where a flat list of two texts is a pair and of more is an error."""
    inputs = body.get("inputs")
    single = isinstance(inputs, str) or (isinstance(inputs, list) and isinstance(inputs[0], str))
    batch = [inputs] if single else inputs
    asked: list[list[str]] = [
        [one] if isinstance(one, str) else one for one in (batch if isinstance(batch, list) else [])
    ]
    if not asked or not all(1 <= len(one) <= 2 for one in asked):
        raise Refusal(422, "inputs: a text, a pair of texts, or a list of lists of one or two")
    texts = ["\n".join(one) for one in asked]
    if body.get("truncate") is not True:
        within(head, texts, 413)
    rows = []
    for text in texts:
        vector = head.vector(text)
        given = vector if body.get("raw_scores") else head.activated(vector)
        highest_first = sorted(enumerate(given), key=lambda pair: -pair[1])
        rows.append([{"label": f"LABEL_{at}", "score": value} for at, value in highest_first])
    tokens = sum(map(head.count, texts))
    headers = {"x-compute-tokens": str(tokens)}
    return Answered(rows[0] if single else rows, tokens, headers)
