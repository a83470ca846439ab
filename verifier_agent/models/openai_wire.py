"""Chat messages to OpenAI's JSON and back, as pure functions; `openai_chat` does the calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    convert_to_openai_messages,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.models.failures import UnusableReply

_FOREIGN_BLOCKS = frozenset(
    {"tool_use", "tool_call", "function_call", "thinking", "reasoning", "redacted_thinking"}
)
"""Blocks of an assistant's content that this API does not take: calls travel beside the content."""


def encodable(value: Any) -> Any:
    """Replace lone surrogates, which UTF-8 cannot carry, by U+FFFD, all through a JSON value."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, Mapping):
        return {encodable(key): encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(item) for item in value]
    return value


def write_messages(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Return the messages in OpenAI's form; invalid tool calls are sent as they were received."""
    return [written for message in messages for written in _write(message)]


def _write(message: BaseMessage) -> list[dict[str, Any]]:
    if isinstance(message, AIMessage) and isinstance(message.content, list):
        kept = [
            b for b in message.content if isinstance(b, str) or b["type"] not in _FOREIGN_BLOCKS
        ]
        message = message.model_copy(update={"content": kept})
    written = convert_to_openai_messages([message])
    if isinstance(message, AIMessage) and message.invalid_tool_calls:
        calls = written[0].setdefault("tool_calls", [])
        for call in message.invalid_tool_calls:
            function = {"name": call["name"] or "", "arguments": call["args"] or ""}
            calls.append({"type": "function", "id": call["id"], "function": function})
    return written


def write_tool_choice(
    choice: str | dict[str, Any] | bool | None, tools: Sequence[dict[str, Any]]
) -> str | dict[str, Any] | None:
    """Return a tool choice in OpenAI's form; raises ConfigurationError for an unknown tool."""
    if choice is True or choice == "any":
        return "required"
    if not choice or isinstance(choice, dict) or choice in ("auto", "none", "required"):
        return choice or None
    names = [tool.get("function", {}).get("name", "") for tool in tools]
    if choice not in names:
        raise ConfigurationError(f"tool_choice {choice!r}: no such tool{nearest(choice, names)}")
    return {"type": "function", "function": {"name": choice}}


def read_usage(usage: Mapping[str, Any] | None) -> UsageMetadata | None:
    """Return the usage of a call; None where the prompt or the output is not reported."""
    prompt = (usage or {}).get("prompt_tokens")
    output = (usage or {}).get("completion_tokens")
    if usage is None or prompt is None or output is None:
        return None
    total = usage.get("total_tokens") or prompt + output
    read = UsageMetadata(
        input_tokens=prompt,
        output_tokens=max(output, total - prompt),  # some servers leave reasoning out of the former
        total_tokens=max(total, prompt + output),
    )
    prompt_details = usage.get("prompt_tokens_details") or {}
    output_details = usage.get("completion_tokens_details") or {}
    cached = prompt_details.get("cached_tokens")
    if cached is not None:
        read["input_token_details"] = {"cache_read": cached}
    reasoning = output_details.get("reasoning_tokens")
    if reasoning is not None:
        read["output_token_details"] = {"reasoning": reasoning}
    return read


def read_completion(reply: Any) -> list[ChatGeneration]:
    """Return one generation per choice; the usage of the call sits on the first message alone.

    Raises UnusableReply if the reply is no chat completion.
    """
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not choices:
        raise _not_a_completion(reply)
    reply = encodable(reply)
    usage = read_usage(reply.get("usage"))
    return [
        ChatGeneration(message=_read_choice(choice, reply, usage if i == 0 else None))
        for i, choice in enumerate(reply["choices"])
    ]


def _not_a_completion(reply: Any) -> UnusableReply:
    error = reply.get("error") if isinstance(reply, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    transient = isinstance(code, int) and (code in (408, 409, 429) or code >= 500)
    shown = json.dumps(error or reply, default=str, ensure_ascii=False)[:200]
    return UnusableReply(
        f"the server answered with no chat completion (is the base URL right?): {shown}",
        is_retryable=transient,
    )


def _read_choice(
    choice: dict[str, Any], reply: dict[str, Any], usage: UsageMetadata | None
) -> AIMessage:
    message = choice.get("message") or {}
    calls, invalid = read_calls(message.get("tool_calls") or ())
    return AIMessage(
        content=message.get("content") or "",
        additional_kwargs=_extras(message),
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=usage,
        response_metadata=_metadata(reply, choice),
    )


def _extras(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a message has beside its content: a refusal, and reasoning under either of its names."""
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    extras = {"refusal": message.get("refusal"), "reasoning_content": reasoning}
    return {name: value for name, value in extras.items() if value}


def _metadata(reply: Mapping[str, Any], choice: Mapping[str, Any]) -> dict[str, Any]:
    # which stop string was met: vLLM and SGLang say it, each under a name of its own
    met = choice.get("stop_reason") or choice.get("matched_stop")
    metadata = {
        "id": reply.get("id"),
        "model_name": reply.get("model"),
        "system_fingerprint": reply.get("system_fingerprint"),
        "finish_reason": choice.get("finish_reason"),
        "stop_sequence": met if isinstance(met, str) else None,
        "logprobs": choice.get("logprobs"),
    }
    return {name: value for name, value in metadata.items() if value is not None}


def read_calls(raw: Sequence[Any]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the tool calls, and beside them those whose arguments are no JSON object."""
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in raw:
        function = call.get("function") or {}
        name, arguments = function.get("name") or "", function.get("arguments") or "{}"
        try:
            args = arguments if isinstance(arguments, dict) else json.loads(arguments)
            if not isinstance(args, dict):
                raise ValueError("the arguments are not an object")
        except ValueError as error:
            shown = invalid_tool_call(
                name=name, args=str(arguments), id=call.get("id"), error=str(error)
            )
            invalid.append(shown)
        else:
            calls.append(tool_call(name=name, args=args, id=call.get("id")))
    return calls, invalid


class StreamReader:
    """Turns the events of one stream into chunks; what belongs to the whole comes in the last."""

    def __init__(self) -> None:
        self._whole: dict[str, Any] = {}
        self._usage: UsageMetadata | None = None
        self._end: dict[str, Any] = {}

    def read(self, event: Any) -> Iterator[ChatGenerationChunk]:
        """Yield the chunk of this event, if it has something to show."""
        if not isinstance(event, dict):
            raise _not_a_completion(event)
        event = encodable(event)
        self._whole |= {k: v for k, v in event.items() if k != "choices" and v is not None}
        self._usage = read_usage(event.get("usage")) or self._usage
        for choice in event.get("choices") or ():
            if choice.get("finish_reason"):
                self._end = {**choice, "logprobs": None}  # those came with their tokens
            delta = choice.get("delta") or {}
            calls = [
                tool_call_chunk(
                    name=(call.get("function") or {}).get("name"),
                    args=(call.get("function") or {}).get("arguments"),
                    id=call.get("id"),
                    index=call.get("index"),
                )
                for call in delta.get("tool_calls") or ()
            ]
            content, extras = delta.get("content") or "", _extras(delta)
            if content or extras or calls:
                logprobs = choice.get("logprobs")
                chunk = AIMessageChunk(
                    content=content,
                    additional_kwargs=extras,
                    tool_call_chunks=calls,
                    response_metadata={"logprobs": logprobs} if logprobs else {},
                )
                yield ChatGenerationChunk(message=chunk)

    def last(self) -> ChatGenerationChunk:
        """Return the closing chunk: usage, finish reason, names.

        Raises UnusableReply if the stream ended before its finish reason.
        """
        if not self._end:
            raise UnusableReply("the stream ended before the answer did", is_retryable=True)
        chunk = AIMessageChunk(
            content="",
            usage_metadata=self._usage,
            response_metadata=_metadata(self._whole, self._end),
            chunk_position="last",
        )
        return ChatGenerationChunk(message=chunk)
