"""Everything a run used, told apart, against what a counting server saw."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from verifier_agent import Budget, ConfigurationError, Cost, Footprint, Run, create_verifier_agent
from verifier_agent.graph.tables import Answerer, callers, price_table
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import Fault, ModelServer, Reply, Request
from verifier_agent.verifiers.judges import Judge

QUESTION = {"messages": [("user", "What is 3 + 4?")]}
MARKS = '{"reasoning": "fine", "criteria": [], "score": 9}'


def script(request: Request) -> Reply | Fault:
    if request.body["model"] == "judge":
        return Reply(MARKS)
    if request.index % 3 == 0:
        return Fault("status", status=429, retry_after=0.0)
    return Reply(f"I add.\nAnswer: {request.index % 2}")


def models(url: str) -> tuple[OpenAIChatModel, Judge]:
    def model(name: str) -> OpenAIChatModel:
        return OpenAIChatModel(model=name, base_url=url)

    return model("answerer"), Judge(model("judge"))


def check_against(server: ModelServer, run: Run) -> None:
    by_model: dict[str, list[Any]] = {"answerer": [], "judge": []}
    for served in server.served:
        by_model[served.request.body["model"]].append(served)
    ledger = run.ledger
    assert ledger.generated_tokens == sum(s.output_tokens for s in by_model["answerer"])
    own = ledger.prompt_tokens + ledger.cached_tokens
    assert own == sum(s.input_tokens for s in by_model["answerer"])
    judging = [s.input_tokens + s.output_tokens for s in by_model["judge"]]
    assert ledger.verifier_tokens == sum(judging) > 0
    assert ledger.calls == server.calls
    assert ledger.total_tokens == server.input_tokens + server.output_tokens == run.spent.tokens
    read = sum(s.input_tokens + s.output_tokens for s in by_model["answerer"])
    assert ledger.flops == 2 * 3e9 * read + 2 * 1e9 * sum(judging)


def build(url: str) -> Any:
    answerer, judge = models(url)
    sizes = {"answerer": Footprint(parameters=3e9), "judge": Footprint(parameters=1e9)}
    return create_verifier_agent(
        answerer, verifier=judge, policy="sample(4, batch=2)", footprints=sizes, seed=1
    )


def test_a_run_reports_what_the_server_counted_by_who_used_it() -> None:
    with ModelServer(script) as server:
        run = Run.of(build(server.url).invoke(QUESTION))
        assert server.settle()
        check_against(server, run)


async def test_an_async_run_reports_what_the_server_counted_too() -> None:
    with ModelServer(script) as server:
        run = Run.of(await build(server.url).ainvoke(QUESTION))
        assert server.settle()
        check_against(server, run)


def test_depth_is_the_requests_that_waited_for_one_another() -> None:
    answers = iter(
        [Reply("Answer: 1"), Fault("status", status=503, retry_after=0.0), Reply("Answer: 1")]
    )
    with ModelServer(lambda request: next(answers)) as server:
        model = OpenAIChatModel(model="one", base_url=server.url)
        agent = create_verifier_agent(model, verifier="agreement", policy="sample(2, batch=1)")
        run = Run.of(agent.invoke(QUESTION))
    # one round of one request, then one of a failed request and its retry
    assert run.ledger.depth == 3


@pytest.mark.parametrize(("policy", "depth"), [("best_of(4)", 2), ("sample(4, batch=1)", 8)])
def test_what_goes_out_side_by_side_is_one_step_deep(policy: str, depth: int) -> None:
    agent = create_verifier_agent("embedded", verifier="embedded-prm", policy=policy, seed=0)
    question = "Mia has 37 apples. Ann has 6 times as many apples as Mia. How many apples does Ann "
    run = Run.of(agent.invoke({"messages": [("user", f"{question}have?")]}))
    assert len(run.candidates) == 4
    # one request to generate and one judging, in each round
    assert run.ledger.depth == depth


def test_a_limit_in_joules_holds_on_the_embedded_models_by_their_own_sizes() -> None:
    question = "Mia has 37 apples. Ann has 6 times as many apples as Mia. How many apples does Ann "
    agent = create_verifier_agent(
        "embedded", verifier="embedded-prm", policy="sample(64)", budget=Budget(joules=1.0), seed=0
    )
    run = Run.of(agent.invoke({"messages": [("user", f"{question}have?")]}))
    made = sum(c.cost.tokens for c in run.candidates)
    read = sum(v.cost.tokens for v in run.tree.verdicts)
    by_hand = 1.5e-9 * 2 * (455_040 * made + 814_752 * read)
    assert run.spent.joules == pytest.approx(by_hand)
    assert 0.3 < by_hand <= 1.0
    assert run.selection.outcome == "budget"
    assert run.ledger.least_joules == pytest.approx(by_hand * 2e-10 / 1.5e-9)


def test_a_limit_in_joules_needs_to_know_every_model_that_is_called() -> None:
    with ModelServer(script) as server:
        answerer, judge = models(server.url)
        limit = Budget(joules=5.0)
        with pytest.raises(ConfigurationError, match="energy of 'answerer' is unknown"):
            create_verifier_agent(answerer, budget=limit)
        # a size alone says nothing of energy
        sizes: dict[str, Any] = {"answerer": {"parameters": 3e9}}
        with pytest.raises(ConfigurationError, match="energy of 'answerer' is unknown"):
            create_verifier_agent(answerer, budget=limit, footprints=sizes)
        placed = {"answerer": Footprint(joules_per_token=(0.1, 0.2))}
        with pytest.raises(ConfigurationError, match="energy of 'judge' is unknown"):
            create_verifier_agent(answerer, verifier=judge, budget=limit, footprints=placed)
        assert server.calls == 0


def test_the_size_of_an_unknown_model_leaves_flops_and_joules_unknown() -> None:
    with ModelServer(lambda request: Reply("Answer: 7")) as server:
        model = OpenAIChatModel(model="one", base_url=server.url)
        run = Run.of(create_verifier_agent(model, verifier="agreement").invoke(QUESTION))
    assert (run.ledger.flops, run.ledger.joules, run.ledger.usd) == (None, None, None)
    assert run.spent.joules is None


def test_a_hosted_models_list_price_is_known_and_the_users_own_goes_before_it() -> None:
    model = OpenAIChatModel(model="gpt-4o-mini", api_key=SecretStr("none"))
    paid = callers([Answerer.of(model)], [])
    known = price_table(None, paid)["gpt-4o-mini"]
    million = Cost(calls=1, input_tokens=10**6, output_tokens=10**6)
    assert known.of(million).usd == pytest.approx(0.15 + 0.60)
    mine = price_table({"gpt-4o-mini": {"input": 1.0, "output": 2.0}}, paid)["gpt-4o-mini"]
    assert mine.of(million).usd == pytest.approx(3.0)


def test_a_local_model_of_a_hosted_models_name_has_no_price() -> None:
    with ModelServer(script) as server:
        model = OpenAIChatModel(model="gpt-4o-mini", base_url=server.url)
        assert price_table(None, callers([Answerer.of(model)], [])) == {}
