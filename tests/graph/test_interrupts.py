"""A verifier may ask a person: the host's interrupts pass through every way of working."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from verifier_agent import Candidate, Run, Task, Verdict, create_verifier_agent
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import best_of
from verifier_agent.testing import ModelServer, always

QUESTION: Any = {"messages": [("user", "What is it?")]}


def person(task: Task, candidate: Candidate) -> float:
    return float(interrupt({"judge": candidate.text}))


async def aperson(task: Task, candidate: Candidate) -> float:
    return float(interrupt({"judge": candidate.text}))


@pytest.mark.parametrize("places", [None, 1])
@pytest.mark.parametrize("verifier", [person, aperson])
async def test_an_interrupt_pauses_the_run_and_its_answer_becomes_the_score(
    verifier: Any, places: int | None
) -> None:
    config: Any = {"configurable": {"thread_id": "a"}, "max_concurrency": places}
    with ModelServer(always("Answer: 1")) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="x", base_url=server.url),
            verifier=verifier,
            policy=best_of(1),
            checkpointer=InMemorySaver(),
        )
        paused = await agent.ainvoke(QUESTION, config)
        assert [i.value for i in paused["__interrupt__"]] == [{"judge": "Answer: 1"}]
        run = Run.of(await agent.ainvoke(Command(resume=0.75), config))
        assert [v.score for v in run.tree.verdicts] == [0.75]
        assert server.calls == 1, "what was paid before the pause is not paid again"


@pytest.mark.parametrize("places", [None, 1])
def test_an_interrupt_pauses_a_run_without_an_event_loop_too(places: int | None) -> None:
    config: Any = {"configurable": {"thread_id": "a"}, "max_concurrency": places}
    with ModelServer(always("Answer: 1")) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="x", base_url=server.url),
            verifier=person,
            policy=best_of(1),
            checkpointer=InMemorySaver(),
        )
        assert "__interrupt__" in agent.invoke(QUESTION, config)
        run = Run.of(agent.invoke(Command(resume=0.75), config))
        assert [v.score for v in run.tree.verdicts] == [0.75]
        assert server.calls == 1


@pytest.mark.parametrize("in_loop", [False, True])
async def test_who_judges_beside_a_person_who_is_asked_is_heard_and_not_asked_again(
    in_loop: bool,
) -> None:
    asked = 0

    class Slow:
        name = "slow"
        per_candidate = True

        async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0.2)
            return [Verdict(candidate=c.id, verifier="slow", score=0.25) for c in candidates]

    config: Any = {"configurable": {"thread_id": "a"}}
    with ModelServer(always("Answer: 1")) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="x", base_url=server.url),
            verifier=[aperson, Slow()],
            policy=best_of(1),
            checkpointer=InMemorySaver(),
        )
        paused, result = [
            await agent.ainvoke(given, config)
            if in_loop
            else await asyncio.to_thread(agent.invoke, given, config)
            for given in (QUESTION, Command(resume=0.75))
        ]
    assert "__interrupt__" in paused
    assert {v.score for v in Run.of(result).tree.verdicts} == {0.25, 0.75}
    assert asked == 1
