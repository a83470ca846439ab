"""A verifier may ask a person: the host's interrupts pass through every way of working."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from verifier_agent import Budget, Candidate, Run, Task, Verdict, create_verifier_agent
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import best_of
from verifier_agent.testing import ModelServer, always
from verifier_agent.values import Cost

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


class Paid:
    """Costs a call each time it is asked."""

    name = "paid"
    per_candidate = True
    model_name = None

    def __init__(self) -> None:
        self.calls = 0

    def bound(self, task: Task, size: int) -> Cost:
        return Cost(calls=1)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        self.calls += len(candidates)
        return [
            Verdict(candidate=c.id, verifier="paid", score=0.5, cost=Cost(calls=1))
            for c in candidates
        ]


async def second(task: Task, candidate: Candidate) -> float:
    return float(interrupt({"judge too": candidate.text}))


@pytest.mark.parametrize("places", [None, 2, 1])
@pytest.mark.parametrize("in_loop", [False, True])
async def test_who_was_paid_beside_a_person_who_is_asked_is_charged_for(
    in_loop: bool, places: int | None
) -> None:
    paid = Paid()
    config: Any = {"configurable": {"thread_id": "a"}, "max_concurrency": places}
    with ModelServer(always("Answer: 1")) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="x", base_url=server.url),
            verifier=[paid, aperson, second],
            policy=best_of(1),
            budget=Budget(calls=20),
            checkpointer=InMemorySaver(),
        )
        given: Any = QUESTION
        while True:
            result = (
                await agent.ainvoke(given, config)
                if in_loop
                else await asyncio.to_thread(agent.invoke, given, config)
            )
            if "__interrupt__" not in result:
                break
            scores = {i.id: 0.75 if "judge" in i.value else 0.25 for i in result["__interrupt__"]}
            given = Command(resume=scores)
        run = Run.of(result)
        assert {v.score for v in run.tree.verdicts} == {0.5, 0.75, 0.25}
        assert run.spent.calls >= server.calls + paid.calls
        # with few places no verdict is recorded by itself, so it is asked for again
        assert paid.calls == (1 if places is None else 3)


class Person:
    """Is asked for each candidate by itself, and takes longer to find the first."""

    name = "person"
    per_candidate = True

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        (candidate,) = candidates
        await asyncio.sleep(0.1 if candidate.id == "g0" else 0.0)
        score = float(interrupt(candidate.id))
        return [Verdict(candidate=candidate.id, verifier=self.name, score=score)]


SAID = {"g0": 0.25, "g1": 0.5, "g2": 0.75}


@pytest.mark.parametrize("places", [None, 2, 1])
@pytest.mark.parametrize("in_loop", [False, True])
async def test_a_person_is_asked_all_at_once_and_each_answer_goes_to_its_candidate(
    in_loop: bool, places: int | None
) -> None:
    config: Any = {"configurable": {"thread_id": "a"}, "max_concurrency": places}
    rounds: list[list[str]] = []
    with ModelServer(always("Answer: 1")) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="x", base_url=server.url),
            verifier=Person(),
            policy=best_of(3),
            checkpointer=InMemorySaver(),
        )
        given: Any = QUESTION
        while True:
            result = (
                await agent.ainvoke(given, config)
                if in_loop
                else await asyncio.to_thread(agent.invoke, given, config)
            )
            waiting = result.get("__interrupt__", ())
            if not waiting:
                break
            rounds.append([one.value for one in waiting])
            # of several that are asked, all but the last are answered
            answered = waiting[:-1] or waiting
            given = Command(resume={one.id: SAID[one.value] for one in answered})
        assert server.calls == 3
    assert {v.candidate: v.score for v in Run.of(result).tree.verdicts} == SAID
    at_once = [["g0", "g1", "g2"], ["g2"]]
    assert rounds == (at_once if places is None else [["g0"], ["g1"], ["g2"]])
