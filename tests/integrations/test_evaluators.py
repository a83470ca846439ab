"""Verifiers as evaluators: in LangSmith's own evaluation, and called as openevals' are."""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from verifier_agent.errors import ConfigurationError
from verifier_agent.integrations.evaluators import as_async_evaluator, as_evaluator, text_of
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers import Agreement, ArithmeticSteps, FunctionVerifier


def same(task: Task, candidate: Candidate) -> bool:
    return candidate.answer == task.context["reference"]


async def later(task: Task, candidate: Candidate) -> float:
    await asyncio.sleep(0)
    return 0.5 if task.question == "q" else 0.0


RUN = SimpleNamespace(inputs={"question": "q"}, outputs={"answer": "So:\nAnswer: 12"})
EXAMPLE = SimpleNamespace(inputs={"question": "q"}, outputs={"answer": "12"})


def test_both_call_shapes_mean_the_same() -> None:
    evaluator = as_evaluator(FunctionVerifier(same))
    by_name = evaluator(inputs={"question": "q"}, outputs="Answer: 12", reference_outputs="12")
    assert by_name == evaluator(RUN, EXAMPLE) == {"key": "same", "score": 1.0, "comment": None}
    assert evaluator(inputs="q", outputs="Answer: 13", reference_outputs="12")["score"] == 0.0


def test_feedback_is_the_comment_and_so_is_why_there_is_no_score() -> None:
    evaluator = as_evaluator(ArithmeticSteps(), key="steps")
    wrong = evaluator(inputs="What is 3 * 4?", outputs="3 * 4 = 13")
    assert (wrong["key"], wrong["score"]) == ("steps", 0.0)
    assert "is false" in wrong["comment"]
    nothing = evaluator(inputs="What is it?", outputs="A thought.")
    assert nothing == {"key": "steps", "score": None, "comment": "nothing to check"}
    missing = as_evaluator(FunctionVerifier(same))(inputs="q", outputs="12")
    assert missing["score"] is None
    assert "KeyError" in missing["comment"]


async def test_it_can_be_awaited_and_an_async_verifier_called_without_a_loop() -> None:
    evaluator = as_async_evaluator(FunctionVerifier(later))
    assert inspect.iscoroutinefunction(evaluator)
    assert (await evaluator(inputs="q", outputs="x"))["score"] == 0.5
    direct = as_evaluator(FunctionVerifier(later))
    assert (await asyncio.to_thread(direct, inputs="q", outputs="x"))["score"] == 0.5


def test_one_that_compares_answers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="compares answers"):
        as_evaluator(Agreement())


@pytest.mark.parametrize(
    ("given", "of", "text"),
    [
        ("plain", "ai", "plain"),
        (None, "ai", ""),
        ({"output": "a", "cost": 3}, "ai", "a"),
        ({"anything": "a"}, "ai", "a"),
        ({"role": "user", "content": "hi"}, "human", "hi"),
        ({"messages": [HumanMessage("q"), AIMessage("a"), HumanMessage("more")]}, "ai", "a"),
        ([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "human", "q"),
        ([{"role": "user", "content": "q"}], "ai", "q"),
        (AIMessage([{"type": "text", "text": "a"}]), "ai", "a"),
        ({"x": 1, "y": 2}, "ai", '{"x": 1, "y": 2}'),
        ([1, 2], "ai", "[1, 2]"),
    ],
)
def test_the_text_is_found_in_what_experiments_hold(given: Any, of: str, text: str) -> None:
    assert text_of(given, of=of) == text


def test_langsmith_runs_it_as_one_of_its_own() -> None:
    pytest.importorskip("langsmith")
    from datetime import UTC, datetime
    from uuid import uuid4

    from langsmith.evaluation import run_evaluator
    from langsmith.schemas import Example, Run

    run = Run(
        id=uuid4(),
        name="target",
        start_time=datetime.now(UTC),
        run_type="chain",
        inputs={"question": "q"},
        outputs={"answer": "Answer: 12"},
        trace_id=uuid4(),
        dotted_order="",
    )
    example = Example(id=uuid4(), dataset_id=uuid4(), inputs={"question": "q"}, outputs={"a": "12"})
    found = run_evaluator(as_evaluator(FunctionVerifier(same))).evaluate_run(run, example)
    assert (found.key, found.score) == ("same", 1.0)  # type: ignore[union-attr]
    waited = run_evaluator(as_async_evaluator(FunctionVerifier(same)))
    later_found = asyncio.run(waited.aevaluate_run(run, example))
    assert (later_found.key, later_found.score) == ("same", 1.0)  # type: ignore[union-attr]
