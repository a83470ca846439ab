"""Seconds hold however work queues; what gives nothing is charged; the host may edit state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import Field

from verifier_agent import (
    Budget,
    Candidate,
    ConfigurationError,
    Run,
    Task,
    Verdict,
    create_verifier_agent,
)
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import best_of, sample
from verifier_agent.testing import ModelServer, Reply, Request

QUESTION: Any = {"messages": [("user", "What is it?")]}


class Saying(BaseChatModel):
    """Says what a function gives, after a while."""

    words: Callable[[], list[BaseMessage]]
    seconds: float = 0.0
    asked: list[float] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "saying"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        self.asked.append(time.perf_counter())
        time.sleep(self.seconds)
        generations = [ChatGeneration(message=message) for message in self.words()]
        return ChatResult(generations=generations)

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        self.asked.append(time.perf_counter())
        await asyncio.sleep(self.seconds)
        return ChatResult(generations=[ChatGeneration(message=m) for m in self.words()])


def said(text: str = "Answer: 1") -> Callable[[], list[BaseMessage]]:
    return lambda: [AIMessage(text)]


async def both(agent: Any, config: Any = None) -> AsyncIterator[Run]:
    """Run without an event loop, then with one."""
    yield Run.of(await asyncio.to_thread(agent.invoke, QUESTION, config))
    yield Run.of(await agent.ainvoke(QUESTION, config))


@pytest.mark.parametrize("thread", [None, "a"])
async def test_calls_that_wait_for_a_place_share_one_deadline(thread: str | None) -> None:
    model = Saying(words=said(), seconds=0.3, asked=[])
    agent = create_verifier_agent(
        model,
        policy=best_of(6),
        budget=Budget(seconds=0.5),
        checkpointer=InMemorySaver() if thread else None,
    )
    config = {"max_concurrency": 3 if thread else 1, "configurable": {"thread_id": thread}}
    async for run in both(agent, config if thread else {"max_concurrency": 1}):
        assert run.spent.seconds < 0.7
        assert run.selection.answer == "1"
        errors = [c.error for c in run.candidates if c.error]
        assert errors, "not all six fit into the time"


async def test_a_call_that_was_never_begun_is_no_call() -> None:
    model = Saying(words=said(), seconds=0.3, asked=[])
    agent = create_verifier_agent(model, policy=best_of(6), budget=Budget(seconds=0.8))
    async for run in both(agent, {"max_concurrency": 1}):
        assert run.spent.calls == len(model.asked)
        model.asked.clear()


async def test_verifiers_share_one_deadline_too() -> None:
    class Slow:
        name = "slow"
        per_candidate = True

        async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
            await asyncio.sleep(0.3)
            return [Verdict(candidate=c.id, verifier="slow", score=1.0) for c in candidates]

    agent = create_verifier_agent(
        Saying(words=said()), verifier=Slow(), policy=best_of(6), budget=Budget(seconds=0.8)
    )
    async for run in both(agent, {"max_concurrency": 1}):
        assert run.spent.seconds < 1.0
        assert any(v.score is None and v.error for v in run.tree.verdicts)
        assert any(v.score == 1.0 for v in run.tree.verdicts)


@pytest.mark.parametrize("words", [lambda: [], lambda: [HumanMessage("hello")]])
async def test_replies_that_hold_no_answer_are_charged(words: Any) -> None:
    model = Saying(words=words, asked=[])
    agent = create_verifier_agent(model, policy=sample(8, 1), budget=Budget(calls=2))
    async for run in both(agent):
        assert run.spent.calls == len(model.asked) <= 2
        assert "no AI message" in str(run.candidates[0].error)
        model.asked.clear()


async def test_a_model_that_always_fails_is_not_asked_to_the_end_of_the_budget() -> None:
    model = Saying(words=lambda: [], asked=[])
    agent = create_verifier_agent(model, policy=sample(32, 4), budget=Budget(calls=100))
    async for run in both(agent):
        assert len(model.asked) == 4
        assert run.selection.outcome == "failed"
        model.asked.clear()


def paused() -> tuple[Any, Any]:
    model = Saying(words=said())
    agent = create_verifier_agent(
        model, policy=sample(6, 2), seed=1, checkpointer=InMemorySaver(), budget=Budget(calls=20)
    )
    config: Any = {"configurable": {"thread_id": "a"}}
    agent.invoke(QUESTION, config, interrupt_after=["verify"])
    return agent, config


def test_an_update_between_rounds_does_not_end_the_run() -> None:
    agent, config = paused()
    agent.update_state(config, {"messages": [("user", "What is it, please?")]}, as_node="verify")
    assert agent.get_state(config).next == ("generate",)
    run = Run.of(agent.invoke(None, config))
    assert len(run.candidates) == 6


def test_messages_of_a_finished_run_can_be_edited() -> None:
    agent, config = paused()
    result = agent.invoke(None, config)
    agent.update_state(config, {"messages": [RemoveMessage(id=result["messages"][0].id)]})
    assert agent.get_state(config).next == ()
    assert Run.of(agent.invoke(QUESTION, config)).plain["turn"] == 2


@pytest.mark.parametrize("theirs", [{"mine": 1}, "text", [1]])
def test_a_parents_own_key_is_refused_before_anything_is_spent(theirs: Any) -> None:
    model = Saying(words=said(), asked=[])
    agent = create_verifier_agent(model, policy=best_of(1))
    with pytest.raises((ConfigurationError, TypeError)):
        agent.invoke({**QUESTION, "verifier_agent": theirs})
    assert model.asked == []


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        (lambda judged: None, "gave None"),
        (lambda judged: 1 / 0, "ZeroDivisionError"),
        (lambda judged: Run.of({}), "ConfigurationError"),
    ],
)
def test_a_selector_that_fails_loses_nothing_that_is_paid(selector: Any, reason: str) -> None:
    agent = create_verifier_agent(Saying(words=said()), policy=best_of(2), selector=selector)
    selection = Run.of(agent.invoke(QUESTION)).selection
    assert selection.answer == "1"
    assert reason in selection.reason


@pytest.mark.parametrize(("answer", "key"), [(lambda text: 1 / 0, None), (lambda text: 4, "4")])
def test_an_answer_function_that_fails_loses_nothing_that_is_paid(answer: Any, key: Any) -> None:
    agent = create_verifier_agent(Saying(words=said()), policy=best_of(2), answer=answer)
    with pytest.warns(UserWarning, match="answer function"):
        run = Run.of(agent.invoke(QUESTION))
    assert [c.answer for c in run.candidates] == [key, key]
    assert run.selection.candidate is not None


@pytest.mark.parametrize(
    "given",
    [{"context": "x"}, {"context": {"tests": object()}}, {1: 2}, {"seed": 2**80}, {"budget": 3}],
)
def test_a_wrong_setting_of_one_call_is_a_typed_error(given: Any) -> None:
    agent = create_verifier_agent(Saying(words=said()), policy=best_of(1))
    with pytest.raises(ConfigurationError):
        agent.invoke(QUESTION, {"configurable": {"verifier_agent": given}})


@pytest.mark.parametrize("prices", [{"m": (1, 2)}, {"m": {"input": 1}}, [1]])
def test_prices_are_read_when_the_agent_is_built(prices: Any) -> None:
    with pytest.raises(ConfigurationError, match="prices"):
        create_verifier_agent(Saying(words=said()), prices=prices)


@pytest.mark.parametrize("places", [None, 1])
async def test_what_was_under_way_when_a_run_is_cancelled_is_charged_when_it_goes_on(
    places: int | None,
) -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow_once(request: Request) -> Reply:
        loop.call_soon_threadsafe(arrived.set)
        return Reply("Answer: 4", delay=30.0 if request.index == 0 else 0.0)

    with ModelServer(slow_once) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="m", base_url=server.url),
            policy="best_of(1)",
            budget=Budget(calls=4),
            max_retries=0,
            checkpointer=InMemorySaver(),
        )
        config: Any = {"configurable": {"thread_id": "t"}, "max_concurrency": places}
        run = asyncio.create_task(agent.ainvoke({"messages": [("user", "2 + 2?")]}, config))
        await arrived.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        found = Run.of(await agent.ainvoke(None, config))
        assert found.selection.answer == "4"
        # the one that was cancelled had reached the server, which may bill it
        assert found.spent.calls == server.calls == 2
        assert not found.spent.exact


@pytest.mark.parametrize("places", [None, 1])
async def test_what_is_cancelled_again_and_again_is_charged_each_time(places: int | None) -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow_twice(request: Request) -> Reply:
        loop.call_soon_threadsafe(arrived.set)
        return Reply("Answer: 4", delay=30.0 if request.index < 2 else 0.0)

    with ModelServer(slow_twice) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="m", base_url=server.url),
            policy="sample(2, 1)",
            budget=Budget(calls=4),
            max_retries=0,
            checkpointer=InMemorySaver(),
        )
        config: Any = {"configurable": {"thread_id": "t"}, "max_concurrency": places}
        for given in ({"messages": [("user", "2 + 2?")]}, None):
            arrived.clear()
            run = asyncio.create_task(agent.ainvoke(given, config))
            await arrived.wait()
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
        assert server.calls == 2
        found = Run.of(await agent.ainvoke(None, config))
        # the first answer is given up: its allowance is used, and another one is drawn
        assert [c.error for c in found.candidates] == ["lost in a crash", None]
        assert found.selection.answer == "4"
        assert found.spent.calls == server.calls == 3
