"""The Responses API with the official client."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.integrations.server.serving import serving
from verifier_agent.testing import Choice, Fault, Reply, Request, always, cycle

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "strict": None,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


class Sum(BaseModel):
    """A sum."""

    total: int


def test_a_question_is_answered_and_its_usage_is_all_of_it() -> None:
    with serving(cycle(["Answer: 4", "Answer: 5", "Answer: 4"])) as it:
        got = it.client().responses.create(model="small", input="2 + 2?", instructions="Add.")
        billed = (it.inner.input_tokens, it.inner.output_tokens)
        sent = it.inner.served[0].request.messages
    assert got.output_text == "Answer: 4"
    assert got.status == "completed"
    assert [message["role"] for message in sent] == ["system", "user"]
    assert got.usage is not None
    assert (got.usage.input_tokens, got.usage.output_tokens) == billed
    assert got.model_extra["verifier_agent"]["spent"]["calls"] == 3  # type: ignore[index]


async def test_a_stream_builds_the_same_response_event_by_event() -> None:
    with serving(always("Answer: 4")) as it:
        async with (
            it.aclient() as client,
            client.responses.stream(model="small", input="2 + 2?") as stream,
        ):
            events = [event async for event in stream]
            final = await stream.get_final_response()
    assert final.output_text == "Answer: 4"
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert kinds.count("response.output_text.delta") == 1
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_a_conversation_with_tools_goes_on_to_its_answer() -> None:
    def script(request: Request) -> Reply:
        if request.messages[-1]["role"] == "tool":
            roles = [message["role"] for message in request.messages]
            assert roles == ["user", "assistant", "tool"]
            return Reply("Answer: rain")
        return Reply(Choice(tool_calls=(("weather", json.dumps({"city": "Turku"})),)))

    with serving(script) as it:
        create = it.client().responses.create
        first = create(model="small", input="Weather in Turku?", tools=[WEATHER])
        (call,) = first.output
        assert call.type == "function_call"
        assert json.loads(call.arguments) == {"city": "Turku"}
        conversation: Any = [
            {"role": "user", "content": "Weather in Turku?"},
            *[item.model_dump() for item in first.output],
            {"type": "function_call_output", "call_id": call.call_id, "output": "rain"},
        ]
        last = create(model="small", input=conversation, tools=[WEATHER])
    assert last.output_text == "Answer: rain"


def test_a_streamed_call_arrives_whole() -> None:
    choice = Choice(tool_calls=(("weather", '{"city": "Turku"}'),))
    with (
        serving(lambda request: Reply(choice)) as it,
        it.client().responses.stream(model="small", input="?", tools=[WEATHER]) as stream,
    ):
        final = stream.get_final_response()
    assert final.output[0].type == "function_call"
    assert json.loads(final.output[0].arguments) == {"city": "Turku"}


def test_parse_gives_an_object_of_the_form_that_was_asked_for() -> None:
    with serving(always('{"total": 4}')) as it:
        got = it.client().responses.parse(model="small", input="2 + 2?", text_format=Sum)
    assert got.output_parsed == Sum(total=4)


def test_reasoning_is_an_item_of_its_own_that_may_be_sent_back() -> None:
    thought = Choice(text="Answer: 4", reasoning="two and two")
    with serving(lambda request: Reply(thought), policy="best_of(1)") as it:
        first = it.client().responses.create(model="small", input="2 + 2?")
        items: Any = [item.model_dump() for item in first.output]
        assert [item["type"] for item in items] == ["reasoning", "message"]
        again: Any = [*items, {"role": "user", "content": "Sure?"}]
        it.client().responses.create(model="small", input=again)
        sent = it.inner.served[1].request.messages
    assert [(m["role"], str(m["content"])) for m in sent][-1] == ("user", "Sure?")
    assert "two and two" not in json.dumps(sent)


def test_a_cut_answer_is_incomplete() -> None:
    with serving(always("one two three")) as it:
        got = it.client().responses.create(model="small", input="?", max_output_tokens=2)
    assert got.status == "incomplete"
    assert got.incomplete_details is not None
    assert got.incomplete_details.reason == "max_output_tokens"


def test_what_would_need_a_store_is_refused_by_name() -> None:
    with serving(always("x")) as it:
        with pytest.raises(openai.BadRequestError, match="previous_response_id"):
            it.client().responses.create(model="small", input="?", previous_response_id="resp_1")
        image: Any = {"type": "input_image", "image_url": "data:,x"}
        system: Any = [{"role": "system", "content": [image]}]
        with pytest.raises(openai.BadRequestError, match="cannot hold image_url"):
            it.client().responses.create(model="small", input=system)
        assert it.inner.calls == 0


def test_a_stream_without_an_answer_ends_in_an_error() -> None:
    with serving(lambda request: Fault("status", status=400)) as it:
        stream = it.client().responses.create(model="small", input="?", stream=True)
        last: Any = list(stream)[-1]
    assert (last.type, last.code) == ("error", "no_answer")
