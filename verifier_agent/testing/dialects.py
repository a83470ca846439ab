"""The wires that the loopback server speaks: OpenAI's, Anthropic's and Ollama's chat APIs. Pure.

Scripts and counts know one form, OpenAI's: a dialect reads its own requests into that, and writes
a `Completion` as its own answer, in one piece or as a stream.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from verifier_agent.testing.completions import Completion, Spoken
from verifier_agent.testing.script import text_of

Body = dict[str, Any]
_NO_OPENAI: Body = {"n": 1, "max_completion_tokens": None}
"""What only OpenAI's servers know, and the others do not heed."""


class Dialect(Protocol):
    """How one provider's requests and answers are written."""

    @property
    def path(self) -> str:
        """The route of its chat requests."""
        ...

    @property
    def stream_type(self) -> str:
        """The content type of its streams."""
        ...

    def read(self, body: Body) -> Body:
        """Return a request in OpenAI's form; without `messages` if it is to be refused."""
        ...

    def answer(self, completion: Completion) -> Body:
        """Return an answer in one piece."""
        ...

    def events(self, completion: Completion) -> Iterator[tuple[str, int]]:
        """Yield the pieces of a streamed answer, each with the output tokens it carries."""
        ...

    def ending(self) -> str:
        """Return what closes a whole stream."""
        ...

    def refusal(self, status: int, why: str) -> Body:
        """Return the body of an HTTP error."""
        ...


@dataclass(frozen=True, slots=True)
class OpenAI:
    """Chat completions, as OpenAI and most open servers speak them."""

    path: str = "/v1/chat/completions"
    stream_type: str = "text/event-stream"

    def read(self, body: Body) -> Body:
        """Return the request itself."""
        return body

    def answer(self, completion: Completion) -> Body:
        """Return a `chat.completion`."""
        return completion.as_json()

    def events(self, completion: Completion) -> Iterator[tuple[str, int]]:
        """Yield `chat.completion.chunk`s."""
        return ((f"data: {json.dumps(event)}\n\n", n) for event, n in completion.events())

    def ending(self) -> str:
        """Return the mark after the last event."""
        return "data: [DONE]\n\n"

    def refusal(self, status: int, why: str) -> Body:
        """Return an error object."""
        kind = "invalid_request_error" if status < 500 else "server_error"
        return {"error": {"message": why, "type": kind, "param": None, "code": None}}


@dataclass(frozen=True, slots=True)
class Anthropic:
    """The Messages API: blocks of content, a required `max_tokens`, named events, always usage."""

    path: str = "/v1/messages"
    stream_type: str = "text/event-stream"

    def read(self, body: Body) -> Body:
        """Return the request in OpenAI's form: `system` becomes the first message."""
        messages = body.get("messages")
        if not isinstance(messages, list) or not isinstance(body.get("max_tokens"), int):
            return {key: value for key, value in body.items() if key != "messages"}
        system = body.get("system")
        told = [{"role": "system", "content": system}] if system else []
        tools = [
            {"type": "function", "function": {**tool, "parameters": tool.get("input_schema")}}
            for tool in body.get("tools") or ()
        ]
        read = {**body, "messages": told + [m for one in messages for m in _from_blocks(one)]}
        return read | {"stop": body.get("stop_sequences"), "tools": tools, **_NO_OPENAI}

    def answer(self, completion: Completion) -> Body:
        """Return a `message`."""
        (spoken,) = completion.spoken
        usage = completion.usage
        return {
            **self._head(completion),
            "content": [block for block, _ in self._blocks(completion, spoken)],
            **self._end(spoken),
            "usage": {
                "input_tokens": usage.input_tokens - usage.cached_tokens,
                "cache_read_input_tokens": usage.cached_tokens,
                "output_tokens": usage.output_tokens,
            },
        }

    def events(self, completion: Completion) -> Iterator[tuple[str, int]]:
        """Yield `message_start`, each block's start, deltas and stop, `message_delta`."""
        (spoken,) = completion.spoken
        usage = completion.usage
        read = {
            "input_tokens": usage.input_tokens - usage.cached_tokens,
            "cache_read_input_tokens": usage.cached_tokens,
            "output_tokens": 0,
        }
        start = {**self._head(completion), "content": [], "stop_reason": None, "usage": read}
        yield _named("message_start", message={**start, "stop_sequence": None}), 0
        for place, (block, pieces) in enumerate(self._blocks(completion, spoken)):
            kind, key, empty = _DELTAS[block["type"]]
            yield (
                _named("content_block_start", index=place, content_block={**block, **empty}),
                0,
            )
            for piece in pieces:
                delta = {"type": kind, key: piece}
                yield _named("content_block_delta", index=place, delta=delta), 1
            if block["type"] == "thinking":
                signed = {"type": "signature_delta", "signature": block["signature"]}
                yield _named("content_block_delta", index=place, delta=signed), 0
            yield _named("content_block_stop", index=place), 0
        told = {**read, "output_tokens": usage.output_tokens}
        yield _named("message_delta", delta=self._end(spoken), usage=told), spoken.name_tokens

    def ending(self) -> str:
        """Return the event that closes a message."""
        return _named("message_stop")

    def refusal(self, status: int, why: str) -> Body:
        """Return an error object."""
        kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
        kind = kinds.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": why}}

    def _head(self, completion: Completion) -> Body:
        model = completion.request.body.get("model") or "loopback"
        name = f"msg_{completion.request.index}"
        return {"id": name, "type": "message", "role": "assistant", "model": model}

    def _end(self, spoken: Spoken) -> Body:
        reasons = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
        reason = reasons.get(spoken.finish_reason, spoken.finish_reason)
        met = spoken.stop_reason
        return {"stop_reason": "stop_sequence" if met else reason, "stop_sequence": met}

    def _blocks(
        self, completion: Completion, spoken: Spoken
    ) -> Iterator[tuple[Body, tuple[str, ...]]]:
        """Yield each block of content, whole, and the pieces it is streamed in."""
        if spoken.reasoning:
            thought = "".join(spoken.reasoning)
            yield {"type": "thinking", "thinking": thought, "signature": "s"}, spoken.reasoning
        if spoken.text:
            yield {"type": "text", "text": "".join(spoken.text)}, spoken.text
        for place, (name, arguments) in enumerate(spoken.tool_calls):
            called = {"id": f"toolu_{completion.request.index}_{place}", "name": name}
            given = _arguments("".join(arguments))
            yield {"type": "tool_use", **called, "input": given}, arguments


_DELTAS: dict[str, tuple[str, str, Body]] = {
    "thinking": ("thinking_delta", "thinking", {"thinking": "", "signature": ""}),
    "text": ("text_delta", "text", {"text": ""}),
    "tool_use": ("input_json_delta", "partial_json", {"input": {}}),
}
"""A block's type, to the type of its deltas, their key, and what it starts with."""


def _named(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def _from_blocks(message: Body) -> Iterator[Body]:
    """Yield one of Anthropic's messages as OpenAI's: results of tools are messages there."""
    content = message.get("content")
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    calls = [
        {"id": b["id"], "function": {"name": b["name"], "arguments": json.dumps(b["input"])}}
        for b in blocks
        if b.get("type") == "tool_use"
    ]
    for block in blocks:
        if block.get("type") == "tool_result":
            told = text_of(block.get("content"))
            yield {"role": "tool", "tool_call_id": block["tool_use_id"], "content": told}
    others = [b for b in blocks if b.get("type") not in ("tool_use", "tool_result")]
    if others or calls:
        called = {"tool_calls": calls} if calls else {}
        yield {"role": message.get("role"), "content": others, **called}


@dataclass(frozen=True, slots=True)
class Ollama:
    """Ollama's own chat API: settings in `options`, a stream of JSON lines unless told not to."""

    path: str = "/api/chat"
    stream_type: str = "application/x-ndjson"

    def read(self, body: Body) -> Body:
        """Return the request in OpenAI's form: what `options` holds moves to the top."""
        options = body.get("options") or {}
        moved = {name: options.get(name) for name in ("temperature", "seed", "stop")}
        cap = options.get("num_predict")
        moved["max_tokens"] = cap if isinstance(cap, int) and cap > 0 else None
        return {**body, **moved, "stream": body.get("stream", True), **_NO_OPENAI}

    def answer(self, completion: Completion) -> Body:
        """Return the whole message."""
        (spoken,) = completion.spoken
        message = self._message("".join(spoken.text), "".join(spoken.reasoning))
        shown = {"logprobs": list(spoken.logprobs)} if spoken.logprobs else {}
        calls = self._calls(spoken)
        return self._piece(completion, message | calls, **shown, **self._end(completion, spoken))

    def events(self, completion: Completion) -> Iterator[tuple[str, int]]:
        """Yield a line for each token, then one that says how it ended and what it cost."""
        (spoken,) = completion.spoken
        for piece in spoken.reasoning:
            yield self._line(completion, self._message("", piece), done=False), 1
        for place, piece in enumerate(spoken.text):
            shown = {"logprobs": [spoken.logprobs[place]]} if spoken.logprobs else {}
            yield self._line(completion, self._message(piece), done=False, **shown), 1
        if spoken.tool_calls:
            called = sum(len(arguments) for _, arguments in spoken.tool_calls)
            message = self._message("") | self._calls(spoken)
            line = self._line(completion, message, done=False)
            yield line, called + spoken.name_tokens
        yield self._line(completion, self._message(""), **self._end(completion, spoken)), 0

    def ending(self) -> str:
        """Return nothing: the last line says `done`."""
        return ""

    def refusal(self, status: int, why: str) -> Body:
        """Return an error object."""
        return {"error": why}

    def _line(self, completion: Completion, message: Body, **more: Any) -> str:
        return json.dumps(self._piece(completion, message, **more)) + "\n"

    def _piece(self, completion: Completion, message: Body, **more: Any) -> Body:
        model = completion.request.body.get("model") or "loopback"
        return {"model": model, "created_at": "2026-01-01T00:00:00Z", "message": message, **more}

    def _message(self, text: str, thinking: str = "") -> Body:
        thought = {"thinking": thinking} if thinking else {}
        return {"role": "assistant", "content": text, **thought}

    def _calls(self, spoken: Spoken) -> Body:
        calls = [
            {"function": {"name": name, "arguments": _arguments("".join(arguments))}}
            for name, arguments in spoken.tool_calls
        ]
        return {"tool_calls": calls} if calls else {}

    def _end(self, completion: Completion, spoken: Spoken) -> Body:
        usage = completion.usage
        counted = {"prompt_eval_count": usage.input_tokens, "eval_count": usage.output_tokens}
        reason = "length" if spoken.finish_reason == "length" else "stop"
        return {"done": True, "done_reason": reason, **(counted if completion.reported else {})}


def _arguments(text: str) -> Any:
    """Return arguments as the object that they are in these dialects; broken ones are empty."""
    try:
        return json.loads(text)
    except ValueError:
        return {}


DIALECTS: tuple[Dialect, ...] = (OpenAI(), Anthropic(), Ollama())
"""All that the server speaks, told apart by the path."""
