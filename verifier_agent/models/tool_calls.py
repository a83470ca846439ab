"""Tool calls in words, for those who read text: verifiers, judges, a model that revises. Pure."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.messages import AIMessage


def tool_calls_text(message: AIMessage) -> str:
    """Return the tool calls of `message`, one a line, as in `calls search({"query": "…"})`.

    Calls whose arguments are no JSON stand last, with their arguments as they came.
    """
    calls = (*message.tool_calls, *message.invalid_tool_calls)
    return "\n".join(f"calls {call['name']}({_written(call['args'])})" for call in calls)


def _written(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False, default=str)
