"""langchain's agent with the middleware, and with the chat model: the same promises of both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from tests.integrations.agents import QUESTION, Counted, billed, forecaster, model, weather
from verifier_agent import VerifiedChatModel, VerifierMiddleware
from verifier_agent.testing import ModelServer

GOOD, BAD = "It rains.\nAnswer: rain", "Sunny.\nAnswer: sun"
APPROVED = Command(resume={"decisions": [{"type": "approve"}]})
REJECTED = Command(resume={"decisions": [{"type": "reject", "message": "Not in this weather."}]})
Build = Callable[..., Any]


def is_rain(task: Any, candidate: Any) -> bool:
    return "Answer: rain" in candidate.text


def with_middleware(server: ModelServer, *more: Any, **options: Any) -> Any:
    ours = VerifierMiddleware(verifier=is_rain, policy="best_of(2)", tool_calls="vote")
    return create_agent(model(server), [weather], middleware=[*more, ours], **options)


def with_chat_model(server: ModelServer, *more: Any, **options: Any) -> Any:
    ours = VerifiedChatModel(model(server), verifier=is_rain, policy="best_of(2)")
    return create_agent(ours, [weather], middleware=more, **options)


SURFACES = pytest.mark.parametrize("build", [with_middleware, with_chat_model])


def approval() -> HumanInTheLoopMiddleware[Any, Any]:
    return HumanInTheLoopMiddleware(interrupt_on={"weather": True})


def config(*callbacks: Any) -> Any:
    return {"configurable": {"thread_id": "1"}, "callbacks": list(callbacks)}


def check(result: Any, server: ModelServer, seen: Counted) -> None:
    messages = result["messages"]
    assert [type(m) for m in messages[1:]] == [AIMessage, ToolMessage, AIMessage]
    assert messages[-1].text == GOOD
    reported = sum(m.usage_metadata["total_tokens"] for m in messages if m.type == "ai")
    assert reported == seen.tokens == billed(server)


@SURFACES
def test_a_person_approves_across_a_stored_interrupt(build: Build, tmp_path: Path) -> None:
    with (
        ModelServer(forecaster(BAD, GOOD)) as server,
        SqliteSaver.from_conn_string(str(tmp_path / "agent.sqlite")) as saver,
    ):
        seen = Counted()
        waiting = build(server, approval(), checkpointer=saver).invoke(QUESTION, config(seen))
        assert waiting["__interrupt__"]
        assert server.calls == 2
        result = build(server, approval(), checkpointer=saver).invoke(APPROVED, config(seen))
        assert server.calls == 4
        check(result, server, seen)


@SURFACES
async def test_a_person_approves_in_an_event_loop_across_a_stored_interrupt(
    build: Build, tmp_path: Path
) -> None:
    with ModelServer(forecaster(BAD, GOOD)) as server:
        seen, path = Counted(), str(tmp_path / "agent.sqlite")
        async with AsyncSqliteSaver.from_conn_string(path) as saver:
            graph = build(server, approval(), checkpointer=saver)
            assert (await graph.ainvoke(QUESTION, config(seen)))["__interrupt__"]
            assert server.calls == 2
        async with AsyncSqliteSaver.from_conn_string(path) as saver:  # another day
            graph = build(server, approval(), checkpointer=saver)
            result = await graph.ainvoke(APPROVED, config(seen))
            assert server.calls == 4
        check(result, server, seen)


@SURFACES
async def test_a_person_who_says_no_is_heard(build: Build, tmp_path: Path) -> None:
    with ModelServer(forecaster(GOOD)) as server:
        async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "agent.sqlite")) as saver:
            graph = build(server, approval(), checkpointer=saver)
            await graph.ainvoke(QUESTION, config())
            result = await graph.ainvoke(REJECTED, config())
            assert server.calls == 4
    assert "Not in this weather." in result["messages"][-2].text


MODES: Any = ["values", "updates", "messages", "custom", "tasks", "checkpoints", "debug"]


@SURFACES
@pytest.mark.parametrize("how", ["sync", "async"])
async def test_every_mode_streams_and_only_chosen_answers_are_messages(
    build: Build, how: str
) -> None:
    said: list[str] = []
    seen: set[str] = set()
    with ModelServer(forecaster(BAD, GOOD)) as server:
        graph = build(server, checkpointer=InMemorySaver())
        if how == "sync":
            parts = await asyncio.to_thread(
                lambda: list(graph.stream(QUESTION, config(), stream_mode=MODES))
            )
        else:
            parts = [p async for p in graph.astream(QUESTION, config(), stream_mode=MODES)]
        for mode, part in parts:
            seen.add(mode)
            if mode == "messages" and isinstance(part[0], AIMessage | AIMessageChunk):
                said.append(part[0].text)
    assert seen == set(MODES)
    assert "".join(said) == GOOD
    assert BAD not in said


@SURFACES
def test_many_threads_and_many_event_loops_ask_one_agent(build: Build) -> None:
    with ModelServer(forecaster(BAD, GOOD)) as server:
        graph = build(server)

        async def from_threads() -> list[Any]:
            return await asyncio.gather(
                *(asyncio.to_thread(graph.invoke, QUESTION) for _ in range(8))
            )

        results = asyncio.run(from_threads())
        for _ in range(4):  # each in an event loop of its own
            results.append(asyncio.run(graph.ainvoke(QUESTION)))
            results.append(graph.invoke(QUESTION))
        assert server.calls == 4 * 16
    for result in results:
        assert [type(m) for m in result["messages"][1:]] == [AIMessage, ToolMessage, AIMessage]
