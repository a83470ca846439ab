"""What a notebook shows of a run."""

from __future__ import annotations

from typing import Any

import pytest

from verifier_agent import Candidate, Run, create_verifier_agent
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer, Script, cycle

QUESTION: Any = {"messages": [("user", "What is it?")]}


def shown(script: Script, verifier: Any, policy: str = "best_of(3)") -> str:
    with ModelServer(script) as server:
        model = OpenAIChatModel(model="x", base_url=server.url)
        agent = create_verifier_agent(model, verifier=verifier, policy=policy, selector="best")
        return Run.of(agent.invoke(QUESTION))._repr_markdown_()


def rows(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def test_the_answer_and_why_each_candidate_and_the_cost_are_told() -> None:
    page = shown(cycle(["Answer: 1", "Answer: 2"]), lambda task, c: c.answer == "2")
    assert page.startswith("**2** (score 1.00) — completed: all 3 answers drawn")
    # which of the calls is answered first is up to the machine
    assert sorted((row[0], row[2], row[3]) for row in rows(page)) == [
        ("", "1", "0.00"),
        ("", "1", "0.00"),
        ("➜", "2", "1.00"),
    ]
    assert "Spent 3 of 32 calls" in page


def test_what_a_model_says_is_never_markup() -> None:
    evil = "Answer: <img src=x>|**`[a](javascript:x)`$x$"
    page = shown(cycle([evil]), lambda task, c: 0.5, policy="best_of(1)")
    assert "<img" not in page
    assert "\\[a\\](javascript:x)" in page
    assert len(rows(page)) == 1


def test_of_many_candidates_the_chosen_one_is_among_those_shown() -> None:
    def last(task: Any, candidate: Candidate) -> bool:
        return candidate.id == "g19"

    page = shown(cycle(["Answer: 1"]), last, policy="best_of(20)")
    assert "… 4 more" in page
    assert [row[1] for row in rows(page) if row[0] == "➜"] == ["`g19`"]


def test_a_run_that_has_not_ended_and_one_without_an_answer_are_shown_too() -> None:
    plain: dict[str, Any] = {"id": "a", "seed": 1, "budget": {"calls": 4}}
    run = Run.of({"verifier_agent": {"schema": 1, "turn": 1, "run": plain}})
    assert run._repr_markdown_().startswith("this run has not ended yet")
    assert repr(run) == "<Run a: not ended, 0 candidates>"
    failed = Run({**run.plain, "selection": {"outcome": "failed", "reason": "no <one>"}})
    assert failed._repr_markdown_().startswith("**No answer** — failed: no &lt;one>")


@pytest.mark.parametrize("width", [1, 400])
def test_a_long_answer_is_cut(width: int) -> None:
    page = shown(cycle(["Answer: " + "7" * width]), lambda t, c: 0.5, policy="best_of(1)")
    assert ("…" in page) == (width > 40)


def test_a_verifier_that_fails_says_so_beside_the_answer_it_did_not_judge() -> None:
    page = shown(cycle(["Answer: 1"]), lambda task, c: 1 / 0, policy="best_of(1)")
    assert "function gave no score" in page
    assert [row[3] for row in rows(page)] == ["none"]
    assert "ZeroDivisionError" in rows(page)[0][5]
