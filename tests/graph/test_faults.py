"""When a model or a verifier fails: nothing is lost, nothing becomes a score, all is charged."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from verifier_agent import (
    Budget,
    BudgetTooSmall,
    Candidate,
    ConfigurationError,
    PolicyError,
    Price,
    Run,
    Task,
    Verdict,
    create_verifier_agent,
)
from verifier_agent.budget import Allowance
from verifier_agent.graph.calls import Failure
from verifier_agent.graph.growing import STATED, charges
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import best_of, revise
from verifier_agent.testing import Fault, ModelServer, Reply, Request, always
from verifier_agent.values import Generate, Select, Verify

QUESTION = {"messages": [("user", "What is it?")]}


def model(server: ModelServer, **settings: Any) -> OpenAIChatModel:
    return OpenAIChatModel(model="loopback", base_url=server.url, **settings)


def refusing(index: int, fault: Fault, text: str = "Answer: 1") -> Any:
    def script(request: Request) -> Reply | Fault:
        return fault if request.index == index else Reply(text)

    return script


async def both_ways(agent: Any) -> list[Run]:
    """The same question without and with an event loop."""
    first = await asyncio.to_thread(agent.invoke, QUESTION)
    return [Run.of(first), Run.of(await agent.ainvoke(QUESTION))]


@pytest.mark.parametrize(
    "fault", [Fault("status", status=400), Fault("status", status=401), Fault("empty")]
)
async def test_a_refused_call_among_eight_keeps_the_other_seven(fault: Fault) -> None:
    def script(request: Request) -> Reply | Fault:
        return fault if request.index % 8 == 3 else Reply("Answer: 1")

    with ModelServer(script) as server:
        agent = create_verifier_agent(model(server), policy=best_of(8))
        for run in await both_ways(agent):
            assert [c.error is None for c in run.candidates].count(True) == 7
            assert len(run.candidates) == 8
            assert run.selection.answer == "1"
        assert server.calls == 16


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_transient_error_is_tried_again_and_charged(status: int) -> None:
    def script(request: Request) -> Reply | Fault:
        return (
            Fault("status", status=status, retry_after=0.0)
            if request.index % 2 == 0
            else Reply("Answer: 1")
        )

    with ModelServer(script) as server:
        agent = create_verifier_agent(model(server), policy=best_of(1))
        for run in await both_ways(agent):
            assert run.selection.answer == "1"
            assert run.spent.calls == 2


async def test_when_every_call_fails_the_outcome_is_failed_and_names_the_error() -> None:
    with ModelServer(lambda request: Fault("status", status=400)) as server:
        agent = create_verifier_agent(model(server), policy=best_of(3))
        for run in await both_ways(agent):
            assert run.selection.outcome == "failed"
            assert "400" in run.selection.reason
            assert run.selection.candidate is None
            assert run.spent.calls == 3


async def test_a_model_that_returns_an_empty_message_gives_a_candidate_with_an_error() -> None:
    with ModelServer(always("  ")) as server:
        for run in await both_ways(create_verifier_agent(model(server), policy=best_of(1))):
            assert run.candidates[0].error == "the model returned an empty message"
            assert run.selection.outcome == "failed"


async def test_a_deadline_ends_a_hanging_call_and_charges_it() -> None:
    with ModelServer(lambda request: Fault("hang", seconds=2.0)) as server:
        budget = Budget(seconds=0.4, calls=5)
        agent = create_verifier_agent(model(server), policy=best_of(1), budget=budget, max_tokens=9)
        for run in await both_ways(agent):
            assert run.spent.seconds <= 0.4
            assert "TimeoutError" in str(run.candidates[0].error)
            assert not run.spent.exact


def test_missing_usage_is_charged_at_the_allowance_and_marked_inexact() -> None:
    with ModelServer(lambda request: Reply("Answer: 1", usage=None)) as server:
        agent = create_verifier_agent(model(server), policy=best_of(2), max_tokens=50)
        run = Run.of(agent.invoke(QUESTION))
        assert not run.spent.exact
        assert run.spent.tokens >= server.input_tokens + server.output_tokens


# ---- verifiers


class Broken:
    """Gives whatever it was made with."""

    name = "broken"

    def __init__(self, given: Any) -> None:
        self.given = given

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> Sequence[Verdict]:
        if isinstance(self.given, Exception):
            raise self.given
        if callable(self.given):
            return list(self.given(candidates))
        return list(self.given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "gave 0 verdicts for 2 candidates"),
        (RuntimeError("boom"), "RuntimeError: boom"),
        ([None, None], "which is no Verdict"),
        (
            lambda cs: [Verdict(candidate="g9", verifier="broken", score=1.0) for _ in cs],
            "answered for 'g9'",
        ),
        (
            lambda cs: [Verdict(candidate=c.id, verifier="broken", score=math.nan) for c in cs],
            "scored candidate",
        ),
        (
            lambda cs: [Verdict(candidate=c.id, verifier="broken") for c in cs],
            "no score and no reason",
        ),
    ],
)
async def test_a_verifier_that_fails_is_reported_and_never_becomes_a_score(
    given: Any, said: str
) -> None:
    agent = create_verifier_agent("embedded", verifier=Broken(given), policy=best_of(2), seed=1)
    question = {
        "messages": [
            (
                "user",
                "Mia has 3 apples. Ann has 2 more apples than Mia. How many apples does Ann have?",
            )
        ]
    }
    for run in [
        Run.of(await asyncio.to_thread(agent.invoke, question)),
        Run.of(await agent.ainvoke(question)),
    ]:
        assert [v.score for v in run.tree.verdicts] == [None, None]
        assert all(said in str(v.error) for v in run.tree.verdicts)
        assert run.selection.candidate is not None


async def test_a_failing_verifier_beside_a_working_one_leaves_its_scores_alone() -> None:
    def likes(task: Task, candidate: Candidate) -> float:
        return 0.7

    with ModelServer(always("Answer: 1")) as server:
        verifiers = [likes, Broken(RuntimeError("boom"))]
        agent = create_verifier_agent(model(server), verifier=verifiers, policy=best_of(2))
        for run in await both_ways(agent):
            assert [run.tree.score(c.id) for c in run.candidates] == [0.7, 0.7]


async def test_feedback_of_the_verifier_reaches_the_model_that_revises() -> None:
    asked: list[Request] = []

    def script(request: Request) -> Reply:
        asked.append(request)
        revising = "17 is not a prime" in str(request.messages)
        return Reply("Answer: 19" if revising else "Answer: 18")

    def critic(task: Task, candidate: Candidate) -> Verdict:
        right = candidate.answer == "19"
        return Verdict(
            candidate=candidate.id,
            verifier="critic",
            score=1.0 if right else 0.0,
            feedback="" if right else "17 is not a prime factor",
            hard=True,
        )

    with ModelServer(script) as server:
        agent = create_verifier_agent(model(server), verifier=critic, policy=revise(3))
        for run in await both_ways(agent):
            assert [c.id for c in run.candidates] == ["g0", "g0.r0"]
            assert (run.selection.answer, run.selection.outcome) == ("19", "verified")
    assert "Answer: 18" in str(asked[1].messages)


# ---- what is refused before anything is spent


class Synchronous:
    """A verifier whose method cannot be awaited."""

    name = "synchronous"

    def verify(self, task: Task, candidates: Sequence[Candidate]) -> Sequence[Verdict]:
        return []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"verifier": "agrement"}, "did you mean 'agreement'"),
        ({"policy": "best_off(3)"}, "did you mean 'best_of'"),
        ({"selector": "votes"}, "did you mean 'vote'"),
        ({"budget": {"calls": 0}}, "calls=0"),
        ({"budget": {"seconds": -1.0}}, "seconds=-1.0"),
        ({"budget": {"token": 5}}, "did you mean 'tokens'"),
        ({"budget": {}}, "at least one limit"),
        ({"budget": {"tokens": math.nan}}, "tokens=nan"),
        ({"max_tokens": 0}, "max_tokens=0"),
        ({"seed": "one"}, "seed='one'"),
        ({"policy": 7}, "policy=7"),
        ({"policy": lambda tree: []}, "two arguments"),
        ({"policy": Generate}, "policy="),
        ({"selector": lambda: None}, "one argument"),
        ({"verifier": lambda candidate: True}, "two arguments"),
        ({"verifier": Synchronous()}, "async method"),
        ({"verifier": 7}, "7"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_spent(settings: Any, said: str) -> None:
    with ModelServer(always("x")) as server, pytest.raises(ConfigurationError, match=said):
        create_verifier_agent(model(server), **settings)
    assert server.calls == 0


@pytest.mark.parametrize("name", ["embeded", "", "openai:"])
def test_an_unknown_model_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        create_verifier_agent(name)


def test_a_budget_too_small_for_one_call_is_refused_before_anything_is_spent() -> None:
    with ModelServer(always("x")) as server:
        agent = create_verifier_agent(model(server), budget=Budget(tokens=10))
        with pytest.raises(BudgetTooSmall, match="tokens of 10"):
            agent.invoke(QUESTION)
    assert server.calls == 0


def test_a_limit_in_dollars_needs_a_known_price() -> None:
    with ModelServer(always("x")) as server:
        with pytest.raises(ConfigurationError, match="price of 'loopback' is unknown"):
            create_verifier_agent(model(server), budget=Budget(usd=1.0))
        prices = {"loopback": Price(input=1.0, output=2.0)}
        agent = create_verifier_agent(model(server), budget=Budget(usd=1.0), prices=prices)
        run = Run.of(agent.invoke(QUESTION))
        by_hand = (server.input_tokens * 1.0 + server.output_tokens * 2.0) / 1e6
        assert run.spent.usd == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ([], "returned no action"),
        ([Generate(), Select()], "one kind of round at a time"),
        ([Generate(parent="g7", until="step")], "does not exist"),
        ([Verify(candidates=("g0",))], "does not exist"),
        ([Generate(n=0)], "at least 1"),
        (["generate"], "which is no action"),
    ],
)
def test_an_impossible_action_is_a_policy_error(actions: Any, said: str) -> None:
    agent = create_verifier_agent("embedded", policy=lambda tree, remaining: actions)
    with pytest.raises(PolicyError, match=said):
        agent.invoke(QUESTION)


def test_words_in_the_name_of_a_model_need_one_that_continues() -> None:
    with ModelServer(always("x")) as server:
        agent = create_verifier_agent(model(server), policy="forced(2)")
        with pytest.raises(ConfigurationError, match="cannot continue a partial answer"):
            agent.invoke(QUESTION)
    assert server.calls == 0


def test_what_a_model_states_of_its_calls_never_hides_a_failed_attempt() -> None:
    message = AIMessage(
        "Answer: 1",
        response_metadata={STATED: {"calls": 1}},
        usage_metadata={"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
    )
    failures = [Failure(error="503", billed=False), Failure(error="lost", billed=True)]
    allowance = Allowance(attempts=3, max_tokens=10, input_tokens=7)
    (cost,) = charges(allowance, 1, [message], failures)
    # one that was answered, one refused without tokens, one charged at its allowance
    assert (cost.calls, cost.input_tokens, cost.output_tokens) == (3, 3 + 7, 2 + 10)
    assert not cost.exact
