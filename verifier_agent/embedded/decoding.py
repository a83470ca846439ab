"""Draws solutions from the embedded generator, several of one prompt in lockstep."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from verifier_agent.embedded.tokenizer import END_ID, PAD_ID, SOLVE_ID, piece_text
from verifier_agent.embedded.transformer import Floats, LanguageModel, log_softmax
from verifier_agent.embedded.weights import shipped

Weights = Literal["generator", "sibling"]
"""The files of weights that ship; the sibling has 14 times as many."""

CONTEXT_WINDOW = 640
"""Tokens of question, partial solution and reply together; training saw up to about 540."""

LOCKSTEP = 32
"""So many samples are drawn at once: more brings no speed and costs memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is continued, and how."""

    question: tuple[int, ...]
    """Token ids, with the closing <solve>."""
    partial: tuple[int, ...] = ()
    """Token ids of the partial solution."""
    temperature: float = 1.0
    """0 takes the likeliest token."""
    limit: int
    """The most tokens to draw for a sample."""
    stops: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """How many tokens are read before the first one is drawn."""
        return len(self.question) + len(self.partial)


class Reply:
    """One sample as it grows."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._before = (prompt.question + prompt.partial)[-1]
        self._sent = 0
        self.text = ""
        self.tokens = 0
        """Tokens drawn, <end> and those of the stop string included."""
        self.pieces: list[tuple[str, float]] = []
        """Text and log-probability of each token up to the end."""
        self.finish: str | None = None
        self.stop_sequence: str | None = None

    def feed(self, token: int, logprob: float) -> str:
        """Take the next token; return the text that is now certain to be part of the reply."""
        self.tokens += 1
        if token == END_ID:
            self.finish = "stop"
        else:
            piece = piece_text(token, self._before)
            self._before = token
            self.pieces.append((piece, logprob))
            self.text += piece
            self._stop()
        if self.finish is None and self.tokens >= self._prompt.limit:
            self.finish = "length"
        certain = len(self.text) - (0 if self.finish else self._undecided())
        new, self._sent = self.text[self._sent : certain], max(certain, self._sent)
        return new

    def _stop(self) -> None:
        """Cut the text at the earliest stop string."""
        found = [(at, s) for s in self._prompt.stops if (at := self.text.find(s)) >= 0]
        if not found:
            return
        at, self.stop_sequence = min(found)
        self.text, self.finish = self.text[:at], "stop"
        while self.pieces and len("".join(p for p, _ in self.pieces[:-1])) >= at:
            self.pieces.pop()

    def _undecided(self) -> int:
        """Count the last characters that may turn out to begin a stop string."""
        longest = 0
        for stop in self._prompt.stops:
            for size in range(1, len(stop)):
                if self.text.endswith(stop[:size]):
                    longest = max(longest, size)
        return longest


def generator(name: Weights = "generator") -> LanguageModel:
    """Return the embedded generator, or its larger sibling."""
    return shipped(f"{name}.npz", lambda arrays, about: LanguageModel(arrays, about["heads"]))


def draws(prompt: Prompt, seed: int, index: int) -> np.random.Generator:
    """Return the random numbers of sample `index`: a function of seed, index and prompt alone."""
    content = f"{seed}:{index}:{prompt.question}:{prompt.partial}".encode()
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(content, digest_size=16).digest()))


def grow(
    model: LanguageModel,
    prompt: Prompt,
    replies: Sequence[Reply],
    sources: Sequence[np.random.Generator],
) -> Iterator[list[str]]:
    """Draw a token for every unfinished reply at a time; yield the new text of each reply.

    The prompt is read once. A reply's draws come from its own source of random numbers, so they do
    not depend on how many others grow beside it.
    """
    cache, states = model.question(prompt.question, room=len(prompt.partial))
    if prompt.partial:
        states = model.states(np.array([prompt.partial]), cache)
    cache = cache.repeated(len(replies), prompt.tokens + prompt.limit)
    logits = np.repeat(model.logits(states[:, -1]), len(replies), axis=0)
    rows = list(range(len(replies)))
    while True:
        logprobs = log_softmax(logits)
        tokens = [
            _draw(logits[at], prompt.temperature, sources[row]) for at, row in enumerate(rows)
        ]
        new = [""] * len(replies)
        for at, row in enumerate(rows):
            if replies[row].finish is None:
                new[row] = replies[row].feed(tokens[at], float(logprobs[at, tokens[at]]))
        yield new
        open_rows = [at for at, row in enumerate(rows) if replies[row].finish is None]
        if not open_rows:
            return
        if 2 * len(open_rows) <= len(rows):
            cache.keep(open_rows)
            rows = [rows[at] for at in open_rows]
            tokens = [tokens[at] for at in open_rows]
        logits = model.logits(model.states(np.array(tokens)[:, None], cache)[:, -1])


def _draw(logits: Floats, temperature: float, source: np.random.Generator) -> int:
    """Draw a token by inverting the distribution function at one uniform number."""
    allowed = logits.copy()
    allowed[[PAD_ID, SOLVE_ID]] = -np.inf
    if temperature == 0:
        return int(allowed.argmax())
    cumulated = np.exp((allowed - allowed.max()).astype(np.float64) / temperature).cumsum()
    return int(np.searchsorted(cumulated, source.random() * cumulated[-1], side="right"))
