"""Tokens of a request: an upper bound on its prompt before it is sent, its cost after."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from verifier_agent.values import Cost

_FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")
_TEXT_KEYS = {"text": "text", "thinking": "thinking", "reasoning": "reasoning"}
"""Content blocks made of text: their type, and the key of the text."""
_JSON_BLOCKS = frozenset({"tool_use", "tool_call", "function_call", "tool_result", "refusal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Tokens that a chat template may add, for `input_bound`; a model may state its own.

    The defaults are for a template that is not known. They were set above what a reading of six
    published templates (of those that llama.cpp carries, 2026) shows: most add under 100 tokens by
    themselves, the longest is Command R7B with about 3 kB of English, and as much again for tools.
    """

    request: int = 1024
    """Once: a system prompt of the template's own, and the opening of the answer."""
    message: int = 64
    """Per message, tool, tool call and argument of one: their markers (Kimi K3 uses about 30)."""
    tools: int = 1024
    """Once if there are tools: how to call them. Anthropic documents at most 530 for theirs."""


def input_bound(
    messages: Sequence[BaseMessage],
    tools: Sequence[Any] = (),
    margins: Margins | None = None,
    *,
    form: Any = None,
) -> int | None:
    """Return a number of tokens that the prompt does not exceed.

    For the texts this holds with any tokenizer: a token that is not a special one covers at least
    one byte of what the tokenizer sees, and that is the text or one of its Unicode normal forms,
    perhaps in lower case. So each string counts the bytes of the longest of these forms. (The
    bytes of the string alone are no bound: NFKC turns U+FDFA, 3 bytes, into 33.) Tool schemas and
    calls count as indented JSON, in the longer of its two spellings (characters as they are, or
    escaped). What the chat template adds is left to `margins`.

    Args:
        messages: the whole conversation to be sent.
        tools: what is given to `bind_tools`, in any of its forms.
        margins: those of the model (`Capabilities.margins`); None: the careful defaults.
        form: what else of a request may be shown to the model, such as `response_format`.

    Returns:
        The bound, or None if there is none: a message holds an image, sound, a file, or another
        block whose tokens follow from something else than its text; or a tool is one that the
        server runs, whose results are read as well.
    """
    margins = margins or Margins()
    total = margins.request
    for message in messages:
        content = _content_bytes(message.content, margins)
        if content is None:
            return None
        total += (
            margins.message + content + text_bound(message.type) + text_bound(message.name or "")
        )
        # some integrations send these back: reasoning, a refusal, a raw function call
        total += _json_bytes(message.additional_kwargs) if message.additional_kwargs else 0
        if isinstance(message, ToolMessage):
            total += text_bound(message.tool_call_id)
        if isinstance(message, AIMessage):
            for call in (*message.tool_calls, *message.invalid_tool_calls):
                arguments = call["args"] if isinstance(call["args"], dict) else ()
                total += margins.message * (1 + len(arguments)) + _json_bytes(call)
    if tools:
        total += margins.tools
    for tool in tools:
        size = _tool_bytes(tool)
        if size is None:
            return None
        total += margins.message + size
    return total + (_json_bytes(form) if form else 0)


def _tool_bytes(tool: Any) -> int | None:
    """Return the size of a tool's schema; None for a tool that the server runs by itself."""
    if isinstance(tool, dict) and tool.get("type", "function") not in ("function", "custom"):
        return None
    # one in a form of the provider's own stays: its JSON is what the model can be shown
    with suppress(TypeError, ValueError, KeyError):
        tool = convert_to_openai_tool(tool)
    return _json_bytes(tool)


def _content_bytes(content: str | list[Any], margins: Margins) -> int | None:
    if isinstance(content, str):
        return text_bound(content)
    total = 0
    for block in content:
        if isinstance(block, str):
            total += text_bound(block)
            continue
        kind = block.get("type") if isinstance(block, dict) else None
        if kind in _TEXT_KEYS and isinstance(text := block.get(_TEXT_KEYS[kind]), str):
            total += text_bound(text)
        elif kind in _JSON_BLOCKS and not _holds_media(block):
            total += margins.message + _json_bytes(block)
        else:
            return None
        total += 1  # a line feed between blocks
    return total


def _holds_media(block: dict[str, Any]) -> bool:
    """True if a tool's result is a list with anything but text in it."""
    inner = block.get("content")
    parts = inner if isinstance(inner, list) else []
    return any(not (isinstance(p, str) or p.get("type") == "text") for p in parts)


def text_bound(text: str) -> int:
    """Return the UTF-8 bytes of the longest form of `text` that a tokenizer may see."""
    if text.isascii():
        return len(text)
    forms = {text, *(unicodedata.normalize(form, text) for form in _FORMS)}
    forms |= {changed for form in forms for changed in (form.lower(), form.casefold())}
    return max(len(form.encode("utf-8", "surrogatepass")) for form in forms)


def _json_bytes(value: Any) -> int:
    spelled = json.dumps(value, indent=4, ensure_ascii=False, default=str)
    return max(text_bound(spelled), len(json.dumps(value, indent=4, default=str)))


def usage_cost(messages: Sequence[AIMessage]) -> list[Cost | None]:
    """Return what each reply to one request cost; together they are what the request cost.

    A request with several replies reports its usage once, on the first: it gets the request's
    call and tokens, and the others an empty Cost. Usage on a later reply is added, not dropped;
    one that was charged for a prompt of its own counts as a call of its own.
    Where the first reports nothing, neither do the silent ones: they are None, to be charged at
    their allowance. Dollars are None, since usage says nothing of prices.
    """
    costs: list[Cost | None] = []
    for i, message in enumerate(messages):
        usage = message.usage_metadata
        if usage is None:
            costs.append(None if i == 0 or costs[0] is None else Cost(usd=None))
            continue
        # where hidden reasoning is not counted as output, the total still contains it
        output = max(usage["output_tokens"], usage["total_tokens"] - usage["input_tokens"])
        cached = (usage.get("input_token_details") or {}).get("cache_read") or 0
        costs.append(
            Cost(
                calls=1 if i == 0 or usage["input_tokens"] else 0,
                input_tokens=usage["input_tokens"],
                cached_tokens=min(cached, usage["input_tokens"]),
                output_tokens=output,
                usd=None,
            )
        )
    return costs
