"""Chat completions as OpenAI's JSON and as its stream of events. Pure; the server sends them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Any

from verifier_agent.testing.script import Choice, Reply, Request, Usage, text_of

Tokenizer = Callable[[str], Sequence[str]]
"""Cuts a text into tokens that joined again give the text."""

MESSAGE_TOKENS = 4
"""What the chat template adds to each message."""
PART_TOKENS = 100
"""What a part of a message that is not text costs: an image, a sound."""


def words(text: str) -> list[str]:
    """Cut at the start of each run of white space: one token per word, space before it."""
    return re.findall(r"\s*\S+|\s+", text)


def characters(text: str) -> list[str]:
    """Cut into single characters, for tests that need finer tokens."""
    return list(text)


def prompt_tokens(body: dict[str, Any], tokenize: Tokenizer) -> int:
    """Count a request: texts and tool calls, the margins above, and tool schemas as JSON."""
    total = 0
    for message in body["messages"]:
        content = message.get("content")
        total += MESSAGE_TOKENS + len(tokenize(text_of(content)))
        parts = content if isinstance(content, list) else []
        total += PART_TOKENS * sum(part.get("type") != "text" for part in parts)
        for call in message.get("tool_calls") or ():
            total += sum(len(tokenize(str(text))) for text in call["function"].values())
    return total + sum(len(tokenize(json.dumps(tool))) for tool in body.get("tools") or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A choice as it leaves the server: cut by `stop` and by the cap, in tokens."""

    reasoning: tuple[str, ...]
    text: tuple[str, ...]
    refusal: tuple[str, ...]
    tool_calls: tuple[tuple[str, tuple[str, ...]], ...]
    finish_reason: str
    stop_reason: str | None
    """The stop string that was met, reported the way vLLM does."""
    logprobs: tuple[dict[str, Any], ...]
    """One entry per token of `text`; empty if none were asked for."""
    name_tokens: int
    """What the names of the tool calls cost."""

    @property
    def tokens(self) -> int:
        """Output tokens, reasoning included."""
        called = sum(len(arguments) for _, arguments in self.tool_calls)
        return len(self.reasoning) + len(self.text) + len(self.refusal) + called + self.name_tokens


NOTHING_SAID: dict[str, Any] = {
    "reasoning": (),
    "text": (),
    "refusal": (),
    "tool_calls": (),
    "logprobs": (),
    "name_tokens": 0,
}


def speak(choice: Choice, body: dict[str, Any], tokenize: Tokenizer) -> Spoken:
    """Cut a choice the way a server does: at a stop string, then at the cap on tokens."""
    room: float = body.get("max_completion_tokens") or body.get("max_tokens") or math.inf
    cut = False

    def fit(text: str) -> tuple[str, ...]:
        nonlocal room, cut
        pieces = tuple(tokenize(text))
        kept = pieces if len(pieces) <= room else pieces[: int(room)]
        cut = cut or len(kept) < len(pieces)
        room -= len(kept)
        return kept

    reasoning = fit(choice.reasoning)
    said, met = before_stop(choice.text, body.get("stop"))
    text = fit(said)
    met = None if cut else met
    refusal = fit(choice.refusal or "")
    calls, names = [], 0
    for name, arguments in choice.tool_calls:
        if (cost := len(tokenize(name))) > room:
            cut = True
            break
        room -= cost
        names += cost
        calls.append((name, fit(arguments)))
    reason = choice.finish_reason or ("tool_calls" if calls else "stop")
    return Spoken(
        reasoning=reasoning,
        text=text,
        refusal=refusal,
        tool_calls=tuple(calls),
        finish_reason="length" if cut else reason,
        stop_reason=met,
        logprobs=tuple(token_logprobs(choice, text)) if body.get("logprobs") else (),
        name_tokens=names,
    )


def before_stop(text: str, stop: str | Sequence[str] | None) -> tuple[str, str | None]:
    """Return the text before the first stop string, and which one that was."""
    stops = [stop] if isinstance(stop, str) else stop or ()
    found = min(((text.find(s), s) for s in stops if s in text), default=(len(text), None))
    return text[: found[0]], found[1]


def token_logprobs(choice: Choice, pieces: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Describe each token the way OpenAI does."""
    for i, piece in enumerate(pieces):
        logprob = -0.1 if choice.logprobs is None else choice.logprobs[i]
        tops = choice.top_logprobs[i] if i < len(choice.top_logprobs) else {piece: logprob}
        yield {
            "token": piece,
            "logprob": logprob,
            "bytes": list(piece.encode()),
            "top_logprobs": [
                {"token": token, "logprob": value, "bytes": list(token.encode())}
                for token, value in tops.items()
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A whole answer to one request."""

    request: Request
    spoken: tuple[Spoken, ...]
    usage: Usage
    """What is billed."""
    reported: bool
    """False: the usage is left out of the answer."""

    @classmethod
    def of(cls, request: Request, reply: Reply, tokenize: Tokenizer) -> Completion:
        """Say `reply` to `request`."""
        spoken = tuple(speak(c, request.body, tokenize) for c in reply.take(request.n))
        counted = Usage(
            input_tokens=prompt_tokens(request.body, tokenize),
            output_tokens=sum(s.tokens for s in spoken),
            reasoning_tokens=sum(len(s.reasoning) for s in spoken),
        )
        usage = reply.usage if isinstance(reply.usage, Usage) else counted
        return cls(request=request, spoken=spoken, usage=usage, reported=reply.usage is not None)

    def silent(self) -> Completion:
        """Return the same without anything said, though it is billed."""
        return replace(self, spoken=tuple(replace(one, **NOTHING_SAID) for one in self.spoken))

    def as_json(self) -> dict[str, Any]:
        """Return the body of an answer in one piece."""
        choices = [self._choice(i, spoken) for i, spoken in enumerate(self.spoken)]
        usage = {"usage": self._usage()} if self.reported else {}
        return {**self._head("chat.completion"), "choices": choices, **usage}

    def events(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the events of a streamed answer, each with the output tokens it carries.

        Choices take turns, token by token; the usage comes last, if `stream_options` asks for it.
        """
        streams = [self._deltas(i, spoken) for i, spoken in enumerate(self.spoken)]
        for event in chain.from_iterable(zip_longest(*streams)):
            if event is not None:
                choice, tokens = event
                yield {**self._head("chat.completion.chunk"), "choices": [choice]}, tokens
        options = self.request.body.get("stream_options") or {}
        if self.reported and options.get("include_usage"):
            head = self._head("chat.completion.chunk")
            yield {**head, "choices": [], "usage": self._usage()}, 0

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{self.request.index}",
            "object": kind,
            "created": int(self.request.arrived),
            "model": self.request.body.get("model") or "loopback",
            "system_fingerprint": "loopback",
        }

    def _usage(self) -> dict[str, Any]:
        u = self.usage
        return {
            "prompt_tokens": u.input_tokens,
            "completion_tokens": u.output_tokens,
            "total_tokens": u.input_tokens + u.output_tokens,
            "prompt_tokens_details": {"cached_tokens": u.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": u.reasoning_tokens},
        }

    def _call_id(self, choice: int, call: int) -> str:
        return f"call_{self.request.index}_{choice}_{call}"

    def _choice(self, index: int, spoken: Spoken) -> dict[str, Any]:
        thought = bool(spoken.reasoning) and not (spoken.tool_calls or spoken.refusal)
        content = "".join(spoken.text) if spoken.text or thought else None
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if spoken.reasoning:
            message["reasoning_content"] = "".join(spoken.reasoning)
        if spoken.refusal:
            message["refusal"] = "".join(spoken.refusal)
        if spoken.tool_calls:
            message["tool_calls"] = [
                {
                    "id": self._call_id(index, i),
                    "type": "function",
                    "function": {"name": name, "arguments": "".join(arguments)},
                }
                for i, (name, arguments) in enumerate(spoken.tool_calls)
            ]
        return {
            "index": index,
            "message": message,
            "finish_reason": spoken.finish_reason,
            "stop_reason": spoken.stop_reason,
            "logprobs": {"content": list(spoken.logprobs)} if spoken.logprobs else None,
        }

    def _deltas(self, index: int, spoken: Spoken) -> Iterator[tuple[dict[str, Any], int]]:
        def part(delta: dict[str, Any], tokens: int, **more: Any) -> tuple[dict[str, Any], int]:
            return {"index": index, "delta": delta, "finish_reason": None, **more}, tokens

        yield part({"role": "assistant", "content": ""}, 0)
        for piece in spoken.reasoning:
            yield part({"reasoning_content": piece}, 1)
        for i, piece in enumerate(spoken.text):
            shown = {"logprobs": {"content": [spoken.logprobs[i]]}} if spoken.logprobs else {}
            yield part({"content": piece}, 1, **shown)
        for piece in spoken.refusal:
            yield part({"refusal": piece}, 1)
        # the names are billed with the last event, so that a whole stream adds up to `tokens`
        for i, (name, arguments) in enumerate(spoken.tool_calls):
            opening = {"index": i, "id": self._call_id(index, i), "type": "function"}
            opening["function"] = {"name": name, "arguments": ""}
            yield part({"tool_calls": [opening]}, 0)
            for piece in arguments:
                yield part({"tool_calls": [{"index": i, "function": {"arguments": piece}}]}, 1)
        end = {"finish_reason": spoken.finish_reason, "stop_reason": spoken.stop_reason}
        yield part({}, spoken.name_tokens, **end)
