"""Criteria that a task brings along: a rubric of its own for each question."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.verifiers.judging import ask, bodies, judge, report, winner
from verifier_agent import create_verifier_agent
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import best_of
from verifier_agent.testing import ModelServer, always
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers import PairwiseJudge

RUBRIC = {"brevity": "at most {three} sentences", "tone": "friendly"}
TASK = Task(question="What is 3 * 4?", context={"criteria": RUBRIC})
pytestmark = pytest.mark.parametrize("way", ["sync", "async"])


async def test_a_task_may_bring_criteria_of_its_own(way: str) -> None:
    said = report(4, brevity="too long", style="dull")
    with ModelServer(always(said)) as server:
        (verdict,) = await ask(judge(server, criteria={"style": "it shines"}), way, task=TASK)
        system = bodies(server)[0]["messages"][0]["content"]
    assert "- brevity: at most {three} sentences\n- tone: friendly" in system
    assert "it shines" not in system
    assert verdict.feedback == "brevity: too long", "of what it was asked for, and nothing else"


async def test_answers_are_compared_by_them_too(way: str) -> None:
    answers = [Candidate(id=name, text=f"It is 12, says {name}.") for name in ("g0", "g1")]
    with ModelServer(always(winner("A", brevity="B is long", style="B is dull"))) as server:
        pairwise = PairwiseJudge(OpenAIChatModel(model="m", base_url=server.url))
        verdicts = await ask(pairwise, way, *answers, task=TASK)  # type: ignore[arg-type]
        assert all("- tone: friendly" in b["messages"][0]["content"] for b in bodies(server))
    assert [v.feedback for v in verdicts] == ["brevity: B is long"] * 2


@pytest.mark.parametrize("name", ["judge", "step-judge", "pairwise"])
@pytest.mark.parametrize("criteria", [{}, "be brief", {"brevity": ""}, {"brevity": 3}], ids=repr)
async def test_what_are_no_criteria_is_refused_before_anything_is_spent(
    way: str, name: str, criteria: Any
) -> None:
    config: Any = {"configurable": {"verifier_agent": {"context": {"criteria": criteria}}}}
    question: Any = {"messages": [("user", "What is 3 * 4?")]}
    with ModelServer(always("It is 12.")) as server:
        model = OpenAIChatModel(model="m", base_url=server.url)
        agent = create_verifier_agent(model, verifier=name, policy=best_of(2))
        with pytest.raises(ConfigurationError, match=r"criterion|in words"):
            await (
                agent.ainvoke(question, config)
                if way == "async"
                else asyncio.to_thread(agent.invoke, question, config)
            )
        assert server.calls == 0
