"""What an agent does where neither a policy nor a selector is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.verifiers.judging import report
from verifier_agent import Run, create_verifier_agent
from verifier_agent.graph.build import default_policy, default_selector
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import resolve_policy
from verifier_agent.testing import ModelServer, Reply, Request
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers import FunctionVerifier, resolve_verifiers

CHAT = OpenAIChatModel(model="loopback", base_url="http://127.0.0.1:1/v1")
QUESTION = {"messages": [("user", "What is it?")]}


def exact(task: Task, candidate: Candidate) -> bool:
    return candidate.answer == "7"


HARD = FunctionVerifier(exact, hard=True)


@pytest.mark.parametrize(
    ("verifier", "selector"),
    [
        (None, "vote()"),
        ("auto", "vote()"),
        ("agreement", "vote()"),
        (["agreement", HARD], "weighted_vote()"),
        (["auto", HARD], "weighted_vote()"),
        (["agreement", "judge"], "weighted_vote()"),
        ("judge", "weighted_vote()"),
        (HARD, "weighted_vote()"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_votes_are_weighed_once_somebody_does_more_than_compare(
    verifier: Any, selector: str
) -> None:
    assert repr(default_selector(resolve_verifiers(verifier, model=CHAT))) == selector


@pytest.mark.parametrize(
    ("verifier", "policy"),
    [
        (None, "adaptive(16, first=3)"),
        ("agreement", "adaptive(16, first=3)"),
        ("auto", "route(agreement(3), adaptive(16, first=3), best_of(8), above=0.9)"),
        ("plausible", "adaptive(16, first=3)"),
        ("judge", "until(sample(8, batch=4), agree(0.95) | passed(0.95, count=2))"),
        (HARD, "until(sample(8, batch=4), agree(0.95) | passed(0.95, count=2))"),
        (["agreement", HARD], "until(sample(8, batch=4), agree(0.95))"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_votes_are_weighed_against_their_price_and_scores_end_a_run_where_none_is_a_share(
    verifier: Any, policy: str
) -> None:
    found = default_policy(resolve_verifiers(verifier, model=CHAT))
    assert found == resolve_policy(policy)


def test_three_answers_alike_end_a_run_and_others_are_drawn_until_votes_tell() -> None:
    for answers, calls in ((["Answer: 7"] * 3, 3), (["Answer: 7", "Answer: 1"] * 8, 16)):
        with ModelServer(replies(answers)) as server:
            model = OpenAIChatModel(model="loopback", base_url=server.url)
            run = Run.of(create_verifier_agent(model).invoke(QUESTION))
        assert run.spent.calls <= calls
        assert run.selection.answer == "7"
    assert run.spent.calls > 3


def replies(answers: Sequence[str]) -> Callable[[Request], Reply]:
    turn = iter(answers)
    return lambda request: Reply(next(turn))


def test_answers_in_words_are_drawn_in_two_rounds_and_all_are_judged() -> None:
    # adaptive() would take the judge's 0.9 for a chance that at most one answer has, and go on
    def script(request: Request) -> Reply:
        asked = request.question == "What is it?"
        return Reply(f"an ode, the {request.index}th" if asked else report(9))

    with ModelServer(script) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        run = Run.of(create_verifier_agent(model).invoke(QUESTION))
    assert len(run.decisions) == 3  # the last one ends it
    assert run.spent.calls == 16
    assert [j.score for j in run.tree.finished] == [0.9] * 8


def test_two_proven_answers_end_a_run_at_once_however_the_others_disagree() -> None:
    answers = ["Answer: 7", "Answer: 1", "Answer: 2", "Answer: 7"]
    with ModelServer(replies(answers)) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        run = Run.of(create_verifier_agent(model, verifier=HARD).invoke(QUESTION))
    assert (run.spent.calls, run.selection.outcome) == (4, "verified")
    assert run.selection.answer == "7"


def test_two_answers_alike_among_answers_in_words_do_not_end_a_run() -> None:
    # agreement gives the two 1.0: they are all that can be compared
    answers = ["a poem", "Answer: 1", "a ballad", "Answer: 1", *["a sonnet"] * 12]
    with ModelServer(replies(answers)) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        run = Run.of(create_verifier_agent(model, verifier="agreement").invoke(QUESTION))
    assert run.spent.calls >= 8


def test_proof_beats_a_majority_that_agrees() -> None:
    answers = ["Answer: 1", "Answer: 7", "Answer: 1", "Answer: 2"]
    with ModelServer(replies(answers)) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        agent = create_verifier_agent(model, verifier=["agreement", HARD], policy="best_of(4)")
        run = Run.of(agent.invoke(QUESTION))
    assert run.selection.answer == "7"
