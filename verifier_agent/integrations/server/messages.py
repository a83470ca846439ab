"""Messages as OpenAI's chat API sends them, to langchain's. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from verifier_agent.integrations.server import chat_wire as wire
from verifier_agent.integrations.server.wire import Part, RefusalPart
from verifier_agent.models.openai_wire import read_calls


def read_messages(messages: Sequence[wire.Message]) -> list[BaseMessage]:
    """Return the conversation; what the model wrote, tool calls included, stays as it was."""
    return [_read(message) for message in messages]


def _read(message: wire.Message) -> BaseMessage:
    match message:
        case wire.SystemMessage():
            role = {"__openai_role__": "developer"} if message.role == "developer" else {}
            return SystemMessage(
                _content(message.content), name=message.name, additional_kwargs=role
            )
        case wire.UserMessage():
            return HumanMessage(_content(message.content), name=message.name)
        case wire.ToolMessage():
            return ToolMessage(_content(message.content), tool_call_id=message.tool_call_id)
        case wire.AssistantMessage():
            return _answer(message)


def _answer(message: wire.AssistantMessage) -> AIMessage:
    given = message.content or ""
    parts = given if isinstance(given, list) else []
    refusals = [part.refusal for part in parts if isinstance(part, RefusalPart)]
    said = [part for part in parts if isinstance(part, wire.TextPart)]
    refusal = message.refusal or "".join(refusals)
    calls, invalid = read_calls([call.model_dump() for call in message.tool_calls or ()])
    return AIMessage(
        content=given if isinstance(given, str) else _content(said),
        name=message.name,
        tool_calls=calls,
        invalid_tool_calls=invalid,
        additional_kwargs={"refusal": refusal} if refusal else {},
    )


def _content(content: str | Sequence[Part]) -> str | list[str | dict[str, Any]]:
    if isinstance(content, str):
        return content
    return [part.model_dump(exclude_none=True) for part in content]
