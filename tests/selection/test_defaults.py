"""What an agent does where neither a policy nor a selector is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from verifier_agent import Run, create_verifier_agent
from verifier_agent.graph.build import default_policy, default_selector
from verifier_agent.models import OpenAIChatModel
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
    ("verifier", "stops_at_scores"),
    [
        (None, True),
        ("judge", True),
        (HARD, True),
        ("agreement", False),
        ("auto", False),
        (["agreement", HARD], False),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_high_scores_end_a_run_only_where_no_score_is_a_vote_share(
    verifier: Any, stops_at_scores: bool
) -> None:
    policy = repr(default_policy(resolve_verifiers(verifier, model=CHAT)))
    assert "agree(" in policy
    assert ("passed(" in policy) is stops_at_scores


def replies(answers: Sequence[str]) -> Callable[[Request], Reply]:
    turn = iter(answers)
    return lambda request: Reply(next(turn))


def test_two_proven_answers_end_a_run_at_once_however_the_others_disagree() -> None:
    answers = ["Answer: 7", "Answer: 1", "Answer: 2", "Answer: 7"]
    with ModelServer(replies(answers)) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        run = Run.of(create_verifier_agent(model, verifier=HARD).invoke(QUESTION))
    assert (run.spent.calls, run.selection.outcome) == (4, "verified")
    assert run.selection.answer == "7"


def test_two_answers_alike_among_answers_in_words_do_not_end_a_run() -> None:
    # agreement gives the two 1.0: they are all that can be compared
    answers = ["a poem", "Answer: 1", "a ballad", "Answer: 1", *["a sonnet"] * 4]
    with ModelServer(replies(answers)) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        run = Run.of(create_verifier_agent(model, verifier="agreement").invoke(QUESTION))
    assert run.spent.calls == 8


def test_proof_beats_a_majority_that_agrees() -> None:
    answers = ["Answer: 1", "Answer: 7", "Answer: 1", "Answer: 2"]
    with ModelServer(replies(answers)) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        agent = create_verifier_agent(model, verifier=["agreement", HARD], policy="best_of(4)")
        run = Run.of(agent.invoke(QUESTION))
    assert run.selection.answer == "7"
