"""Chat completions with the official client: whole, streamed, with tools, forms, sync, async."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.integrations.server.serving import serving
from verifier_agent.testing import Choice, Fault, Reply, Request, Script, always, cycle

ASK: Any = {"model": "small", "messages": [{"role": "user", "content": "2 + 2?"}]}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tell the weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class Sum(BaseModel):
    """A sum."""

    total: int


def calls(city: str) -> Choice:
    return Choice(tool_calls=(("weather", json.dumps({"city": city})),))


def in_turn(*choices: str | Choice) -> Script:
    return lambda request: Reply(choices[request.index % len(choices)])


def test_the_answer_most_candidates_agree_on_is_returned_with_how_it_came_about() -> None:
    with serving(cycle(["Answer: 5", "Answer: 4", "Answer: 4"])) as it:
        got = it.client().chat.completions.create(**ASK)
        assert it.inner.calls == 3
        billed = (it.inner.input_tokens, it.inner.output_tokens)
    choice = got.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("Answer: 4", "stop")
    report: Any = choice.model_extra["verifier_agent"]  # type: ignore[index]
    assert report["confidence"] == pytest.approx(2 / 3)
    assert report["basis"] == "vote share"
    assert report["spent"]["calls"] == 3
    assert got.usage is not None
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == billed
    assert got.usage.total_tokens == sum(billed)


async def test_the_async_client_gets_the_same() -> None:
    with serving(always("Answer: 4")) as it:
        async with it.aclient() as client:
            got = await client.chat.completions.create(**ASK)
    assert got.choices[0].message.content == "Answer: 4"


def test_a_stream_gives_the_chosen_answer_and_no_candidate() -> None:
    with serving(cycle(["Answer: 5", "Answer: 4", "Answer: 4"])) as it:
        stream = it.client().chat.completions.create(
            **ASK, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        billed = it.inner.input_tokens + it.inner.output_tokens
    said = [c.choices[0].delta.content for c in chunks if c.choices]
    assert [text for text in said if text] == ["Answer: 4"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == billed
    assert len({c.id for c in chunks}) == 1


async def test_an_async_stream_tells_of_progress_where_that_is_asked_for() -> None:
    more = {"verifier_agent": {"progress": True, "policy": "best_of(2)"}}
    with serving(always("Answer: 4")) as it:
        async with it.aclient() as client:
            stream = await client.chat.completions.create(**ASK, stream=True, extra_body=more)
            chunks = [chunk async for chunk in stream]
    told = [(c.model_extra or {})["verifier_agent"] for c in chunks if not c.choices]
    events = [one["event"] for one in told]
    assert events == ["decision", *["candidate"] * 2, *["verdict"] * 2, "decision", "selection"]
    assert {one["answer"] for one in told if one["event"] == "candidate"} == {"4"}


def test_the_streaming_helper_of_the_client_puts_tool_calls_together() -> None:
    with (
        serving(in_turn(calls("Turku"), calls("Turku"), calls("Oslo"))) as it,
        it.client().chat.completions.stream(**ASK, tools=[WEATHER]) as stream,
    ):
        final = stream.get_final_completion()
    call = final.choices[0].message.tool_calls[0]  # type: ignore[index]
    assert call.function.arguments == '{"city": "Turku"}'
    assert final.choices[0].finish_reason == "tool_calls"


def test_a_conversation_with_tools_goes_on_to_its_answer() -> None:
    def script(request: Request) -> Reply:
        if request.messages[-1]["role"] == "tool":
            assert request.messages[-1]["content"] == "rain"
            assert request.messages[-2]["tool_calls"][0]["function"]["name"] == "weather"
            return Reply("Answer: rain")
        assert request.body["tools"][0]["function"]["name"] == "weather"
        assert request.body["tool_choice"] == "required"
        return Reply(calls("Turku"))

    with serving(script) as it:
        create = it.client().chat.completions.create
        first = create(**ASK, tools=[WEATHER], tool_choice="required").choices[0]
        assert first.finish_reason == "tool_calls"
        assert first.message.content is None
        call = first.message.tool_calls[0]  # type: ignore[index]
        messages: Any = [
            *ASK["messages"],
            first.message,
            {"role": "tool", "tool_call_id": call.id, "content": "rain"},
        ]
        last = create(model="small", messages=messages, tools=[WEATHER])
    assert last.choices[0].message.content == "Answer: rain"


def test_a_call_that_breaks_its_schema_is_outvoted_by_one_that_keeps_it() -> None:
    wrong = Choice(tool_calls=(("weather", '{"town": "Oslo"}'),))
    with serving(in_turn(wrong, wrong, calls("Turku"))) as it:
        got = it.client().chat.completions.create(**ASK, tools=[WEATHER])
    assert got.choices[0].message.tool_calls[0].function.arguments == '{"city": "Turku"}'  # type: ignore[index]


def test_parse_gives_an_object_of_the_form_that_was_asked_for() -> None:
    with serving(cycle(['{"total": 4}', '{"sum": 4}', '{ "total": 4 }'])) as it:
        got = it.client().chat.completions.parse(**ASK, response_format=Sum)
        assert all(
            s.request.body["response_format"]["type"] == "json_schema" for s in it.inner.served
        )
    assert got.choices[0].message.parsed == Sum(total=4)


def test_every_choice_is_a_run_of_its_own_and_all_are_counted() -> None:
    with serving(always("Answer: 4")) as it:
        got = it.client().chat.completions.create(**ASK, n=3, seed=7)
        assert it.inner.calls == 9
        billed = it.inner.input_tokens + it.inner.output_tokens
    assert [choice.index for choice in got.choices] == [0, 1, 2]
    reports = [choice.model_extra["verifier_agent"] for choice in got.choices]  # type: ignore[index]
    assert [report["seed"] for report in reports] == [7, 8, 9]
    assert len({report["run"] for report in reports}) == 3
    assert got.usage is not None
    assert got.usage.total_tokens == billed


def test_strategy_and_budget_come_with_the_name_or_beside_it_and_never_exceed_the_servers() -> None:
    with serving(always("Answer: 4")) as it:
        create = it.client().chat.completions.create
        create(**{**ASK, "model": "small@best_of(2)"})
        assert it.inner.calls == 2
        create(
            **ASK, extra_body={"verifier_agent": {"policy": "best_of(5)", "budget": {"calls": 4}}}
        )
        assert it.inner.calls == 6
        create(
            **ASK, extra_body={"verifier_agent": {"policy": "best_of(50)", "budget": {"calls": 50}}}
        )
        assert it.inner.calls == 14


def test_what_goes_on_to_the_model_arrives_and_the_cap_is_that_of_a_candidate() -> None:
    with serving(always("one two three four")) as it:
        got = it.client().chat.completions.create(
            **ASK, temperature=0.5, top_p=0.9, stop=["END"], max_completion_tokens=2
        )
        body = it.inner.served[0].request.body
    assert (body["temperature"], body["top_p"], body["stop"]) == (0.5, 0.9, ["END"])
    assert got.choices[0].message.content == "one two"
    assert got.choices[0].finish_reason == "length"


def test_images_refusals_and_developer_messages_pass_through() -> None:
    url = "data:image/png;base64,iVBORw0KGgo="
    messages: Any = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot say."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": url}},
            ],
        },
    ]
    with serving(always("Answer: a cat")) as it:
        it.client().chat.completions.create(model="small", messages=messages)
        sent = it.inner.served[0].request.messages
    assert [m["role"] for m in sent] == ["developer", "user", "assistant", "user"]
    assert sent[-1]["content"][1]["image_url"]["url"] == url


def test_progress_tells_of_a_failed_run_without_what_the_provider_said() -> None:
    with serving(lambda request: Fault("status", 401)) as it:
        got = it.post(
            "/chat/completions", {**ASK, "stream": True, "verifier_agent": {"progress": True}}
        )
    assert '"event":"selection"' in got.text
    assert "no candidate is usable" in got.text
    assert "scripted failure" not in got.text


@pytest.mark.parametrize(
    ("change", "status", "param", "said"),
    [
        ({"model": "smal"}, 404, "model", "did you mean 'small'"),
        ({"messages": []}, 400, "messages", "at least 1"),
        ({"n": 0}, 400, "n", "greater than or equal to 1"),
        ({"functions": []}, 400, "functions", "unrecognized"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, None, "no human message"),
        ({"tool_choice": "required"}, 400, "tool_choice", "no tools"),
        ({"logprobs": True}, 400, "logprobs", "mislead"),
        ({"model": "small@__import__('os')"}, 400, None, "unknown policy"),
        ({"verifier_agent": {"policy": "sample(-1)"}}, 400, None, "greater"),
        (
            {"verifier_agent": {"verifier": "judge:openai:gpt-5"}},
            400,
            "verifier_agent.verifier",
            "a request may name agreement, arithmetic, auto",
        ),
        ({"verifier_agent": {"budget": {"euro": 1}}}, 400, "verifier_agent.budget.euro", ""),
        ({"verifier_agent": {"budget": {"tokens": 1}}}, 400, "verifier_agent.budget", "cannot pay"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_wrong_is_said_as_openai_says_it_before_anything_is_spent(
    change: Any, status: int, param: str | None, said: str, stream: bool
) -> None:
    with serving(always("Answer: 4")) as it:
        got = it.post("/chat/completions", {**ASK, "stream": stream, **change})
        assert it.inner.calls == 0
    error = got.json()["error"]
    assert (got.status_code, error["param"]) == (status, param)
    assert said in error["message"]
    assert error["type"] == "invalid_request_error"


def test_no_usable_answer_is_not_asked_for_again_and_says_nothing_of_the_provider() -> None:
    with serving(lambda request: Fault("status", status=401)) as it:
        with pytest.raises(openai.InternalServerError) as caught:
            it.client(max_retries=2).chat.completions.create(**ASK)
        assert caught.value.status_code == 502
        assert it.inner.calls == 3  # one per candidate
        assert "scripted failure" not in str(caught.value)
        with pytest.raises(openai.APIError, match="no model gave a usable answer"):
            list(it.client().chat.completions.create(**ASK, stream=True))
        told = it.get("/metrics").text
    assert 'runs_total{key="nobody",model="small",outcome="failed"} 2.0' in told
    assert 'model_calls_total{key="nobody",model="small"} 6.0' in told


def test_a_provider_at_its_limit_is_told_as_that_and_when_to_ask_again() -> None:
    busy = Fault("status", status=429, retry_after=0.02)
    with serving(lambda request: busy if request.index < 6 else Reply("Answer: 4")) as it:
        got = it.post("/chat/completions", ASK)
        assert (got.status_code, got.headers["retry-after"]) == (429, "1")
        assert got.json()["error"]["code"] == "rate_limit_exceeded"
        assert "x-should-retry" not in got.headers
        assert it.inner.calls == 6, "all that the budget has"
        # openai's client waits as long as it is told to, and asks again
        assert it.client(max_retries=1).chat.completions.create(**ASK).choices


def test_reasoning_is_shown_apart_and_its_tokens_are_counted() -> None:
    thought = Choice(text="Answer: 4", reasoning="two and two")
    with serving(in_turn(thought), policy="best_of(1)") as it:
        got = it.client().chat.completions.create(**ASK)
    message: Any = got.choices[0].message
    assert message.reasoning_content == "two and two"
    assert got.usage is not None
    assert got.usage.completion_tokens_details is not None
    assert got.usage.completion_tokens_details.reasoning_tokens == 3
