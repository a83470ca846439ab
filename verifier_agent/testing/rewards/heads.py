"""A reward model behind a server, before any form: what it gives for a text, and what it reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from verifier_agent.testing.completions import Tokenizer, words
from verifier_agent.testing.script import text_of

Json = Any


class Refusal(Exception):
    """The server turns a request down."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A reward model behind a server: what it gives for a text, before any form."""

    rate: Callable[[str], float]
    """The reward, a logit, of what the model has read up to a place."""
    labels: int = 1
    """1: the head gives the logit alone. More: it is the logit of `good`, and others' are 0."""
    good: int = 1
    """Which label means good."""
    mark: str = ""
    """The step token: its places are read, not the end of the text."""
    mark_id: int = 0
    """Its number."""
    label_ids: tuple[int, int] = (1, 2)
    """The tokens that a language model says for good and for bad."""
    tokenize: Tokenizer = words
    """Cuts a text into tokens."""
    window: int = 1 << 30
    """The most tokens of a text that it reads."""
    model: str = "loopback"

    def count(self, text: str) -> int:
        """Return how many tokens a text has."""
        return len(self.tokenize(text))

    def vector(self, text: str) -> list[float]:
        """Return what the head gives at the end of a text."""
        logit = float(self.rate(text))
        if self.labels == 1:
            return [logit]
        return [logit if label == self.good else 0.0 for label in range(self.labels)]

    def beginnings(self, text: str, before: str = "") -> list[str]:
        """Return the text up to each mark."""
        pieces = text.split(self.mark) if self.mark else [text]
        ends = accumulate(len(piece) + len(self.mark) for piece in pieces[:-1])
        return [before + text[:end] for end in ends]

    def activated(self, vector: Sequence[float]) -> list[float]:
        """Return probabilities: the sigmoid of one number, the softmax of several."""
        if len(vector) == 1:
            return [sigmoid(vector[0])]
        top = max(vector)
        parts = [math.exp(number - top) for number in vector]
        return [part / sum(parts) for part in parts]

    def pair(self, question: str, answer: str) -> float:
        """Return the logit of an answer to a question, as a cross-encoder reads them."""
        return float(self.rate(f"{question}\n{answer}"))


def sigmoid(number: float) -> float:
    """Return the probability of a logit."""
    return 1 / (1 + math.exp(-number))


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply with status 200."""

    body: Json
    tokens: int
    headers: Mapping[str, str]


Route = Callable[[Head, dict[str, Any]], Answered]


def shown(body: dict[str, Any]) -> list[str]:
    """Return the texts of a request that has "input" or "messages"; Refusal if it has neither."""
    if ("input" in body) == ("messages" in body):
        raise Refusal(400, "give either input or messages")
    if "messages" in body:
        texts = ["\n".join(text_of(message.get("content")) for message in body["messages"])]
    else:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise Refusal(400, "input: texts that are not empty")
    return texts


def within(head: Head, texts: Sequence[str], status: int = 400) -> int:
    """Return how many tokens the texts have; Refusal if one has more than the model reads."""
    counts = [head.count(text) for text in texts]
    if max(counts, default=0) > head.window:
        raise Refusal(
            status, f"maximum context length is {head.window} tokens, the text has {max(counts)}"
        )
    return sum(counts)


def answered(body: Json, tokens: int, **headers: str) -> Answered:
    """Return a reply."""
    return Answered(body, tokens, headers)


def listing(head: Head, rows: list[Json], tokens: int) -> Answered:
    """Return rows under `data`, as OpenAI's lists are."""
    usage = {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0}
    whole = {"id": "loopback", "object": "list", "created": 0, "model": head.model}
    return answered({**whole, "data": rows, "usage": usage}, tokens)


def activation(body: dict[str, Any]) -> bool:
    """Return whether vLLM is to activate; Refusal for names that it has dropped."""
    for name in ("normalize", "softmax", "activation"):
        if name in body:
            raise Refusal(400, f"Parameter `{name}` was removed; use `use_activation` instead.")
    return body.get("use_activation") is not False
