"""Agreement: the share of answered candidates that say the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent import Run, create_verifier_agent
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import sample
from verifier_agent.testing import ModelServer, cycle
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import Agreement

TASK = Task(question="q")


def answered(*answers: str | None) -> list[Candidate]:
    return [Candidate(id=f"g{i}", text="t", answer=answer) for i, answer in enumerate(answers)]


def judge(candidates: Sequence[Candidate]) -> list[Verdict]:
    return Agreement().verify_sync(TASK, candidates)


def test_a_vote_share_counted_by_hand() -> None:
    verdicts = judge(answered("4", "4", "5", "4"))
    assert [v.score for v in verdicts] == [0.75, 0.75, 0.25, 0.75]
    assert [v.raw for v in verdicts] == [3, 3, 1, 3]
    assert verdicts[2].evidence == {"votes": 1, "answered": 4}
    assert [v.version for v in verdicts] == [4, 4, 4, 4]
    assert not any(v.hard or v.error or v.feedback for v in verdicts)
    assert all(v.cost.calls == 0 and v.cost.usd == 0 for v in verdicts)


def test_who_has_no_answer_has_no_vote_and_gets_an_error_not_a_zero() -> None:
    voters = answered("4", None, "5")
    step = Candidate(id="g3", text="t", answer="4", done=False)
    failed = Candidate(id="g4", answer="4", error="refused")
    verdicts = judge([*voters, step, failed])
    assert [v.score for v in verdicts] == [0.5, None, 0.5, None, None]
    assert [v.error for v in verdicts[1::2]] == ["no answer to compare"] * 2
    assert verdicts[4].error == "no answer to compare"


def test_a_single_answer_has_nothing_to_agree_with_and_the_empty_answer_is_one() -> None:
    (alone,) = judge(answered("4"))
    assert (alone.score, alone.error) == (None, "a single answer has nothing to agree with")
    assert [v.score for v in judge(answered("", "4"))] == [0.5, 0.5]
    assert judge(answered(None))[0].score is None
    assert judge([]) == []


@given(st.lists(st.one_of(st.none(), st.sampled_from("abc")), max_size=12))
def test_the_shares_of_the_answers_add_up_to_one(answers: list[str | None]) -> None:
    verdicts = judge(answered(*answers))
    shares = {a: v.score for a, v in zip(answers, verdicts, strict=True) if a is not None}
    voters = len(answers) - answers.count(None)
    total = 1.0 if voters > 1 else 0.0
    assert sum(score or 0.0 for score in shares.values()) == pytest.approx(total)
    counts = [sum(other == answer for other in answers) for answer in answers]
    assert [v.raw for v in verdicts if v.error is None] == [
        count
        for count, answer in zip(counts, answers, strict=True)
        if answer is not None and voters > 1
    ]


async def test_sync_and_async_say_the_same() -> None:
    candidates = answered("4", None, "5")
    assert await Agreement().verify(TASK, candidates) == judge(candidates)


async def test_in_a_run_all_are_judged_anew_when_some_arrive() -> None:
    with ModelServer(cycle(["Answer: 1", "Answer: 2", "Answer: 1", "Answer: 1"])) as server:
        agent = create_verifier_agent(
            OpenAIChatModel(model="loopback", base_url=server.url),
            verifier="agreement",
            policy=sample(4, batch=1),
        )
        question = {"messages": [("user", "What is it?")]}
        for run in (
            Run.of(await asyncio.to_thread(agent.invoke, question)),
            Run.of(await agent.ainvoke(question)),
        ):
            assert [run.tree.score(c.id) for c in run.candidates] == [0.75, 0.25, 0.75, 0.75]
            assert run.spent.calls == 4
