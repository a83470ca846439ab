"""From names, functions and objects to verifiers; "auto"; who is charged for a judge."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from verifier_agent import Budget, Price, Run, create_verifier_agent
from verifier_agent.embedded import EmbeddedChatModel, EmbeddedRewardModel
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import best_of, sample
from verifier_agent.testing import ModelServer, Reply, Request, Served, always
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import (
    Agreement,
    ArithmeticSteps,
    Constraints,
    FunctionVerifier,
    Judge,
    PairwiseJudge,
    Schema,
    StepJudge,
    resolve_verifiers,
)

CHAT = OpenAIChatModel(model="loopback", base_url="http://127.0.0.1:1/v1")
QUESTION = {"messages": [("user", "What is it?")]}
REPORT = json.dumps({"reasoning": "checked", "criteria": [], "score": 8})


def coin(task: Task, candidate: Candidate) -> float:
    return 0.5


class Own:
    name = "own"

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        return [Verdict(candidate=c.id, verifier="own", score=1.0) for c in candidates]


def names(verifier: Any, model: Any = CHAT) -> list[str]:
    return [v.name for v in resolve_verifiers(verifier, model=model)]


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("agreement", [Agreement]),
        ("arithmetic", [ArithmeticSteps]),
        ("constraints", [Constraints]),
        ("judge", [Judge]),
        ("pairwise", [PairwiseJudge]),
        ("schema", [Schema]),
        ("step-judge", [StepJudge]),
        ("embedded-prm", [EmbeddedRewardModel]),
    ],
)
def test_every_name_gives_its_verifier(name: str, classes: list[type]) -> None:
    found = resolve_verifiers(name, model=CHAT)
    assert [type(v) for v in found] == classes
    assert [v.name for v in found] == [name]


def test_the_judge_reads_with_the_agents_model_or_with_the_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (own,) = resolve_verifiers("judge", model=CHAT)
    assert isinstance(own, Judge)
    assert own.model is CHAT
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    (named,) = resolve_verifiers("judge:openai:gpt-5-mini", model=CHAT)
    assert isinstance(named, Judge)
    assert named.model_name == "gpt-5-mini"
    assert named.name == "judge"
    for family in ("pairwise", "step-judge"):
        assert names(f"{family}:openai:gpt-5-mini") == [family]


def test_none_means_nobody_and_a_list_means_each_of_them() -> None:
    assert resolve_verifiers(None, model=CHAT) == ()
    assert resolve_verifiers([], model=CHAT) == ()
    assert names(["agreement", None, coin, Own()]) == ["agreement", "coin", "own"]
    assert names(("arithmetic", "judge")) == ["arithmetic", "judge"]


def test_objects_and_functions_are_taken() -> None:
    own, function = Own(), FunctionVerifier(coin)
    assert resolve_verifiers(own, model=CHAT) == (own,)  # type: ignore[comparison-overlap]
    assert resolve_verifiers(function, model=CHAT) == (function,)  # type: ignore[comparison-overlap, arg-type]
    (made,) = resolve_verifiers(coin, model=CHAT)
    assert isinstance(made, FunctionVerifier)
    assert made.function is coin


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("agreemnt", "did you mean 'agreement'?"),
        ("arithmetics", "did you mean 'arithmetic'?"),
        ("Judge", "did you mean 'judge'?"),
        ("embedded", "did you mean 'embedded-prm'?"),
        ("xyz", "known: agreement, algebra, all:NAME,NAME, any:NAME,NAME, arithmetic"),
        ("", "unknown verifier ''"),
        ("judge:", "a name is needed"),
        ("judge:nobody:x", "unknown provider 'nobody'"),
        (Agreement, "Agreement is a class: make one of it, Agreement(…)"),
        (Judge, "Judge is a class"),
        (3, "verifier=3: give a name such as 'judge'"),
        ({"judge": 1}, "give a name such as 'judge'"),
        (["judge", 3], "verifier=3"),
        (["agreement", "agreement"], "two verifiers are called 'agreement'"),
        ([coin, coin], "two verifiers are called 'coin'"),
        ([lambda t, c: 1.0, lambda t, c: 0.0], "FunctionVerifier(function, name=…)"),
        (["auto", "judge"], "two verifiers are called 'judge'"),
    ],
    ids=lambda value: re.sub(r" at 0x\w+", "", repr(value)),  # the same in every process
)
def test_anything_else_is_refused_in_words_that_help(given: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_verifiers(given, model=CHAT)
    assert said in str(caught.value)


def test_a_wrong_verifier_is_refused_before_anything_is_spent() -> None:
    with ModelServer(always("Answer: 1")) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        with pytest.raises(ConfigurationError, match="did you mean 'judge'"):
            create_verifier_agent(model, verifier="jugde")
        assert server.calls == 0


def test_the_embedded_model_cannot_be_a_judge() -> None:
    with pytest.raises(ConfigurationError, match="cannot be a judge"):
        resolve_verifiers("judge", model=EmbeddedChatModel())
    with pytest.raises(ConfigurationError, match="cannot be a judge"):
        resolve_verifiers("judge:embedded", model=CHAT)


# ---- auto


def test_auto_is_agreement_and_a_judge_where_the_model_can_be_one() -> None:
    assert names("auto") == ["agreement", "judge"]
    assert names("auto", EmbeddedChatModel()) == ["agreement"]


def script(answers: Sequence[str]) -> Any:
    """Answers by seed order; a judge's request is known by its system message."""
    turn = iter(answers * 10)

    def say(request: Request) -> Reply:
        return Reply(REPORT if judging(request) else next(turn))

    return say


def judging(request: Request) -> bool:
    return "You grade an answer" in str(request.messages[0]["content"])


async def both_ways(agent: Any) -> list[Run]:
    return [
        Run.of(await asyncio.to_thread(agent.invoke, QUESTION)),
        Run.of(await agent.ainvoke(QUESTION)),
    ]


async def test_answers_with_keys_are_compared_and_no_judge_is_called() -> None:
    with ModelServer(script(["Answer: 1", "Answer: 2", "Answer: 1"])) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        for run in await both_ways(create_verifier_agent(model, policy=best_of(3))):
            assert {v.verifier for v in run.tree.verdicts} == {"agreement"}
            assert run.selection.answer == "1"
            assert run.spent.calls == 3
        assert not any(judging(served.request) for served in server.served)


async def test_answers_in_words_are_judged_and_the_record_says_by_whom() -> None:
    with ModelServer(script(["a poem", "another poem"])) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        for run in await both_ways(create_verifier_agent(model, policy=best_of(2))):
            scored = {v.verifier for v in run.tree.verdicts if v.score is not None}
            assert scored == {"judge"}
            assert [run.tree.score(c.id) for c in run.candidates] == [0.8, 0.8]
            assert run.spent.calls == 4
        assert server.calls == 8


async def judged_texts(answers: Sequence[str], *, batch: int) -> tuple[Run, list[str]]:
    """Run over these answers; return the run and which of them a judge was shown."""
    with ModelServer(script(answers)) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        agent = create_verifier_agent(model, policy=sample(len(answers), batch=batch))
        run = Run.of(await agent.ainvoke(QUESTION))
        assert server.settle()
        shown = [str(s.request.messages) for s in server.served if judging(s.request)]
        assert run.spent.calls == len(answers) + len(shown)
        return run, [a for text in shown for a in dict.fromkeys(answers) if a in text]


async def test_no_judge_is_called_once_a_majority_of_the_answers_has_keys() -> None:
    answers = ["a poem", "Answer: 1", "Answer: 1", "Answer: 1", "a ballad"]
    run, judged = await judged_texts(answers, batch=1)
    # the second is judged while keys are but half of what there is; after it they are more
    assert judged == ["a poem", "Answer: 1"]
    assert run.selection.answer == "1"


async def test_one_key_among_answers_in_words_leaves_none_of_them_unjudged() -> None:
    answers = ["a poem", "a ballad", "Answer: unclear", "a sonnet"]
    run, judged = await judged_texts(answers, batch=4)
    assert sorted(judged) == sorted(answers)
    assert [run.tree.score(c.id) for c in run.candidates] == [0.8] * 4
    # the one key elects nobody: among equal scores the first stands, whichever reply it got
    assert run.selection.candidate == "g0"
    assert run.selection.basis == "score"


@pytest.mark.parametrize(
    ("keys", "applies"),
    [
        ([], True),
        ([None], True),
        (["1"], False),
        (["1", None], True),
        (["1", "2", None], False),
        (["1", None, None], True),
    ],
)
def test_the_judge_of_auto_applies_until_more_than_half_have_keys(
    keys: list[str | None], applies: bool
) -> None:
    _, judge = resolve_verifiers("auto", model=CHAT)
    finished = [Candidate(id=f"g{i}", answer=key) for i, key in enumerate(keys)]
    assert judge.applies(finished) is applies  # type: ignore[attr-defined]


# ---- what a judge costs


PRICES = {"loopback": Price(input=1.0, output=2.0), "critic": Price(input=100.0, output=300.0)}


def usd(served: Served) -> float:
    price = PRICES[served.request.body["model"]]
    return (served.input_tokens * price.input + served.output_tokens * price.output) / 1e6


async def test_a_judges_calls_count_and_are_priced_by_its_own_model() -> None:
    with ModelServer(script(["Answer: 1"])) as server:
        model = OpenAIChatModel(model="loopback", base_url=server.url)
        critic = OpenAIChatModel(model="critic", base_url=server.url)
        agent = create_verifier_agent(
            model, verifier=Judge(critic), policy=best_of(2), prices=PRICES
        )
        runs = await both_ways(agent)
        assert server.settle()
        for run, served in zip(runs, (server.served[:4], server.served[4:]), strict=True):
            assert run.spent.calls == len(served) == 4
            assert run.spent.tokens == sum(s.input_tokens + s.output_tokens for s in served)
            assert run.spent.usd == pytest.approx(sum(map(usd, served)))
            assert run.spent.exact


def test_a_limit_in_dollars_needs_the_price_of_the_judge() -> None:
    critic = OpenAIChatModel(model="critic", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(ConfigurationError, match="the price of 'critic' is unknown"):
        create_verifier_agent(
            CHAT,
            verifier=Judge(critic),
            budget=Budget(usd=1.0),
            prices={"loopback": Price(input=1.0, output=1.0)},
        )
