"""The conversation that an answer belongs to, as texts that a model can be shown. Pure."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, messages_from_dict

from verifier_agent.models import tool_calls_text
from verifier_agent.values import Task

QUESTION = "TASK"
"""The role of the last human message: what the answer has to answer."""
ROLES = {"system": "SYSTEM", "human": "USER", "ai": "ASSISTANT", "tool": "TOOL", "function": "TOOL"}
"""What the types of messages are called before the judge."""
_TEXTS = {"text": "text", "refusal": "refusal"}
"""Content blocks that are shown: their type, and the key of the text."""
_UNSHOWN = frozenset(
    {"thinking", "redacted_thinking", "reasoning", "reasoning_content"}  # never said to anybody
    | {"tool_use", "tool_call", "function_call"}  # they stand in `tool_calls` too
)


def turns(task: Task) -> list[tuple[str, str]]:
    """Return each message's role and text, in order; without messages, the question alone.

    One of them has the role QUESTION: the last human message, or the task's question at the end
    if there is no human message.
    """
    said = messages_from_dict(list(task.messages))
    shown = [(ROLES.get(message.type, "OTHER"), _text(message)) for message in said]
    last = max((i for i, message in enumerate(said) if message.type == "human"), default=None)
    if last is None:
        return [*shown, (QUESTION, task.question)]
    return [*shown[:last], (QUESTION, shown[last][1]), *shown[last + 1 :]]


def beyond_text(task: Task, reader: str = "the judge") -> str | None:
    """Say why a reader of text cannot judge answers to `task`; None if it can.

    It cannot if a message holds an image, sound, a file, or any other block that is not known to
    be text: a reader that does not see what was asked about would only guess.
    """
    for message in messages_from_dict(list(task.messages)):
        for kind in _media(message.content):
            return (
                f"{reader} reads text only; a message of the conversation ({message.type}) holds "
                f"a block of type {kind!r}: use a verifier that does not need to see it"
            )
    return None


def _media(content: Any) -> list[str]:
    """Return the types of the blocks that are neither text nor left out on purpose."""
    found: list[str] = []
    for block in [] if isinstance(content, str) else content:
        kind = block.get("type") if isinstance(block, dict) else "text"
        if kind == "tool_result":
            found += _media(block.get("content") or "")
        elif kind not in _TEXTS and kind not in _UNSHOWN:
            found.append(str(kind))
    return found


def _text(message: BaseMessage) -> str:
    """Return what `message` says: its text, the tools it calls, or which tool's result it is."""
    lines = _texts(message.content)
    if isinstance(message, ToolMessage):
        lines.insert(0, f"result of {message.name or message.tool_call_id}:")
    if isinstance(message, AIMessage):
        lines += tool_calls_text(message).splitlines()
    return "\n".join(lines)


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content] if content else []
    found: list[str] = []
    for block in content:
        if isinstance(block, str):
            found.append(block)
        elif block.get("type") == "tool_result":
            found += _texts(block.get("content") or "")
        elif block.get("type") in _TEXTS:
            found.append(str(block.get(_TEXTS[block["type"]], "")))
    return found
