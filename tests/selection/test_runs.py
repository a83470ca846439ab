"""Selectors and answer keys in whole runs, over HTTP to a loopback server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from verifier_agent import Run, create_verifier_agent
from verifier_agent.answers import ChoiceKey, last_line_key
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import Choice, ModelServer, Reply, Request
from verifier_agent.verifiers import MeaningAgreement

QUESTION = {"messages": [("user", "What is it?")]}


def replies(answers: Sequence[str | Choice]) -> Callable[[Request], Reply]:
    turn = iter(answers)
    return lambda request: Reply(next(turn))


def solve(answers: Sequence[str | Choice], **settings: object) -> Run:
    with ModelServer(replies(answers)) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        agent = create_verifier_agent(
            model,
            **{"policy": f"best_of({len(answers)})", "verifier": None, **settings},  # type: ignore[arg-type]
        )
        return Run.of(agent.invoke(QUESTION))


def called(**arguments: object) -> Choice:
    return Choice(tool_calls=(("search", json.dumps(arguments)),))


def test_calls_of_tools_vote_by_name_and_arguments() -> None:
    run = solve([called(q="a", n=1), called(q="b"), called(n=1.0, q="a")])
    assert run.selection.answer == '[["search", {"n": 1, "q": "a"}]]'
    assert run.selection.confidence == pytest.approx(2 / 3)


def test_answers_in_words_vote_by_meaning_in_a_run() -> None:
    def same(one: str, other: str) -> bool:
        return one.lower().strip(".") == other.lower().strip(".")

    run = solve(
        ["It rains.", "It snows.", "it snows"],
        verifier=MeaningAgreement(same=same),
        selector="by_meaning",
    )
    assert run.selection.answer in ("It snows.", "it snows")  # whichever reply came first
    assert run.selection.confidence == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("answer", "texts", "chosen"),
    [
        (ChoiceKey("AB"), ["so (A)", "I take (B)", "option A"], "a"),
        (last_line_key, ["first\n3,50 €", "second\n$3.5", "4"], "3.5"),
    ],
)
def test_a_key_of_ones_own_counts_the_votes(
    answer: Callable[[str], str | None], texts: list[str], chosen: str
) -> None:
    run = solve(texts, answer=answer)
    assert run.selection.answer == chosen
    assert run.selection.confidence == pytest.approx(2 / 3)


def test_a_run_says_in_words_why_it_stopped() -> None:
    texts = ["Answer: 7"] * 4
    run = solve(texts, policy="until(sample(8, batch=2), window(4) | spent(calls=100))")
    assert run.selection.outcome == "agreed"
    assert run.selection.reason == "window(4) holds: 4 of 4 votes for '7'"
