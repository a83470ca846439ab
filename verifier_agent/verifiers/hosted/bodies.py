"""The bodies of requests: how each format is asked. Pure.

Only what a server needs is sent, by the names that it has now: `normalize`, `softmax` and
`activation` were vLLM's once, and are turned down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from verifier_agent.verifiers.hosted.reading import Asked, Reading, pieces

Body = dict[str, Any]
Write = Callable[[Reading, Sequence[Asked]], Body]


def _head(reading: Reading) -> Body:
    return {"model": reading.model} if reading.model else {}


def _inputs(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Texts, many at once; or else one conversation, for the server's chat template."""
    if sent[0].text:
        return {"input": [one.text for one in sent]}
    return {"messages": list(sent[0].messages), "add_generation_prompt": False}


def pooling(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Ask vLLM's `/pooling`; numbers could come as base64 otherwise."""
    more = {"task": "token_classify", "use_activation": reading.activated}
    return _head(reading) | _inputs(reading, sent) | more | {"encoding_format": "float"}


def classify(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Ask vLLM's `/classify`."""
    return _head(reading) | _inputs(reading, sent) | {"use_activation": reading.activated}


def plain_texts(key: str) -> Write:
    """Return a writer of texts alone, for SGLang."""

    def write(reading: Reading, sent: Sequence[Asked]) -> Body:
        return _head(reading) | {key: [one.text for one in sent]}

    return write


def predict(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Ask TEI's `/predict`; nested always, since it reads a flat list of two texts as one pair."""
    pairs = [[one.question, one.answer] for one in sent]
    return {"inputs": pairs, "raw_scores": not reading.activated, "truncate": False}


def documents(top: str, **more: Any) -> Write:
    """Return a writer of a question and the answers to be ranked; all are wanted back."""

    def write(reading: Reading, sent: Sequence[Asked]) -> Body:
        answers = [one.answer for one in sent]
        asked = {"query": sent[0].question, "documents": answers, top: len(answers)}
        return _head(reading) | asked | more

    return write


def documents_of_vllm(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Ask vLLM's `/rerank`."""
    return documents("top_n")(reading, sent) | {"use_activation": reading.activated}


def texts_of_tei(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Ask TEI's `/rerank`."""
    texts = [one.answer for one in sent]
    more = {"raw_scores": not reading.activated, "truncate": False}
    return {"query": sent[0].question, "texts": texts} | more


def pairs(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Ask vLLM's `/score`."""
    answers = [one.answer for one in sent]
    asked = {"queries": sent[0].question, "documents": answers}
    return _head(reading) | asked | {"use_activation": reading.activated}


def labels(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Ask for two tokens: what stands before the answer is the query, all else is in the items."""
    before, after = (part.replace("{question}", sent[0].question) for part in pieces(reading))
    body = _head(reading) | {
        "query": before,
        "items": [one.answer + after for one in sent],
        "label_token_ids": list(reading.label_token_ids),
        "apply_softmax": True,
        "item_first": False,
    }
    return body | ({"score_extraction_token": reading.step_token_id} if reading.by_steps else {})


def chat(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Ask NIM, which takes no parameters of sampling."""
    return _head(reading) | {"messages": list(sent[0].messages)}


def yes_no(reading: Reading, sent: Sequence[Asked]) -> Body:
    """Ask a chat model for one word, and for the probabilities of others in its place."""
    asked = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20}
    return chat(reading, sent) | asked
