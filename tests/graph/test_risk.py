"""A stated risk: an answer that is not sure enough to keep it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.search.trees import drawn
from verifier_agent import ConfigurationError, Run, create_verifier_agent
from verifier_agent.calibration import Answered, Calibration, SelectionFit, tally
from verifier_agent.graph.choosing import choose
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import best_of
from verifier_agent.selection import best
from verifier_agent.testing import ModelServer, Reply, Request
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Judged, Select, Selection

QUESTION = {"messages": [("user", "What is 3 + 4?")]}
FITTED = Calibration(
    selections=(
        SelectionFit(
            selector="vote()",
            verifiers=("agreement",),
            policy="best_of(4)",
            # the odds of the answer are its votes over those of the runner-up and one half
            confidence=tally(0.0, 1.0, -1.0),
            curve=(Answered(threshold=0.8, answered=400, wrong=2),),
        ),
    )
)


def four(*answers: str) -> Any:
    def script(request: Request) -> Reply:
        return Reply(f"Answer: {answers[request.index % 4]}")

    return script


def asked(script: Any, asynchronous: bool, **options: Any) -> Run:
    options = {"policy": best_of(4), "calibration": FITTED, "risk": 0.05, **options}
    with ModelServer(script) as server:
        model = OpenAIChatModel(model="chat", base_url=server.url)
        agent = create_verifier_agent(model, verifier="agreement", **options)
        result = asyncio.run(agent.ainvoke(QUESTION)) if asynchronous else agent.invoke(QUESTION)
    return Run.of(result)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_answer_that_is_sure_enough_is_given_as_a_probability(asynchronous: bool) -> None:
    selection = asked(four("7", "7", "7", "7"), asynchronous).selection
    assert (selection.answer, selection.outcome, selection.basis) == (
        "7",
        "completed",
        "P(correct)",
    )
    assert selection.confidence == pytest.approx(4 / 4.5)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_answer_that_is_not_sure_enough_is_given_up_and_kept(asynchronous: bool) -> None:
    selection = asked(four("7", "7", "7", "8"), asynchronous).selection
    assert (selection.answer, selection.outcome, selection.basis) == ("7", "gave_up", "P(correct)")
    assert selection.confidence == pytest.approx(3 / 4.5)
    assert "P(correct) is 0.67, and a risk of 5.0% takes 0.80" in selection.reason


def test_an_answer_of_a_model_that_was_not_seen_is_given_up() -> None:
    elsewhere = replace(FITTED, generators=("another",))
    selection = asked(four("7", "7", "7", "7"), False, calibration=elsewhere).selection
    assert (selection.answer, selection.outcome) == ("7", "gave_up")
    assert selection.basis == "vote share"
    assert "P(correct) is unknown" in selection.reason


def test_nothing_is_said_to_be_known_of_what_stands_in() -> None:
    def failing(judged: Sequence[Judged]) -> Selection:
        raise RuntimeError("no")

    given: list[Sequence[Judged]] = []

    def sure(selection: Selection, judged: Sequence[Judged]) -> Selection:
        given.append(judged)
        return selection

    tree = drawn("7", "8", scores=[0.2, 0.9])
    selection = choose(failing, tree, Select(reason="all drawn"), sure)
    assert selection.answer == "8"
    assert selection.reason == (
        "all drawn; the selector raised RuntimeError: no, so the best one was chosen"
    )
    beginning = Tree(tree.task, [Candidate(id="g0", text="So it is", done=False)])
    assert choose(best(), beginning, Select(), sure).candidate == "g0"
    choose(best(), tree, Select(), sure)
    assert given == [(), (), tree.finished]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calibration": None}, "a calibration is needed"),
        ({"selector": "best"}, "does not know best"),
        ({"policy": best_of(5)}, r"runs of best_of\(4\), and does not hold for best_of\(5\)"),
        ({"policy": lambda tree, remaining: []}, r"runs of best_of\(4\), and does not hold for <"),
        ({"risk": 0.001}, "state a higher risk"),
    ],
    ids=["no calibration", "another selector", "another policy", "a function", "too low a risk"],
)
def test_a_risk_that_cannot_be_kept_is_refused_before_anything_is_spent(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        asked(four("7", "7", "7", "7"), False, **options)
