"""The bound on a prompt holds for any text and tokenizer; usage adds up to the request's."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.ai import UsageMetadata

from verifier_agent.models import Margins, OpenAIChatModel, input_bound, usage_cost
from verifier_agent.testing import ModelServer, always, characters
from verifier_agent.values import Cost

BARE = Margins(request=0, message=0, tools=0)
LIGATURE = "\ufdfa"
"""One character, 3 bytes; 18 characters and 33 bytes under NFKC."""

FORMS: dict[str, Any] = {
    "as it is": lambda text: text,
    **{
        form: (lambda text, form=form: unicodedata.normalize(form, text))
        for form in ("NFC", "NFD", "NFKC", "NFKD")
    },
    "lower": str.lower,
    "casefold": str.casefold,
    "NFD, lower": lambda text: unicodedata.normalize("NFD", text).lower(),
    "NFKC, casefold": lambda text: unicodedata.normalize("NFKC", text).casefold(),
    "lower, NFKC": lambda text: unicodedata.normalize("NFKC", text.lower()),
}

HARD = [LIGATURE, "\u0390", "İ", "Ⱥ", "ß", "ﬃ", "\u1e9b\u0323", "각", "\ud800", "a\u0308\u0323"]
texts = st.lists(st.one_of(st.characters(), st.sampled_from(HARD))).map("".join)


def byte_tokens(text: str) -> int:
    """Count with a tokenizer that has a token for each byte and nothing else."""
    return len(text.encode("utf-8", "surrogatepass"))


def text_bound(*parts: str) -> int:
    """Return the bound on human messages, less what their roles add to it."""
    bound = input_bound([HumanMessage(part) for part in parts], margins=BARE)
    assert bound is not None
    return bound - len("human") * len(parts)


@pytest.mark.parametrize("form", FORMS)
@given(texts)
def test_no_tokenizer_reads_more_tokens_than_the_bound(form: str, text: str) -> None:
    assert byte_tokens(FORMS[form](text)) <= text_bound(text)


def test_the_bound_holds_for_every_character_that_some_form_changes() -> None:
    changed = {
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if unicodedata.normalize("NFKD", char) != char
        or char.lower() != char.casefold()
        or char.lower() != char
    }
    assert len(changed) > 15_000
    short = {
        (form, char)
        for char in changed
        for form, change in FORMS.items()
        if byte_tokens(change(char)) > text_bound(char)
    }
    assert not short


@given(st.lists(texts, min_size=2, max_size=4))
def test_the_bound_holds_for_texts_that_a_template_joins(parts: list[str]) -> None:
    # normal forms work across the seams: a mark may combine with the text before it
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert byte_tokens(unicodedata.normalize(form, "".join(parts))) <= text_bound(*parts)


def test_bytes_alone_would_be_no_bound() -> None:
    assert byte_tokens(LIGATURE) == 3
    bound = input_bound([HumanMessage(LIGATURE)], margins=BARE)
    assert bound is not None
    assert bound >= 33


def test_ascii_costs_its_length_and_the_margins() -> None:
    margins = Margins(request=100, message=10, tools=1000)
    conversation = [SystemMessage("abc"), HumanMessage("de", name="me")]
    roles = len("system") + len("human")
    assert input_bound(conversation, margins=margins) == 100 + 2 * 10 + roles + 3 + 2 + 2


def look(at: str, times: int = 1) -> str:
    """Look at something. Schön!"""
    return at * times


CALL = {"name": "look", "args": {"at": "the “sky”", "times": 2}, "id": "c1", "type": "tool_call"}


def test_tools_calls_and_results_are_counted() -> None:
    plain: list[BaseMessage] = [HumanMessage("q"), AIMessage(""), HumanMessage("")]
    called: list[BaseMessage] = [
        HumanMessage("q"),
        AIMessage("", tool_calls=[CALL]),  # type: ignore[list-item]
        ToolMessage("", tool_call_id="c1"),
    ]
    base = input_bound(plain, margins=BARE)
    with_call = input_bound(called, margins=BARE)
    with_tools = input_bound(called, tools=[look], margins=BARE)
    assert base is not None
    assert with_call is not None
    assert with_tools is not None
    assert with_call - base >= len(json.dumps(CALL["args"], indent=4))
    assert with_tools - with_call >= len("Look at something. Schön!") + len("look") + len("times")


def test_broken_calls_reasoning_and_refusals_are_counted() -> None:
    broken = {
        "name": "look",
        "args": '{"at": ',
        "id": "c",
        "error": "x",
        "type": "invalid_tool_call",
    }
    message = AIMessage(
        "",
        invalid_tool_calls=[broken],  # type: ignore[list-item]
        additional_kwargs={"reasoning_content": "r" * 500, "refusal": "n" * 300},
    )
    bound = input_bound([message], margins=BARE)
    assert bound is not None
    assert bound > 800


@pytest.mark.parametrize(
    ("content", "least"),
    [
        (["ab", {"type": "text", "text": "cd"}], 4),
        ([{"type": "thinking", "thinking": "x" * 50, "signature": "s"}], 50),
        ([{"type": "reasoning", "reasoning": "x" * 50}], 50),
        ([{"type": "tool_use", "id": "1", "name": "look", "input": {"at": "x" * 50}}], 50),
        ([{"type": "tool_result", "tool_use_id": "1", "content": "x" * 50}], 50),
    ],
)
def test_blocks_of_text_are_counted(content: Any, least: int) -> None:
    bound = input_bound([AIMessage(content)], margins=BARE)
    assert bound is not None
    assert bound >= least


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "image", "base64": "aaaa", "mime_type": "image/png"},
        {"type": "audio", "base64": "aaaa", "mime_type": "audio/wav"},
        {"type": "input_audio", "input_audio": {"data": "aaaa", "format": "wav"}},
        {"type": "file", "file": {"file_data": "aaaa"}},
        {"type": "video", "url": "https://example.org/a.mp4"},
        {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "image", "source": {}}]},
        {"type": "something new"},
        {"text": "no type"},
    ],
)
def test_what_is_not_text_has_no_bound(block: dict[str, Any]) -> None:
    assert input_bound([HumanMessage(["text", block])]) is None


@given(st.lists(st.sampled_from(["system", "human", "ai"]), min_size=1), texts, st.booleans())
def test_the_server_never_counts_more_than_the_bound(
    roles: list[str], text: str, with_tools: bool
) -> None:
    from verifier_agent.models.openai_wire import encodable, write_messages
    from verifier_agent.testing.completions import prompt_tokens

    kinds: dict[str, Any] = {"system": SystemMessage, "human": HumanMessage, "ai": AIMessage}
    messages = [kinds[role](text) for role in roles]
    tools = [look] if with_tools else []
    model = OpenAIChatModel(model="m", base_url="http://127.0.0.1:9/v1").bind_tools(tools)
    body = {"messages": encodable(write_messages(messages)), **model.kwargs}  # type: ignore[attr-defined]
    bound = input_bound(messages, tools)
    assert bound is not None
    assert prompt_tokens(body, characters) <= bound


def reply(usage: dict[str, Any] | None) -> AIMessage:
    return AIMessage("x", usage_metadata=usage)  # type: ignore[arg-type]


def counts(prompt: int, output: int, **more: Any) -> dict[str, Any]:
    usage = UsageMetadata(input_tokens=prompt, output_tokens=output, total_tokens=prompt + output)
    return {**usage, **more}


def test_the_usage_of_a_request_is_charged_once() -> None:
    usage = counts(10, 7, input_token_details={"cache_read": 4})
    first, *others = usage_cost([reply(usage), reply(None), reply(None)])
    assert first == Cost(calls=1, input_tokens=10, cached_tokens=4, output_tokens=7, usd=None)
    assert others == [Cost(usd=None)] * 2


def test_usage_that_is_missing_is_not_zero() -> None:
    assert usage_cost([reply(None), reply(None)]) == [None, None]
    assert usage_cost([]) == []


def test_usage_reported_for_each_reply_adds_up_to_one_call() -> None:
    costs = usage_cost([reply(counts(10, 3)), reply(counts(0, 4))])
    assert None not in costs
    total = sum((cost for cost in costs if cost), Cost())
    assert (total.calls, total.input_tokens, total.output_tokens) == (1, 10, 7)


def test_a_reply_with_a_prompt_of_its_own_is_a_call_of_its_own() -> None:
    costs = usage_cost([reply(counts(10, 3)), reply(counts(10, 4))])
    assert [cost.calls for cost in costs if cost] == [1, 1]


def test_output_that_only_the_total_contains_is_charged() -> None:
    (cost,) = usage_cost([reply({"input_tokens": 10, "output_tokens": 3, "total_tokens": 50})])
    assert cost is not None
    assert cost.output_tokens == 40


def test_costs_of_a_real_request_equal_the_servers_bill() -> None:
    with ModelServer(always("one two three")) as server:
        model = OpenAIChatModel(model="m", base_url=server.url)
        result = model.generate([[HumanMessage("a b c d")]], n=4)
        costs = usage_cost([g.message for g in result.generations[0]])  # type: ignore[union-attr,misc]
    total = sum((cost for cost in costs if cost), Cost())
    assert total.calls == server.calls == 1
    assert (total.input_tokens, total.output_tokens) == (server.input_tokens, server.output_tokens)
