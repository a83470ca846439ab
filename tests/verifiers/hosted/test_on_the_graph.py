"""A hosted reward model inside a run: it chooses, its tokens are counted, and the budget holds."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from tests.verifiers.hosted.asking import rate
from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.embedded import EmbeddedRewardModel, example
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import Fault, ModelServer, RewardServer, cycle
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers import HostedRewardModel
from verifier_agent.verifiers.local import PRMSpec

ANSWERS = ["I say [0.5]. Answer: 1", "I say [2.5]. Answer: 2", "I say [-1.5]. Answer: 3"]
MESSAGES = {"messages": [("user", "Which one?")]}


def agent(models: ModelServer, rewards: RewardServer, **settings: Any) -> Any:
    named = f"hosted:classify:{rewards.url}?model=rm&scale=logit"
    return create_verifier_agent(
        OpenAIChatModel(model="loopback", base_url=models.url, max_tokens=64),
        verifier=f"{named}&template={{question}} {{answer}}",
        policy="best_of(3)",
        selector="best",
        **settings,
    )


@pytest.mark.parametrize("how", ["sync", "async"])
def test_the_best_rewarded_answer_is_chosen_and_all_is_counted(how: str) -> None:
    with ModelServer(cycle(ANSWERS)) as models, RewardServer(rate) as rewards:
        one = agent(models, rewards, budget=Budget(calls=20))
        state = one.invoke(MESSAGES) if how == "sync" else asyncio.run(one.ainvoke(MESSAGES))
        run = Run.of(state)
        assert run.selection.answer == "2"
        assert run.spent.calls == models.calls + rewards.calls
        assert run.spent.tokens == (
            models.input_tokens + models.output_tokens + rewards.input_tokens
        )
        assert rewards.calls == 1


def test_a_budget_that_cannot_pay_for_the_reward_model_is_not_overrun() -> None:
    with ModelServer(cycle(ANSWERS)) as models, RewardServer(rate) as rewards:
        one = agent(models, rewards, budget=Budget(calls=5))
        run = Run.of(one.invoke(MESSAGES))
        assert models.calls + rewards.calls == run.spent.calls <= 5
        assert run.selection.candidate is not None


def test_a_run_whose_reward_model_is_down_ends_with_an_answer_and_says_so() -> None:
    fault = Fault("status", 503, retry_after=0.0)
    with ModelServer(cycle(ANSWERS)) as models, RewardServer(rate, fault=fault) as rewards:
        run = Run.of(agent(models, rewards, budget=Budget(calls=20)).invoke(MESSAGES))
        assert run.spent.calls == models.calls + rewards.calls
    assert run.selection.candidate is not None
    verdicts = run.tree.verdicts
    assert all(verdict.score is None for verdict in verdicts)
    assert all("VerifierUnavailable" in str(verdict.error) for verdict in verdicts)


def test_the_embedded_reward_model_behind_a_server_judges_as_it_does_itself() -> None:
    own = EmbeddedRewardModel()

    def logit(text: str) -> float:
        question, _, steps = text.partition("\n\n")
        answer = Candidate(id="g0", text=steps.replace("<step>", "\n"), done=False)
        (verdict,) = own.verify_sync(Task(question=question), [answer])
        share = verdict.steps[-1]
        assert share is not None
        return math.log(share / (1 - share))

    spec = PRMSpec(
        layout="plain", question="{question}\n\n", mark="<step>", read="mark", split="\n"
    )
    story = example(level=3, seed=4)
    wrong = story.solution.replace("= ", "= 1")
    answers = [
        Candidate(id="g0", text=story.solution, done=False),
        Candidate(id="g1", text=wrong, done=False),
    ]
    task = Task(question=story.question)
    with RewardServer(logit, labels=2, mark="<step>") as server:
        hosted = HostedRewardModel(server.url, wire="pooling", spec=spec).verify_sync(task, answers)
    for verdict, expected in zip(hosted, own.verify_sync(task, answers), strict=True):
        assert verdict.steps == pytest.approx(expected.steps, abs=1e-6)
    assert hosted[0].score > hosted[1].score  # type: ignore[operator]
