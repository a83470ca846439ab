"""The OpenAI-compatible chat model over a real loopback connection."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables import RunnableConfig
from langgraph.graph import StateGraph
from pydantic import BaseModel, Field, ValidationError

from verifier_agent.errors import ConfigurationError
from verifier_agent.models import OpenAIChatModel
from verifier_agent.models.openai_client import _async_client, _client
from verifier_agent.testing import Choice, ModelServer, Reply, Request, Usage, always, by_seed

SECRET = "sk-very-secret"


def model_at(server: ModelServer, **fields: Any) -> OpenAIChatModel:
    return OpenAIChatModel(model="m", base_url=server.url, **fields)


def joined(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


async def by_all_ways(model: Any, prompt: Any) -> list[AIMessage]:
    """Ask the same by invoke, ainvoke, stream and astream."""
    streamed = joined(list(model.stream(prompt)))
    astreamed = joined([chunk async for chunk in model.astream(prompt)])
    return [model.invoke(prompt), await model.ainvoke(prompt), streamed, astreamed]


RICH = Choice(text="it is four", reasoning="two and two", tool_calls=(("note", '{"a": 1}'),))
FULL = Usage(input_tokens=11, output_tokens=7, cached_tokens=5, reasoning_tokens=3)


async def test_all_four_ways_give_the_same_message() -> None:
    with ModelServer(lambda request: Reply(RICH, usage=FULL)) as server:
        answers = await by_all_ways(model_at(server, logprobs=True), "2 + 2?")
    for answer in answers:
        assert answer.text == "it is four"
        assert answer.additional_kwargs == {"reasoning_content": "two and two"}
        assert [(c["name"], c["args"]) for c in answer.tool_calls] == [("note", {"a": 1})]
        assert answer.tool_calls[0]["id"]
        assert answer.usage_metadata == {
            "input_tokens": 11,
            "output_tokens": 7,
            "total_tokens": 18,
            "input_token_details": {"cache_read": 5},
            "output_token_details": {"reasoning": 3},
        }
        told = answer.response_metadata
        assert (told["model_name"], told["finish_reason"]) == ("m", "tool_calls")
        assert told["system_fingerprint"] == "loopback"
        assert told["id"].startswith("chatcmpl-")
        assert [t["token"] for t in told["logprobs"]["content"]] == ["it", " is", " four"]
    assert server.calls == 4


async def test_missing_usage_stays_missing() -> None:
    with ModelServer(lambda request: Reply("x", usage=None)) as server:
        answers = await by_all_ways(model_at(server), "q")
    assert [answer.usage_metadata for answer in answers] == [None] * 4


def test_reasoning_that_a_server_leaves_out_of_the_output_is_counted() -> None:
    # some servers report completion_tokens without reasoning, and the total with it
    from verifier_agent.models.openai_wire import read_usage

    usage = read_usage({"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 40})
    assert usage is not None
    assert usage["output_tokens"] == 30
    assert read_usage({"prompt_tokens": 10}) is None
    assert read_usage(None) is None


async def test_n_answers_are_one_request_whose_usage_is_told_once() -> None:
    with ModelServer(lambda request: Reply(["a", "b b", "c c c"])) as server:
        model = model_at(server)
        prompt = [[HumanMessage("q")]]
        for result in (model.generate(prompt, n=3), await model.agenerate(prompt, n=3)):
            messages = [g.message for g in result.generations[0]]  # type: ignore[union-attr]
            assert [m.text for m in messages] == ["a", "b b", "c c c"]
            assert messages[0].usage_metadata["output_tokens"] == 6  # type: ignore[union-attr]
            assert [m.usage_metadata for m in messages[1:]] == [None, None]  # type: ignore[union-attr]
    assert server.calls == 2


async def test_a_graph_that_streams_messages_does_not_cost_answers() -> None:
    # LangGraph then attaches a handler that turns the calls inside its nodes into streams
    answers: list[list[str]] = []
    prompt = [[HumanMessage("q")]]

    with ModelServer(lambda request: Reply(["a", "b"])) as server:
        model = model_at(server)

        def ask(state: dict[str, Any], config: RunnableConfig) -> dict[str, Any]:
            for options in ({"n": 2}, {}):
                result = model.generate(prompt, callbacks=config["callbacks"], **options)
                answers.append([g.text for g in result.generations[0]])
            return {}

        async def ask_too(state: dict[str, Any], config: RunnableConfig) -> dict[str, Any]:
            result = await model.agenerate(prompt, callbacks=config["callbacks"], n=2)
            answers.append([g.text for g in result.generations[0]])
            return {}

        graph = StateGraph(dict).add_node(ask).add_node(ask_too)
        compiled = graph.set_entry_point("ask").add_edge("ask", "ask_too").compile()
        async for _ in compiled.astream({}, stream_mode="messages"):
            pass
        assert server.settle()
        streamed = [bool(served.request.body.get("stream")) for served in server.served]
    assert answers == [["a", "b"], ["a"], ["a", "b"]]
    assert streamed == [False, True, False]


def test_usage_callbacks_count_a_streamed_call_once() -> None:
    counter = UsageMetadataCallbackHandler()
    with ModelServer(lambda request: Reply("a b", usage=FULL)) as server:
        list(model_at(server).stream("q", config={"callbacks": [counter]}))
    assert counter.usage_metadata["m"]["total_tokens"] == 18


def test_settings_of_the_model_are_sent_and_those_of_a_call_win() -> None:
    with ModelServer(always("x")) as server:
        model = model_at(
            server,
            temperature=0.5,
            max_tokens=9,
            seed=3,
            stop=["END"],
            top_logprobs=2,
            extra_body={"top_k": 5},
            default_headers={"x-team": "blue"},
            api_key=SECRET,
        )
        model.invoke("q")
        model.invoke("q", temperature=0, seed=4, stop=["\n"], max_tokens=2, model="n", min_p=0.1)
        assert server.settle()
        first, second = (served.request for served in server.served)
    assert first.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "q"}],
        "temperature": 0.5,
        "max_tokens": 9,
        "seed": 3,
        "stop": ["END"],
        "logprobs": True,
        "top_logprobs": 2,
        "top_k": 5,
    }
    assert first.headers["x-team"] == "blue"
    assert first.headers["authorization"] == f"Bearer {SECRET}"
    changed = {"temperature": 0, "seed": 4, "stop": ["\n"], "max_tokens": 2, "model": "n"}
    assert second.body == {**first.body, **changed, "min_p": 0.1}


def test_further_fields_do_not_lift_the_cap_of_a_call() -> None:
    with ModelServer(always("a b c d")) as server:
        lifted = {"max_tokens": 99, "max_completion_tokens": 99, "seed": 1}
        loose = model_at(server, extra_body=lifted)
        answer = loose.invoke("q", max_tokens=2)
        own = loose.invoke("q", extra_body={"seed": 7}, seed=6)
        assert server.settle()
    assert answer.text == "a b"
    assert own.text == "a b c d"
    assert server.served[1].request.body["seed"] == 7


def test_openai_itself_gets_its_own_name_for_the_cap() -> None:
    official = OpenAIChatModel(model="gpt-5-mini", api_key=SECRET, max_tokens=5)
    body, _ = official._request([HumanMessage("q")], None, {})
    assert body["max_completion_tokens"] == 5
    assert "max_tokens" not in body


async def test_a_trailing_message_is_continued_where_the_server_can() -> None:
    text = "one, two, three, four"

    def script(request: Request) -> Reply:
        assert text.startswith(request.prefix)
        return Reply(text[len(request.prefix) :])

    conversation = [HumanMessage("count"), AIMessage("one, two,")]
    with ModelServer(script) as server:
        able = await by_all_ways(model_at(server, prefix="trailing"), conversation)
        unable = model_at(server).invoke(conversation)
        empty = model_at(server, prefix="trailing").invoke([HumanMessage("count"), AIMessage("")])
        assert server.settle()
        assert "continue_final_message" not in server.served[-1].request.body
    assert [answer.text for answer in able] == [" three, four"] * 4
    assert unable.text == text
    assert empty.text == text


async def test_a_stop_string_that_was_met_is_named() -> None:
    with ModelServer(always("first step\nsecond step")) as server:
        model = model_at(server)
        met = await by_all_ways(model.bind(stop=["\n"]), "q")
        ended = model.invoke("q", stop=["never"])
    assert [answer.text for answer in met] == ["first step"] * 4
    assert [a.response_metadata["stop_sequence"] for a in met] == ["\n"] * 4
    assert "stop_sequence" not in ended.response_metadata


def test_the_same_seed_gives_the_same_answer() -> None:
    with ModelServer(by_seed([str(i) for i in range(1000)])) as server:
        model = model_at(server)
        assert model.invoke("q", seed=1).text == model.invoke("q", seed=1).text
        assert model.invoke("q", seed=1).text != model.invoke("q", seed=2).text


def weather(city: str) -> str:
    """Tell the weather."""
    return f"sunny in {city}"


async def test_tool_calls_make_a_round_trip() -> None:
    def script(request: Request) -> Reply:
        if request.messages[-1]["role"] == "tool":
            call = request.messages[-2]["tool_calls"][0]
            assert call["id"] == request.messages[-1]["tool_call_id"]
            assert json.loads(call["function"]["arguments"]) == {"city": "Ulm"}
            return Reply(f"it is {request.messages[-1]['content']}")
        assert request.body["tools"][0]["function"]["name"] == "weather"
        return Reply(Choice(tool_calls=(("weather", '{"city": "Ulm"}'),)))

    with ModelServer(script) as server:
        model = model_at(server).bind_tools([weather])
        for asked in await by_all_ways(model, "weather in Ulm?"):
            (call,) = asked.tool_calls
            result = ToolMessage(weather(**call["args"]), tool_call_id=call["id"] or "")
            answer = model.invoke([HumanMessage("weather in Ulm?"), asked, result])
            assert answer.text == "it is sunny in Ulm"


def test_blocks_of_an_earlier_answer_are_sent_as_text_and_calls_only() -> None:
    blocks: list[Any] = [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "I will look"},
        {"type": "tool_call", "id": "c1", "name": "weather", "args": {"city": "Ulm"}},
    ]
    call = {"id": "c1", "name": "weather", "args": {"city": "Ulm"}}
    asked = AIMessage(content=blocks, tool_calls=[call])  # type: ignore[list-item]
    with ModelServer(always("x")) as server:
        model_at(server).invoke([HumanMessage("q"), asked, ToolMessage("sun", tool_call_id="c1")])
        assert server.settle()
        sent = server.served[0].request.messages[1]
    assert sent["content"] == "I will look"
    assert json.loads(sent["tool_calls"][0]["function"]["arguments"]) == {"city": "Ulm"}


@pytest.mark.parametrize("arguments", ['{"city": ', "[1, 2]", "nonsense"])
async def test_broken_arguments_are_kept_as_invalid_calls_and_sent_back(arguments: str) -> None:
    def script(request: Request) -> Reply:
        if request.messages[-1]["role"] == "tool":
            assert request.messages[-2]["tool_calls"][0]["function"]["arguments"] == arguments
            return Reply("sorry")
        return Reply(Choice(tool_calls=(("weather", arguments),)))

    with ModelServer(script) as server:
        model = model_at(server)
        for asked in (model.invoke("q"), await model.ainvoke("q")):
            assert asked.tool_calls == []
            (call,) = asked.invalid_tool_calls
            assert (call["name"], call["args"]) == ("weather", arguments)
            assert call["error"]
            back = ToolMessage("cannot read that", tool_call_id=call["id"] or "")
            assert model.invoke([HumanMessage("q"), asked, back]).text == "sorry"


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("any", "required"),
        (True, "required"),
        ("required", "required"),
        ("auto", "auto"),
        ("none", "none"),
        (None, None),
        ("weather", {"type": "function", "function": {"name": "weather"}}),
    ],
)
def test_a_tool_choice_is_sent_in_openais_words(choice: Any, sent: Any) -> None:
    with ModelServer(always("x")) as server:
        model_at(server).bind_tools([weather], tool_choice=choice).invoke("q")
        assert server.settle()
        assert server.served[0].request.body.get("tool_choice") == sent


def test_an_unknown_tool_choice_names_the_nearest() -> None:
    model = OpenAIChatModel(model="m", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ConfigurationError, match="did you mean 'weather'"):
        model.bind_tools([weather], tool_choice="wether")


class Grade(BaseModel):
    """A grade."""

    reason: str
    points: int = Field(ge=0)


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
async def test_structured_output_is_parsed_by_every_method(method: Any) -> None:
    said = '{"reason": "fine", "points": 3}'

    def script(request: Request) -> Reply:
        if method == "function_calling":
            assert request.body["tool_choice"] == "required"
            return Reply(Choice(tool_calls=(("Grade", said),)))
        kind = {"json_schema": "json_schema", "json_mode": "json_object"}[method]
        assert request.body["response_format"]["type"] == kind
        return Reply(said)

    with ModelServer(script) as server:
        model = model_at(server)
        structured = model.with_structured_output(Grade, method=method)
        assert (
            structured.invoke("q")
            == await structured.ainvoke("q")
            == Grade(reason="fine", points=3)
        )
        raw = model.with_structured_output(Grade, method=method, include_raw=True).invoke("q")
    assert raw["parsed"] == Grade(reason="fine", points=3)
    assert raw["parsing_error"] is None
    assert raw["raw"].usage_metadata["output_tokens"] > 0


def test_structured_output_that_does_not_fit_is_an_error_or_reported() -> None:
    with ModelServer(always('{"reason": "fine", "points": -1}')) as server:
        model = model_at(server)
        with pytest.raises(Exception, match="points"):
            model.with_structured_output(Grade, method="json_schema").invoke("q")
        asked = model.with_structured_output(Grade, method="json_schema", include_raw=True)
        answer = asked.invoke("q")
    assert answer["parsed"] is None
    assert "points" in str(answer["parsing_error"])


async def test_a_refusal_is_kept() -> None:
    with ModelServer(lambda request: Reply(Choice(refusal="I will not do that"))) as server:
        answers = await by_all_ways(model_at(server), "q")
        back = model_at(server).invoke([HumanMessage("q"), answers[0], HumanMessage("please")])
        assert server.settle()
        sent = server.served[-1].request.messages[1]
    assert [a.additional_kwargs["refusal"] for a in answers] == ["I will not do that"] * 4
    assert [a.text for a in answers] == [""] * 4
    assert sent["refusal"] == "I will not do that"
    assert back.additional_kwargs["refusal"]


def test_images_reach_the_server() -> None:
    data = "iVBORw0KGgo="
    blocks: list[Any] = [
        {"type": "text", "text": "what is this?"},
        {"type": "image", "base64": data, "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    ]
    with ModelServer(always("a dot")) as server:
        model_at(server).invoke([SystemMessage("look"), HumanMessage(content=blocks)])
        assert server.settle()
        sent = server.served[0].request.messages
    assert [message["role"] for message in sent] == ["system", "user"]
    assert sent[1]["content"][1]["image_url"]["url"] == f"data:image/png;base64,{data}"
    assert sent[1]["content"][2]["image_url"]["url"] == "https://example.org/a.png"


async def test_lone_surrogates_survive_neither_way() -> None:
    with ModelServer(always("broken \ud83d and whole \U0001f600")) as server:
        answers = await by_all_ways(model_at(server), "half \udc00 an emoji")
        assert server.settle()
        sent = server.served[0].request.question
    assert sent == "half \ufffd an emoji"
    for answer in answers:
        assert answer.text == "broken \ufffd and whole \U0001f600"
        answer.text.encode()


def test_event_loops_follow_each_other() -> None:
    with ModelServer(always("x")) as server:
        model = model_at(server)
        for _ in range(4):
            assert asyncio.run(model.ainvoke("q")).text == "x"
    assert server.calls == 4


async def test_calls_in_one_loop_share_their_connections() -> None:
    server = OpenAIChatModel(model="m", base_url="http://127.0.0.1:9/v1")._server
    assert _async_client(server) is _async_client(server)
    assert _client(server) is _client(server)


async def test_a_stream_that_is_left_early_is_closed() -> None:
    with ModelServer(lambda r: Reply(" ".join(["word"] * 400), pace=0.005)) as server:
        model = model_at(server)
        for chunk in model.stream("q"):
            if chunk.text:
                break
        stream = model.astream("q")
        async for chunk in stream:
            if chunk.text:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        assert await asyncio.to_thread(server.settle)
        assert [served.complete for served in server.served] == [False, False]
    assert server.output_tokens < 400


@pytest.mark.parametrize("change", [pickle.dumps, copy.deepcopy, lambda model: model.model_copy()])
def test_a_used_model_can_be_copied_and_pickled(change: Callable[[Any], Any]) -> None:
    with ModelServer(always("x")) as server:
        model = model_at(server, api_key=SECRET, temperature=0.2)
        model.invoke("q")
        copied = change(model)
        copied = pickle.loads(copied) if isinstance(copied, bytes) else copied
        assert copied.invoke("q").text == "x"
        assert server.settle()
        key = server.served[-1].request.headers["authorization"]
    assert key == f"Bearer {SECRET}"
    assert copied.temperature == 0.2


def test_secrets_are_shown_nowhere() -> None:
    model = OpenAIChatModel(
        model="m",
        base_url="http://127.0.0.1:9/v1",
        api_key=SECRET,
        default_headers={"authorization": SECRET},
    )
    shown = [repr(model), str(model), str(model._identifying_params), repr(model._server)]
    shown += [str(model._get_invocation_params()), str(model._serialized)]
    assert not [text for text in shown if SECRET in text]


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_logprobs": 99},
        {"max_tokens": 0},
        {"timeout": -1},
        {"temprature": 0.5},
        {"model": ""},
        {"base_url": "localhost:8000"},
        {"base_url": "http://me:pw@localhost:8000/v1"},
        {"prefix": "leading"},
    ],
)
def test_wrong_settings_are_refused_without_showing_secrets(wrong: dict[str, Any]) -> None:
    right = {"model": "m", "base_url": "http://127.0.0.1:9/v1", "api_key": SECRET}
    with pytest.raises(ValidationError) as caught:
        OpenAIChatModel(**{**right, **wrong})
    assert SECRET not in str(caught.value)
    assert "me:pw" not in str(caught.value)


def test_openai_needs_a_key_and_other_servers_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="OPENAI_API_KEY"):
        OpenAIChatModel(model="gpt-5-mini")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert not OpenAIChatModel(model="m").official
    monkeypatch.setenv("OPENAI_BASE_URL", "nonsense")
    with pytest.raises(ValidationError, match="localhost:8000"):
        OpenAIChatModel(model="m")
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert OpenAIChatModel(model="gpt-5-mini").official
    assert OpenAIChatModel(model="m", base_url="https://eu.api.openai.com/v1").official
    assert not OpenAIChatModel(model="m", base_url="https://api.openai.com.evil.org/v1").official


def test_importing_the_models_does_not_import_the_sdk() -> None:
    code = (
        "import sys, verifier_agent.models, verifier_agent.testing; print('openai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
