"""A plain function as a verifier: what it may return, and what is made of everything else."""

from __future__ import annotations

import asyncio
import functools
import math
import threading
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from langgraph.errors import GraphInterrupt

from verifier_agent import Run, create_verifier_agent
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import best_of
from verifier_agent.testing import ModelServer, always, cycle
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import FunctionVerifier

TASK = Task(question="q", context={"reference": "4"})
CANDIDATES = [Candidate(id="g0", text="four"), Candidate(id="g1", text="five")]
QUESTION = {"messages": [("user", "What is it?")]}


async def both(verifier: FunctionVerifier) -> list[Verdict]:
    """Ask with an event loop, and without one where that is possible; both must say the same."""
    verdicts = await verifier.verify(TASK, CANDIDATES)
    direct = getattr(verifier, "verify_sync", None)
    if direct is not None:
        assert await asyncio.to_thread(direct, TASK, CANDIDATES) == verdicts
    assert [v.candidate for v in verdicts] == ["g0", "g1"]
    return list(verdicts)


def returning(given: Any, **settings: Any) -> FunctionVerifier:
    return FunctionVerifier(lambda task, candidate: given, **settings)


@pytest.mark.parametrize(
    ("given", "score", "hard"),
    [
        (True, 1.0, True),
        (False, 0.0, True),
        (np.True_, 1.0, True),
        (np.bool_(False), 0.0, True),
        (1, 1.0, False),
        (0, 0.0, False),
        (0.25, 0.25, False),
        (np.float32(0.5), 0.5, False),
        (np.int64(1), 1.0, False),
        (Fraction(1, 4), 0.25, False),
        (-0.0, 0.0, False),
    ],
    ids=repr,
)
async def test_a_yes_or_no_is_proof_and_a_number_is_a_score(
    given: Any, score: float, hard: bool
) -> None:
    for verdict in await both(returning(given)):
        assert (verdict.score, verdict.hard, verdict.error) == (score, hard, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "returned NoneType"),
        ("yes", "returned str"),
        ("0.5", "returned str"),
        ([0.5], "returned list"),
        (1j, "returned complex"),
        (math.nan, "returned nan"),
        (np.float64("nan"), "a score is in [0, 1]"),
        (math.inf, "returned inf"),
        (1.01, "returned 1.01"),
        (-1, "returned -1"),
        (np.array([0.1, 0.2]), "TypeError"),
        (Verdict(candidate="g9", verifier="x", score=1.0), "answered for 'g9'"),
    ],
    ids=repr,
)
async def test_anything_else_is_an_error_and_never_a_score(given: Any, said: str) -> None:
    for verdict in await both(returning(given)):
        assert (verdict.score, verdict.hard) == (None, False)
        assert said in str(verdict.error)


async def test_an_exception_is_an_error_of_one_candidate_alone() -> None:
    def picky(task: Task, candidate: Candidate) -> float:
        if candidate.text == "five":
            raise LookupError("no such thing")
        return 0.5

    first, second = await both(FunctionVerifier(picky))
    assert (first.score, first.error) == (0.5, None)
    assert (second.score, second.error) == (None, "picky: LookupError: no such thing")


async def test_a_verdict_is_taken_as_it_is_under_the_verifiers_name() -> None:
    def critic(task: Task, candidate: Candidate) -> Verdict:
        return Verdict(
            candidate=candidate.id,
            verifier="anybody",
            score=0.25,
            steps=(1.0, None),
            feedback="the second line is wrong",
            evidence={"reference": task.context["reference"]},
            hard=True,
        )

    verdict, _ = await both(FunctionVerifier(critic, name="critic"))
    assert verdict == Verdict(
        candidate="g0",
        verifier="critic",
        score=0.25,
        steps=(1.0, None),
        feedback="the second line is wrong",
        evidence={"reference": "4"},
        hard=True,
    )


async def test_a_verdict_outside_its_range_is_an_error() -> None:
    def broken(task: Task, candidate: Candidate) -> Verdict:
        return Verdict(candidate=candidate.id, verifier="x", score=7.0)

    for verdict in await both(FunctionVerifier(broken)):
        assert verdict.score is None
        assert "scored candidate" in str(verdict.error)


@pytest.mark.parametrize(
    ("given", "hard", "proof"),
    [
        (True, None, True),
        (True, False, False),
        (True, True, True),
        (0.5, None, False),
        (0.5, True, True),
        (0.5, False, False),
    ],
)
async def test_hard_says_whether_a_word_is_proof(
    given: Any, hard: bool | None, proof: bool
) -> None:
    verifier = returning(given, hard=hard)
    assert {v.hard for v in await both(verifier)} == {proof}
    assert verifier.hard is (hard is True)


async def test_a_failure_is_no_proof_even_where_every_word_is() -> None:
    assert not any(v.hard for v in await both(returning(None, hard=True)))


# ---- async functions


async def slow(task: Task, candidate: Candidate) -> float:
    await asyncio.sleep(0.05)
    return 0.5


class Callable:
    async def __call__(self, task: Task, candidate: Candidate) -> float:
        return await slow(task, candidate)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (slow, "slow"),
        (Callable(), "Callable"),
        (Callable().__call__, "__call__"),
        (functools.partial(slow), "partial"),
    ],
)
async def test_async_functions_are_awaited_side_by_side(function: Any, name: str) -> None:
    verifier = FunctionVerifier(function)
    assert verifier.name == name
    assert not hasattr(verifier, "verify_sync")
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert [v.score for v in await verifier.verify(TASK, CANDIDATES * 10)] == [0.5] * 20
    assert loop.time() - began < 10 * 0.05


@pytest.mark.parametrize("function", [slow, Callable()])
async def test_an_async_function_serves_sync_callers_too(function: Any) -> None:
    with ModelServer(always("Answer: 1")) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        agent = create_verifier_agent(model, verifier=function, policy=best_of(3))
        run = Run.of(await asyncio.to_thread(agent.invoke, QUESTION))
        assert [run.tree.score(c.id) for c in run.candidates] == [0.5] * 3
        assert Run.of(await agent.ainvoke(QUESTION)).tree.score("g0") == 0.5


async def test_an_exception_of_an_async_function_is_an_error_of_one_candidate_alone() -> None:
    async def picky(task: Task, candidate: Candidate) -> bool:
        return bool(1 / (candidate.text == "four"))

    first, second = await both(FunctionVerifier(picky))
    assert (first.score, first.hard) == (1.0, True)
    assert second.error == "picky: ZeroDivisionError: division by zero"


async def test_a_coroutine_from_a_sync_function_is_an_error_that_says_what_to_do() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "was never awaited" would be one
        for verdict in await both(FunctionVerifier(lambda t, c: slow(t, c))):
            assert verdict.score is None
            assert "declare it with `async def`" in str(verdict.error)


async def test_a_sync_function_does_not_hold_up_the_event_loop() -> None:
    threads = set()

    def note(task: Task, candidate: Candidate) -> float:
        threads.add(threading.get_ident())
        return 0.5

    await FunctionVerifier(note).verify(TASK, CANDIDATES)
    assert threads
    assert threading.get_ident() not in threads


# ---- its place in a run


async def test_an_interrupt_of_the_host_is_let_by() -> None:
    def person(task: Task, candidate: Candidate) -> bool:
        raise GraphInterrupt

    async def distant(task: Task, candidate: Candidate) -> bool:
        raise GraphInterrupt

    with pytest.raises(GraphInterrupt):
        FunctionVerifier(person).verify_sync(TASK, CANDIDATES)
    for function in (person, distant):
        with pytest.raises(GraphInterrupt):
            await FunctionVerifier(function).verify(TASK, CANDIDATES)


def test_a_lambda_has_a_plain_name_and_a_given_name_wins() -> None:
    assert returning(True).name == "function"
    assert returning(True, name="tests").name == "tests"


@pytest.mark.parametrize("given", [None, "judge", 3])
def test_what_cannot_be_called_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="is no function"):
        FunctionVerifier(given)


async def test_proof_beats_a_majority_in_a_run() -> None:
    def right(task: Task, candidate: Candidate) -> bool:
        return candidate.answer == "2"

    with ModelServer(cycle(["Answer: 1", "Answer: 1", "Answer: 2", "Answer: 1"])) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        agent = create_verifier_agent(
            model, verifier=[right, "agreement"], policy=best_of(4), selector="best"
        )
        run = Run.of(await agent.ainvoke(QUESTION))
        assert run.selection.answer == "2"
        assert sorted(run.tree.score(c.id) or 0.0 for c in run.candidates) == [0, 0, 0, 1]
