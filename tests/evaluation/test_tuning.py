"""What tuning learns on pools whose best policy is known, and what it says of it."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.language_models import FakeListChatModel

from tests.evaluation.making import Plain, a_question, a_sample, coins, write
from verifier_agent import Run, create_verifier_agent
from verifier_agent.calibration import Reliability, one_coin
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Replay, Tuning, evaluate, tune
from verifier_agent.search import Policy, Tuned, adaptive, agree, best_of, sample, until
from verifier_agent.selection import Selector, reliable_vote

NOBODY = Replay(verifier=None)


def easy_or_hopeless(n: int, samples: int = 8) -> list[Plain]:
    """Every second question is always answered alike and right, the others always in another way:
    more than two answers never help."""
    return [
        a_question(
            f"q{i}",
            [a_sample("yes", 1) if i % 2 else a_sample(f"{k}", 0) for k in range(samples)],
        )
        for i in range(n)
    ]


def by_three(n: int, *, seed: int = 0) -> list[Plain]:
    """One answer each of three models: right with 0.9, 0.85 and 0.3, the last two alike."""
    dice = random.Random(seed)
    made = []
    for i in range(n):
        marks = {name: dice.random() < p for name, p in (("good", 0.9), ("fair", 0.85))}
        marks["poor"] = marks["fair"] and dice.random() < 0.3
        samples = [
            a_sample("yes" if good else f"{name == 'good'}", int(good), model=name)
            for name, good in marks.items()
        ]
        made.append(a_question(f"q{i}", samples))
    return made


@pytest.fixture(scope="module")
def hopeless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pool") / "hopeless.jsonl", easy_or_hopeless(120))


@pytest.fixture(scope="module")
def learned(hopeless: Path) -> Tuned:
    policies = (until(sample(8, batch=1), agree(0.95)), best_of(2), best_of(8))
    return tune(hopeless, NOBODY, Tuning(policies=policies, budgets=(4, 8)))


def test_what_never_helps_is_not_paid_for(learned: Tuned) -> None:
    assert learned.policy == best_of(2)
    for gain, plain in zip(learned.gains, ((4 + 4) / 2, (4 + 8) / 2), strict=True):
        assert (gain.accuracy, gain.plain_accuracy) == (0.5, 0.5)
        assert (gain.cost, gain.plain_cost) == (2.0, plain)
        assert gain.difference == (0.0, 0.0, 0.0)
        assert gain.value[0] == pytest.approx(0.002 * (plain - 2))
        assert gain.value[1] > 0


def test_a_table_goes_by_how_hard_it_looks_and_its_probe_is_counted(tmp_path: Path) -> None:
    # of the hard ones the majority is right, but only of all eight
    dice = random.Random(0)
    hard = [*["yes"] * 4, "a", "b", "c", "d"]
    made = []
    for i in range(100):
        keys = ["yes"] * 8 if i % 2 else dice.sample(hard, 8)
        made.append(a_question(f"q{i}", [a_sample(key, int(key == "yes")) for key in keys]))
    pool = write(tmp_path / "pool.jsonl", made)
    tuning = Tuning(policies=(best_of(1), best_of(8)), budgets=(8,), price=0.03)
    found = tune(pool, NOBODY, tuning)
    assert found.policy.name == "table"
    easy, *_, hardest = found.policy.arguments["cells"]
    assert (easy, hardest) == ((best_of(1),), (best_of(8),))
    # the graph draws and chooses the same: on all questions, where the gains are held out
    again = evaluate(pool, replace(NOBODY, policy=found))
    assert again["accuracy"] == pytest.approx(found.gains[0].accuracy, abs=0.05)
    assert again["mean_samples"] == pytest.approx(found.gains[0].cost, abs=0.6)
    first = found.policy.arguments["difficulty"].first
    assert first < again["mean_samples"] < 8


def test_several_models_are_learned_as_arms(tmp_path: Path) -> None:
    pool = write(tmp_path / "pool.jsonl", by_three(60))
    found = tune(pool, NOBODY, Tuning(budgets=(3,), folds=2))
    known = found.selector.arguments["reliability"]
    assert isinstance(known, Reliability)
    assert found.selector.name == "reliable_vote"
    assert found.models == ("fair", "good", "poor")
    assert set(known.models) == {"fair", "good", "poor"}
    assert known.models[-1] == "poor"  # the most reliable comes first
    again = evaluate(pool, replace(NOBODY, policy=found))
    assert again["basis"] == ["posterior"]
    assert again["mean_samples"] < 3


def test_models_may_be_taken_for_one(tmp_path: Path) -> None:
    pool = write(tmp_path / "pool.jsonl", by_three(40))
    found = tune(pool, NOBODY, Tuning(budgets=(3,), arms=False))
    assert found.selector == Selector.parse("vote")


def test_scores_are_on_the_menu_where_there_are_any(tmp_path: Path) -> None:
    # the majority is wrong, and the scores know it
    pool = write(tmp_path / "pool.jsonl", coins(60, 5, [0.4]))
    scores = Replay(verifier="scores:prm")
    found = tune(pool, scores, Tuning(budgets=(5,), arms=False, folds=2))
    assert found.verifiers == ("prm",)
    assert found.selector == Selector.parse("weighted_vote")
    assert found.gains[0].value[0] >= 0
    again = evaluate(pool, replace(scores, policy=found))
    assert again["mean_samples"] <= found.gains[0].plain_cost
    assert again["accuracy"] >= found.gains[0].plain_accuracy


def test_nothing_is_learned_from_a_few_questions(tmp_path: Path) -> None:
    pool = write(tmp_path / "pool.jsonl", easy_or_hopeless(12))
    found = tune(pool, NOBODY, Tuning(policies=(best_of(8), best_of(1)), folds=2))
    assert found.policy == best_of(8)


def test_tokens_are_counted_where_the_pool_knows_them(tmp_path: Path) -> None:
    made = easy_or_hopeless(60, 4)
    for question in made:
        for one in question["samples"]:
            one["tokens"] = 10
    pool = write(tmp_path / "pool.jsonl", made)
    tuning = Tuning(policies=(best_of(4), best_of(1)), unit="tokens", price=1e-4, budgets=(4,))
    [gain] = tune(pool, NOBODY, tuning).gains
    assert (gain.cost, gain.plain_cost) == (10.0, 40.0)
    bare = write(tmp_path / "bare.jsonl", easy_or_hopeless(30))
    with pytest.raises(ConfigurationError, match="does not say how many tokens"):
        tune(bare, NOBODY, tuning)


def test_it_survives_its_file_and_is_refused_for_what_it_was_not_learned_for(
    learned: Tuned, hopeless: Path, tmp_path: Path
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(learned.to_dict()))
    assert Tuned.read(path) == learned
    assert learned.source["pool"] == "hopeless.jsonl"
    assert evaluate(hopeless, Replay(policy=path, verifier=None))["mean_samples"] == 2.0
    with pytest.raises(ConfigurationError, match="with no verifier, and here agreement judges"):
        evaluate(hopeless, Replay(policy=str(path)))
    other = replace(learned, models=("gpt",))
    with pytest.raises(ConfigurationError, match="answers of gpt, not of 'recorded'"):
        evaluate(hopeless, Replay(policy=other, verifier=None))
    path.write_text(json.dumps({**learned.to_dict(), "price": -1}))
    with pytest.raises(
        ConfigurationError, match=r"policy.json: no tuned policy: price: Input should be"
    ):
        Tuned.read(path)
    path.write_text(
        json.dumps({**learned.to_dict(), "policy": {"policy": "best", "arguments": {}}})
    )
    with pytest.raises(
        ConfigurationError, match=r"policy.json: no tuned policy: policy: .*unknown policy 'best'"
    ):
        Tuned.read(path)
    with pytest.raises(ConfigurationError, match="this is no tuned policy of schema 1"):
        Tuned.read({"schema": 2})


def test_an_agent_goes_by_it(learned: Tuned, tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(learned.to_dict()))
    model = FakeListChatModel(responses=["Answer: 1", "Answer: 2", "Answer: 3"])
    agent = create_verifier_agent(model, verifier=[], policy=str(path))
    state = agent.invoke({"messages": [("user", "?")]})
    assert len(state["verifier_agent"]["candidates"]) == 2
    with pytest.raises(ConfigurationError, match="and here agreement"):
        create_verifier_agent(model, policy=path)
    arms = replace(learned, policy=Policy.parse("best_of(2, model='giant')"), verifiers=())
    with pytest.raises(ConfigurationError, match="asks the model 'giant', and there are only"):
        create_verifier_agent(model, verifier=[], policy=arms)


def test_a_live_agent_with_several_models_asks_and_believes_by_what_was_learned(
    tmp_path: Path,
) -> None:
    known = one_coin(("good", "fair", "poor"), (0.95, 0.85, 0.3), ((0.2,) * 3,) * 3)
    path = tmp_path / "policy.json"
    learned = Tuned(
        policy=adaptive(reliability=known, price=0.01),
        selector=reliable_vote(known),
        models=("fair", "good", "poor"),
        price=0.002,
    )
    path.write_text(json.dumps(learned.to_dict()))
    models = {
        "poor": FakeListChatModel(responses=["Answer: 5"]),
        "fair": FakeListChatModel(responses=["Answer: 5"]),
        "good": FakeListChatModel(responses=["Answer: 7"]),
    }
    agent = create_verifier_agent(models, verifier=[], policy=path)
    run = Run.of(agent.invoke({"messages": [("user", "?")]}))
    assert [candidate.model for candidate in run.candidates] == ["good", "fair", "poor"]
    # two for 5, but the most reliable of the three says 7
    assert (run.selection.answer, run.selection.basis) == ("7", "posterior")
    agreed = {**models, "fair": FakeListChatModel(responses=["Answer: 7"])}
    agent = create_verifier_agent(agreed, verifier=[], policy=path)
    run = Run.of(asyncio.run(agent.ainvoke({"messages": [("user", "?")]})))
    assert [candidate.model for candidate in run.candidates] == ["good", "fair"]
    assert (run.selection.answer, run.selection.outcome) == ("7", "agreed")
    with pytest.raises(ConfigurationError, match="asks the model 'fair', and there are only good"):
        create_verifier_agent({"good": models["good"]}, verifier=[], policy=path)


def test_wrong_settings_are_refused(hopeless: Path, tmp_path: Path) -> None:
    for wrong, said in (
        ({"folds": 1}, "folds=1: at least 2"),
        ({"budgets": (4, 2)}, "rising"),
        ({"unit": "tokens"}, "say what one of them costs"),
        ({"price": -1.0}, "price=-1.0"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            Tuning(**wrong)  # type: ignore[arg-type]
    unlabelled = write(tmp_path / "pool.jsonl", [a_question("q", [a_sample("7")])])
    with pytest.raises(ConfigurationError, match="1 questions have answers without `correct`"):
        tune(unlabelled, NOBODY)
    with pytest.raises(ConfigurationError, match="revise is asked for"):
        tune(hopeless, NOBODY, Tuning(policies=("revise(2)",)))
