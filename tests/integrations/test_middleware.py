"""`VerifierMiddleware` in langchain's `create_agent`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import ModelRetryMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt
from openai import BadRequestError
from pydantic import BaseModel

from tests.integrations.agents import QUESTION, Counted, billed, forecaster, model, weather
from verifier_agent import (
    AccountEmpty,
    Budget,
    BudgetTooSmall,
    ConfigurationError,
    Run,
    VerifierMiddleware,
)
from verifier_agent.accounts import MemoryAccount
from verifier_agent.search import Tuned, best_of
from verifier_agent.selection import best
from verifier_agent.testing import Choice, Fault, ModelServer, Reply, Request

GOOD, BAD = "It rains.\nAnswer: rain", "Sunny.\nAnswer: sun"


def agent(server: ModelServer, middleware: Any, **options: Any) -> Any:
    before = options.pop("before", [])
    after = options.pop("after", [])
    return create_agent(
        model(server), [weather], middleware=[*before, middleware, *after], **options
    )


def is_rain(task: Any, candidate: Any) -> bool:
    return "Answer: rain" in candidate.text


async def run(graph: Any, how: str, given: Any = None, config: Any = None) -> Any:
    given = QUESTION if given is None else given
    if how == "sync":
        return await asyncio.to_thread(graph.invoke, given, config)
    return await graph.ainvoke(given, config)


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_answers_are_verified_and_tool_calls_pass_through(how: str) -> None:
    with ModelServer(forecaster(BAD, GOOD, BAD)) as server:
        graph = agent(server, VerifierMiddleware(verifier=is_rain, policy="best_of(3)"))
        seen = Counted()
        result = await run(graph, how, config={"callbacks": [seen]})
        # one call for the turn that calls the tool, three for the one that answers
        assert server.calls == seen.runs == 4
        messages = result["messages"]
        assert messages[-1].text == GOOD
        assert [type(m) for m in messages[2:]] == [ToolMessage, AIMessage]
        reported = sum(m.usage_metadata["total_tokens"] for m in messages if m.type == "ai")
        assert reported == seen.tokens == billed(server)
    assert Run.of(result).selection.outcome == "completed"
    assert "verifier_spent" not in result


def learned(**changes: Any) -> Tuned:
    """Return what `tune` would have learned for the model of these tests."""
    return Tuned(
        policy=best_of(2),
        selector=best(),
        **{"models": ("loopback",), "verifiers": ("is_rain",), "price": 0.01, **changes},
    )


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_a_tuned_policy_is_read_from_its_file(how: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(learned().to_dict()))
    with ModelServer(forecaster(BAD, GOOD)) as server:
        graph = agent(server, VerifierMiddleware(verifier=is_rain, policy=str(file)))
        result = await run(graph, how)
        assert server.calls == 3
    assert result["messages"][-1].text == GOOD
    assert Run.of(result).plain["run"]["selector"] == best().to_dict()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"models": ("other",)}, "not of 'loopback'"), ({"verifiers": ()}, "tuned with no verifier")],
)
def test_a_policy_that_was_tuned_for_others_is_refused(changes: Any, said: str) -> None:
    with ModelServer(forecaster(GOOD)) as server:
        middleware = VerifierMiddleware(verifier=is_rain, policy=learned(**changes))
        with pytest.raises(ConfigurationError, match=said):
            agent(server, middleware).invoke(QUESTION)
        assert server.calls == 0


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_it_can_be_a_budget_and_nothing_else(how: str) -> None:
    endless = Reply(Choice(tool_calls=(("weather", '{"city": "Turku"}'),)))
    with ModelServer(lambda request: endless) as server:
        budget = VerifierMiddleware(verifier=[], policy="best_of(1)", budget=Budget(calls=5))
        result = await run(agent(server, budget), how)
        assert server.calls == 5
    assert "cannot pay for another answer" in result["messages"][-1].text


def test_calls_are_voted_on_where_that_is_asked() -> None:
    cities = ("Oslo", "Turku", "Turku")
    with ModelServer(forecaster(GOOD, cities=cities)) as server:
        graph = agent(
            server, VerifierMiddleware(verifier=is_rain, policy="best_of(3)", tool_calls="vote")
        )
        result = graph.invoke(QUESTION)
        assert server.calls == 6
    assert result["messages"][1].tool_calls[0]["args"] == {"city": "Turku"}


def test_a_call_that_does_not_fit_its_schema_does_not_pass_through() -> None:
    wrong = Reply(Choice(tool_calls=(("weather", '{"town": "Turku"}'),)))
    script = forecaster(GOOD)

    with ModelServer(lambda request: script(request) if request.index else wrong) as server:
        graph = agent(server, VerifierMiddleware(verifier=is_rain, policy="best_of(2)"))
        result = graph.invoke(QUESTION)
        assert server.calls == 4
    assert result["messages"][1].tool_calls[0]["args"] == {"city": "Turku"}


def test_calls_are_judged_as_text_where_that_is_asked() -> None:
    def wants_turku(task: Any, candidate: Any) -> bool:
        return "calls weather" not in candidate.text or "Turku" in candidate.text

    with ModelServer(forecaster(GOOD, cities=("Oslo", "Oslo", "Turku"))) as server:
        graph = agent(
            server,
            VerifierMiddleware(verifier=wants_turku, policy="best_of(3)", tool_calls="verify"),
        )
        result = graph.invoke(QUESTION)
    assert result["messages"][1].tool_calls[0]["args"] == {"city": "Turku"}


def test_a_revision_is_asked_with_the_feedback() -> None:
    def script(request: Request) -> Reply:
        if "A reviewer checked" in str(request.messages[-1]["content"]):
            return Reply(GOOD)
        return Reply(BAD)

    with ModelServer(script) as server:
        graph = agent(server, VerifierMiddleware(verifier=is_rain, policy="revise(1)"))
        assert graph.invoke(QUESTION)["messages"][-1].text == GOOD
        assert server.calls == 2


@pytest.mark.parametrize("calls", range(1, 9))
def test_a_budget_of_so_many_calls_holds_for_the_whole_agent_run(calls: int) -> None:
    with ModelServer(forecaster(BAD, GOOD)) as server:
        graph = agent(
            server,
            VerifierMiddleware(
                verifier=is_rain,
                policy="best_of(4)",
                budget=Budget(calls=calls),
                tool_calls="verify",
            ),
        )
        result = graph.invoke(QUESTION)
        assert 1 <= server.calls <= calls
    assert isinstance(result["messages"][-1], AIMessage)


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_the_budget_holds_where_other_middleware_retries_what_failed(how: str) -> None:
    with ModelServer(lambda request: Fault("status", status=503)) as server:
        graph = agent(
            server,
            VerifierMiddleware(verifier=is_rain, policy="best_of(2)", budget=Budget(calls=4)),
            before=[ModelRetryMiddleware(max_retries=6, initial_delay=0.0)],
        )
        result = await run(graph, how)
        assert server.calls == 4
    assert "(4 calls) cannot pay" in result["messages"][-1].text


def test_an_exhausted_budget_ends_the_agent_in_words_or_by_an_error() -> None:
    with ModelServer(forecaster(GOOD)) as server:
        one = Budget(calls=1)
        result = agent(server, VerifierMiddleware(budget=one)).invoke(QUESTION)
        assert "(1 calls) cannot pay" in result["messages"][-1].text
        with pytest.raises(BudgetTooSmall, match="Spent: 1 calls"):
            agent(server, VerifierMiddleware(budget=one, exit_behavior="error")).invoke(QUESTION)


def test_an_empty_account_is_named_and_not_the_budget() -> None:
    for behavior in ("end", "error"):
        with ModelServer(forecaster(GOOD)) as server:
            middleware = VerifierMiddleware(
                account=MemoryAccount(Budget(calls=1)), exit_behavior=behavior
            )
            graph = agent(server, middleware)
            if behavior == "end":
                assert "The account cannot pay" in graph.invoke(QUESTION)["messages"][-1].text
            else:
                with pytest.raises(AccountEmpty, match=r"account cannot pay.* Spent: 1 calls"):
                    graph.invoke(QUESTION)
            assert server.calls == 1


def test_the_next_turn_of_a_conversation_has_the_whole_budget_again() -> None:
    with ModelServer(lambda request: Reply(GOOD)) as server:
        middleware = VerifierMiddleware(
            verifier="agreement", policy="best_of(4)", budget=Budget(calls=4)
        )
        graph = agent(server, middleware, checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "1"}}
        for turn in (1, 2):
            graph.invoke(QUESTION, config)
            assert server.calls == 2 * turn  # half of what remains, for one answer each


@pytest.mark.parametrize("how", ["sync", "async"])
async def test_an_interrupt_in_a_verifier_passes_and_nothing_is_paid_twice(how: str) -> None:
    def person(task: Any, candidate: Any) -> bool:
        return bool(interrupt(candidate.text)["good"])

    with ModelServer(lambda request: Reply(GOOD)) as server:
        graph = agent(
            server,
            VerifierMiddleware(verifier=person, policy="best_of(1)"),
            checkpointer=InMemorySaver(),
        )
        config: Any = {"configurable": {"thread_id": "1"}}
        waiting = await run(graph, how, config=config)
        assert waiting["__interrupt__"][0].value == GOOD
        result = await run(graph, how, Command(resume={"good": True}), config)
        assert server.calls == 1
    assert result["messages"][-1].text == GOOD
    assert Run.of(result).selection.confidence == 1.0


def test_what_is_only_tried_is_not_streamed_and_progress_is() -> None:
    with ModelServer(forecaster(BAD, GOOD)) as server:
        graph = agent(server, VerifierMiddleware(verifier=is_rain, policy="best_of(2)"))
        said: list[str] = []
        kinds: set[str] = set()
        modes: Any = ["messages", "custom", "updates", "values"]
        for mode, chunk in graph.stream(QUESTION, stream_mode=modes):
            kinds.add(mode)
            if mode == "messages" and isinstance(chunk[0], AIMessage | AIMessageChunk):
                said.append(chunk[0].text)
        assert kinds == set(modes)
    assert [text for text in said if text] == [GOOD]


def test_errors_of_the_model_reach_other_middleware_as_they_are() -> None:
    seen: list[Exception] = []

    def note(error: Exception) -> bool:
        seen.append(error)
        return False

    with ModelServer(lambda request: Fault("status", status=400)) as server:
        retry = ModelRetryMiddleware(retry_on=note)
        graph = agent(server, VerifierMiddleware(policy="best_of(1)"), before=[retry])
        with pytest.raises(BadRequestError):
            graph.invoke(QUESTION)
    assert [type(error).__name__ for error in seen] == ["BadRequestError"]


class Report(BaseModel):
    sky: str


def test_structured_output_of_the_agent_is_that_of_the_chosen_answer() -> None:
    from tests.models.assistant import assistant

    with ModelServer(assistant) as server:
        graph = create_agent(
            model(server),
            [],
            middleware=[VerifierMiddleware(policy="best_of(2)", tool_calls="vote")],
            response_format=ToolStrategy(Report),
        )
        result = graph.invoke(QUESTION)
        assert server.calls == 2
    assert result["structured_response"] == Report(sky="text")


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": 0},
        {"tool_calls": "ignore"},
        {"exit_behavior": "stop"},
        {"policy": "best_off(2)"},
        {"budget": {"call": 2}},
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        VerifierMiddleware(**wrong)
