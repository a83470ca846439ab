"""A hosted reward model inside a run: it chooses, its tokens are counted, and the budget holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.verifiers.hosted.asking import rate
from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import Fault, ModelServer, RewardServer, cycle

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
