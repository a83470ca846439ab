"""Several models in one agent: actions name the one they ask."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from verifier_agent import (
    Budget,
    ConfigurationError,
    Generate,
    PolicyError,
    Price,
    Run,
    Select,
    create_verifier_agent,
)
from verifier_agent.budget import Remaining
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search.policy import policy
from verifier_agent.testing import ModelServer, Reply, Request
from verifier_agent.tree import Tree
from verifier_agent.values import Action

QUESTION = {"messages": [("user", "What is 3 + 4?")]}
PRICES = {"nano": Price(input=1.0, output=1.0), "giant": Price(input=10.0, output=10.0)}


def say(request: Request) -> Reply:
    return Reply("Answer: 7" if request.body["model"] == "giant" else f"Answer: {request.index}")


@policy
def ask_larger(tree: Tree, remaining: Remaining) -> Sequence[Action]:
    """Ask the small model twice, and the large one where they differ."""
    asked = [c.model for c in tree]
    if not asked:
        return [Generate(n=2)]
    if len(tree.answers) > 1 and "large" not in asked:
        return [Generate(model="large")]
    return [Select()]


def models(url: str) -> dict[str, str | OpenAIChatModel]:  # type: ignore[type-arg,unused-ignore]
    return {
        "small": OpenAIChatModel(model="nano", base_url=url),
        "large": OpenAIChatModel(model="giant", base_url=url),
    }


def test_an_action_asks_the_model_it_names_and_the_first_if_it_names_none() -> None:
    with ModelServer(say) as server:
        agent = create_verifier_agent(
            models(server.url), verifier="agreement", policy=ask_larger(), prices=PRICES
        )
        run = Run.of(agent.invoke(QUESTION))
        assert server.settle()
        asked = [served.request.body["model"] for served in server.served]
        by_hand = sum(
            (s.input_tokens + s.output_tokens) * PRICES[s.request.body["model"]].input / 1e6
            for s in server.served
        )
    assert sorted(asked) == ["giant", "nano", "nano"]
    assert [c.model for c in run.candidates] == ["small", "small", "large"]
    assert run.spent.usd == pytest.approx(by_hand)


async def test_named_policies_ask_one_of_several_models_too() -> None:
    with ModelServer(say) as server:
        agent = create_verifier_agent(models(server.url), verifier="agreement", seed=0)
        per_call = {"policy": 'best_of(3, model="large")'}
        run = Run.of(await agent.ainvoke(QUESTION, {"configurable": {"verifier_agent": per_call}}))
        assert server.settle()
        assert {served.request.body["model"] for served in server.served} == {"giant"}
    assert run.selection.answer == "7"
    assert [c.model for c in run.candidates] == ["large"] * 3


def test_a_model_that_the_agent_does_not_have_is_refused_before_anything_is_spent() -> None:
    with ModelServer(say) as server:
        agent = create_verifier_agent(models(server.url), policy='best_of(2, model="larg")')
        with pytest.raises(PolicyError, match=r"'larg'.*'large'"):
            agent.invoke(QUESTION)
        assert server.calls == 0
    with pytest.raises(ConfigurationError, match="at least one model"):
        create_verifier_agent({})


def test_a_limit_in_dollars_needs_the_price_of_every_model() -> None:
    with ModelServer(say) as server:
        prices = {"nano": PRICES["nano"]}
        with pytest.raises(ConfigurationError, match="price of 'giant' is unknown"):
            create_verifier_agent(models(server.url), budget=Budget(usd=1.0), prices=prices)


def test_a_dear_model_gets_no_more_than_the_budget_pays_for() -> None:
    with ModelServer(say) as server:
        agent = create_verifier_agent(
            models(server.url),
            verifier="agreement",
            policy='sample(40, model="large")',
            prices=PRICES,
            budget=Budget(usd=0.015),
            max_tokens=50,
        )
        run = Run.of(agent.invoke(QUESTION))
        spent = 10.0 * (server.input_tokens + server.output_tokens) / 1e6
    assert run.selection.outcome == "budget"
    assert 0 < spent <= 0.015
