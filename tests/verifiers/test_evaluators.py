"""Evaluators of openevals' shape and runnables as verifiers; openevals' own among them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda

from tests.verifiers.judging import CannedWithTools
from verifier_agent import Run, create_verifier_agent
from verifier_agent.embedded.family import example
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import OpenAIChatModel
from verifier_agent.values import Candidate, Task, Verdict, Verifier
from verifier_agent.verifiers import (
    FunctionVerifier,
    RunnableVerifier,
    from_evaluator,
    resolve_verifiers,
)

TASK = Task(question="What is 3 * 4?", context={"reference": "12"})
SHOWN = [Candidate(id="g0", text="12"), Candidate(id="g1", text="13")]
CHAT = OpenAIChatModel(model="loopback", base_url="http://127.0.0.1:1/v1")


def ask(verifier: Verifier, task: Task = TASK, shown: Sequence[Candidate] = SHOWN) -> list[Verdict]:
    return list(asyncio.run(verifier.verify(task, shown)))


def returns(result: Any) -> FunctionVerifier:
    def said(*, outputs: str) -> Any:
        return result

    return from_evaluator(said)


def exact(*, outputs: str, reference_outputs: str) -> dict[str, Any]:
    same = outputs == reference_outputs
    return {"key": "exact", "score": same, "comment": None if same else "It is another number."}


async def slow(inputs: str, outputs: str) -> float:
    await asyncio.sleep(0)
    return 1.0 if "3" in inputs and outputs == "12" else 0.25


@pytest.mark.parametrize(("evaluator", "wrong"), [(exact, 0.0), (slow, 0.25)])
def test_an_evaluator_is_told_what_it_takes(evaluator: Any, wrong: float) -> None:
    (found,) = resolve_verifiers(from_evaluator(evaluator), model=CHAT)
    right, other = ask(found)
    assert (right.score, other.score) == (1.0, wrong)
    assert right.verifier == evaluator.__name__
    assert not right.hard
    if evaluator is exact:
        assert other.feedback == "It is another number."
        assert right.evidence["results"][0]["key"] == "exact"


def test_one_that_takes_keywords_only_is_known_by_the_name_of_an_argument() -> None:
    (found,) = resolve_verifiers(exact, model=CHAT)
    assert [v.score for v in ask(found)] == [1.0, 0.0]
    run = Run.of(
        create_verifier_agent("embedded", verifier=exact, policy="best_of(2)").invoke(
            {"messages": [("user", example(level=1, seed=0).question)]},
            {"configurable": {"verifier_agent": {"context": {"reference": "3"}}}},
        )
    )
    assert {v.verifier for v in run.tree.verdicts} == {"exact"}


def test_a_reference_that_is_needed_and_missing_is_an_error_not_a_zero() -> None:
    found = ask(from_evaluator(exact), Task(question="What is 3 * 4?"))
    assert [v.score for v in found] == [None, None]
    assert "it needs a reference" in str(found[0].error)


@pytest.mark.parametrize(
    ("result", "score"),
    [
        (True, 1.0),
        (0.5, 0.5),
        (np.float32(0.5), 0.5),
        (SimpleNamespace(key="k", score=0.25, comment="c"), 0.25),
        ([{"key": "a", "score": 1}, {"key": "b", "score": 0.5, "comment": "b!"}], 0.75),
        ({"results": [{"key": "a", "score": False}]}, 0.0),
    ],
    ids=["bool", "number", "numpy", "object", "list", "results"],
)
def test_every_form_of_result_is_read(result: Any, score: float) -> None:
    found = ask(returns(result))[0]
    assert found.score == score
    json.dumps(found.to_dict())


@pytest.mark.parametrize(
    "result",
    [
        None,
        {"key": "k"},
        {"key": "k", "score": None},
        "yes",
        {"score": "1"},
        7,
        float("nan"),
        [],
        [{"score": 1}, {"score": None}],
    ],
    ids=repr,
)
def test_what_is_no_score_in_0_to_1_is_an_error(result: Any) -> None:
    found = ask(returns(result))[0]
    assert found.score is None
    assert found.error


def test_what_is_no_evaluator_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no evaluator"):
        from_evaluator(lambda answer: 1.0)
    with pytest.raises(ConfigurationError, match="must take two arguments"):
        resolve_verifiers(lambda answer: 1.0, model=CHAT)


def test_openevals_own_evaluators_are_verifiers() -> None:
    openevals = pytest.importorskip("openevals")
    from openevals.exact import exact_match
    from openevals.string.levenshtein import levenshtein_distance

    assert [v.score for v in ask(from_evaluator(exact_match))] == [1.0, 0.0]
    near = ask(from_evaluator(levenshtein_distance))
    assert near[0].score == 1.0
    assert 0.0 < (near[1].score or 0.0) < 1.0
    call = {"name": "score", "args": {"reasoning": "It is 12.", "score": True}, "id": "1"}
    from langchain_core.messages import AIMessage

    judge = openevals.create_llm_as_judge(
        prompt="Is {outputs} right? {inputs}",
        judge=CannedWithTools(says=[AIMessage("", tool_calls=[call])]),
        feedback_key="right",
    )
    verdict = ask(from_evaluator(judge, name="openevals"), shown=SHOWN[:1])[0]
    assert verdict.error is None
    assert verdict.score == 1.0
    assert verdict.evidence["results"][0]["comment"] == "It is 12."


def test_a_chain_is_a_verifier_sync_and_async() -> None:
    chain = (
        ChatPromptTemplate.from_template("Grade {answer} as an answer to {question}.")
        | FakeListChatModel(responses=["0.25", "0.75"])
        | StrOutputParser()
        | float
    )
    (found,) = resolve_verifiers(chain, model=CHAT)
    assert isinstance(found, RunnableVerifier)
    assert [v.score for v in found.verify_sync(TASK, SHOWN)] == [0.25, 0.75]
    named = RunnableVerifier(
        RunnableLambda(lambda told: told["reference"] == told["answer"]), name="same", hard=True
    )
    verdicts = ask(named)
    assert [(v.score, v.hard, v.verifier) for v in verdicts] == [
        (1.0, True, "same"),
        (0.0, True, "same"),
    ]


def test_a_chain_that_fails_is_an_error_for_that_candidate_alone() -> None:
    def fragile(told: dict[str, Any]) -> float:
        return 1.0 if told["answer"] == "12" else 1 / 0

    found = ask(RunnableVerifier(RunnableLambda(fragile)))
    assert [v.score for v in found] == [1.0, None]
    assert "ZeroDivisionError" in str(found[1].error)


def test_a_bare_model_is_no_verifier() -> None:
    with pytest.raises(ConfigurationError, match=r"Judge\(model\)"):
        resolve_verifiers(CHAT, model=CHAT)
