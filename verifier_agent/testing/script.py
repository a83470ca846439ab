"""What the loopback server is told to say: requests, replies, faults, and ready-made scripts.

A script is any function `Request -> Reply | Fault`. It is called from several threads at once.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from verifier_agent.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as it arrived."""

    index: int
    """Its place in the order of arrival, from 0."""
    attempt: int
    """How often this same body has arrived, this time included: 1, then 2 for a retry."""
    body: dict[str, Any]
    """The JSON body in OpenAI's form, less the fields that the server was told to ignore."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    path: str = "/v1/chat/completions"
    arrived: float
    """Seconds since the epoch."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages, in OpenAI's form."""
        messages: list[dict[str, Any]] = self.body["messages"]
        return messages

    @property
    def n(self) -> int:
        """How many choices are asked for."""
        return int(self.body.get("n") or 1)

    @property
    def seed(self) -> int | None:
        """The seed sent, if one was."""
        return self.body.get("seed")

    @property
    def question(self) -> str:
        """The text of the last user message; empty if there is none."""
        for message in reversed(self.messages):
            if message.get("role") == "user":
                return text_of(message.get("content"))
        return ""

    @property
    def prefix(self) -> str:
        """The text of a trailing assistant message that is to be continued; empty if none."""
        last = self.messages[-1]
        trailing = last.get("role") == "assistant" and self.body.get("continue_final_message")
        return text_of(last.get("content")) if trailing else ""


def text_of(content: Any) -> str:
    """Return the text of a message's content: a string, a list of parts, or None."""
    if isinstance(content, list):
        return "".join(text_of(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Token counts to report and bill in place of the server's own."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer. `stop` and the cap on tokens still cut it."""

    text: str = ""
    reasoning: str = ""
    """Sent as `reasoning_content`; its tokens come first and count as output."""
    refusal: str | None = None
    tool_calls: tuple[tuple[str, str], ...] = ()
    """Pairs of a function's name and its arguments as JSON text, sent as they are."""
    finish_reason: str | None = None
    """None: "tool_calls", "stop", or "length" where the cap cut it."""
    logprobs: tuple[float, ...] | None = None
    """One natural logarithm per token of `text`, sent if asked for; None: -0.1 each."""
    top_logprobs: tuple[Mapping[str, float], ...] = ()
    """The alternatives at each token; a missing entry lists the token alone."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with status 200."""

    choices: str | Choice | Sequence[str | Choice] = ""
    """One or several; when more are asked for (`n`), they are used again from the start."""
    usage: Usage | Literal["counted"] | None = "counted"
    """None: no usage is reported, though the tokens are billed as counted."""
    delay: float = 0.0
    """Seconds before the first byte."""
    pace: float = 0.0
    """Seconds before each streamed piece."""

    def take(self, n: int) -> list[Choice]:
        """Return `n` choices."""
        one = isinstance(self.choices, str | Choice)
        given: Sequence[str | Choice] = [self.choices] if one else self.choices  # type: ignore[assignment, list-item]
        if not given:
            raise ConfigurationError("a Reply needs at least one choice; Fault('empty') says none")
        choices = [c if isinstance(c, Choice) else Choice(text=c) for c in given]
        return [choices[i % len(choices)] for i in range(n)]


FaultKind = Literal["status", "drop", "truncate", "malformed", "empty", "html", "hang", "drip"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure on the wire.

    kind: "status" answers with an HTTP error and "html" with a page of a proxy's; both bill
    nothing. The others bill the prompt and what `reply` says, as a provider does whose answer gets
    lost: "drop" resets the connection before the first byte, "truncate" breaks off halfway,
    "malformed" sends broken JSON with status 200, "empty" sends choices with no content, "hang"
    says nothing for `seconds` and then closes, "drip" sends the answer over `seconds`, a few bytes
    at a time.
    """

    kind: FaultKind
    status: int = 503
    retry_after: float | None = None
    """Seconds, sent as a header with "status"."""
    reply: Reply = Reply()
    seconds: float = 60.0


Script = Callable[[Request], "Reply | Fault"]


def always(text: str) -> Script:
    """Return a script that says `text` every time."""
    return lambda request: Reply(text)


def cycle(texts: Sequence[str]) -> Script:
    """Return a script that says the next text for each choice asked for, in order of arrival."""
    if not texts:
        raise ConfigurationError("cycle needs at least one text")
    turn = itertools.cycle(texts)  # its `next` is one step of the interpreter: safe across threads
    return lambda request: Reply([next(turn) for _ in range(request.n)])


def by_seed(answer: Sequence[str] | Callable[[random.Random], str]) -> Script:
    """Return a script whose words depend on the request alone, so that a replay repeats them.

    Each choice is drawn with a generator seeded by the request's seed, its question, its prefix
    and the choice's number: from `answer`, a sequence of texts of equal chance, or by calling it.
    """
    draw = answer if callable(answer) else (lambda rng: rng.choice(answer))

    def script(request: Request) -> Reply:
        root = f"{request.seed}|{request.question}|{request.prefix}"
        return Reply([draw(random.Random(f"{root}|{i}")) for i in range(request.n)])

    return script
