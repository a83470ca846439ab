from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from tests.evaluation.making import Plain
from tests.evaluation.spying import GOLD, Spy
from verifier_agent import Candidate, Cost, Task, Verdict
from verifier_agent.budget import Price, Remaining
from verifier_agent.calibration import Answered, Calibration, SelectionFit, tally
from verifier_agent.embedded import EmbeddedChatModel
from verifier_agent.errors import ConfigurationError, PolicyError
from verifier_agent.evaluation import Live, Replay, aevaluate_live, evaluate, evaluate_live
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import resolve_policy
from verifier_agent.selection import vote
from verifier_agent.testing import Fault, ModelServer, Reply, Request, always, by_seed
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Judged, Select, Selection

ANSWERS = ["Answer: 4", "So it is.\nAnswer: 4", "Answer: 5", "I cannot tell"]
DRAWN = by_seed(ANSWERS)


def questions(path: Path, n: int = 6, **more: Any) -> Path:
    lines = [{"id": f"q{i}", "question": f"What is {i}?", "gold": "4", **more} for i in range(n)]
    file = path / "questions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def model(server: ModelServer) -> OpenAIChatModel:
    return OpenAIChatModel(model="loopback", base_url=server.url)


def figures(found: Plain) -> Plain:
    """All but what a pool cannot know: clocks, and what waited for what."""
    found = json.loads(json.dumps(found))
    groups = [found, *found["by_difficulty"]]
    for part in [*groups, *(point for group in groups for point in group["by_budget"])]:
        del part["ledger"]["seconds"], part["ledger"]["depth"]
    return dict(found)


# --- witnesses -----------------------------------------------------------------------------------


def faulty(request: Request) -> Reply | Fault:
    """Refuse a third of all requests once, by what they say."""
    dice = random.Random(f"{request.seed}|{request.messages}").random()
    if request.attempt == 1 and dice < 0.33:
        return Fault("status", status=429 if dice < 0.16 else 500, retry_after=0.0)
    if "response_format" in request.body:
        marks = {"reasoning": "It holds.", "feedback": "", "score": 7, "criteria": []}
        return Reply(json.dumps(marks))
    return DRAWN(request)


@pytest.mark.parametrize("verifier", ["agreement", "judge"])
def test_the_ledger_is_what_the_server_counted(tmp_path: Path, verifier: str) -> None:
    data = questions(tmp_path)
    settings = Live(
        policy="sample(4, batch=2)",
        verifier=verifier,
        seeds=2,
        budget={"calls": 60},
        prices={"loopback": Price(input=3.0, output=5.0)},
    )
    with ModelServer(faulty) as server:
        found = evaluate_live(model(server), data, settings)
        assert server.settle()
        refused = [served.status for served in server.served if served.status != 200]
        calls, read, written = server.calls, server.input_tokens, server.output_tokens
    assert {429, 500} <= set(refused)
    ledger = {name: value * 12 for name, value in found["ledger"].items() if value is not None}
    assert ledger["calls"] == pytest.approx(calls)
    assert ledger["total_tokens"] == pytest.approx(read + written)
    assert ledger["usd"] == pytest.approx((3 * read + 5 * written) / 1e6)
    if verifier == "agreement":
        assert ledger["generated_tokens"] == pytest.approx(written)
        assert ledger["prompt_tokens"] + ledger["cached_tokens"] == pytest.approx(read)
    else:
        assert ledger["verifier_tokens"] > 0
    assert found["ledger"]["flops"] is found["ledger"]["joules"] is None
    assert found["ledger"]["depth"] >= 2
    assert found["ledger"]["seconds"] > 0


def test_a_calibration_and_a_risk_hold_for_live_runs_too(tmp_path: Path) -> None:
    fit = SelectionFit(
        selector="vote()",
        verifiers=("agreement",),
        policy="best_of(4)",
        confidence=tally(0.0, 1.0, -1.0),
        curve=(Answered(threshold=0.8, answered=400, wrong=2),),
    )
    settings = Live(
        policy="best_of(4)",
        verifier="agreement",
        max_samples=4,
        calibration=Calibration(selections=(fit,)),
        risk=0.05,
    )

    def script(request: Request) -> Reply:
        return Reply(f"Answer: {request.index}" if "What is 2" in request.question else "Answer: 4")

    with ModelServer(script) as server:
        found = evaluate_live(model(server), questions(tmp_path, 4), settings)
        other = replace(settings, policy="best_of(3)")
        with pytest.raises(ConfigurationError, match="does not hold for best_of"):
            evaluate_live(model(server), questions(tmp_path, 4), other)
        assert server.calls == 16
    assert found["outcomes"] == {"completed": 3, "gave_up": 1}
    assert found["basis"] == ["P(correct)"]
    assert found["calibration"] == repr(fit.confidence)


def test_a_judge_that_never_gave_a_score_is_warned_of(tmp_path: Path) -> None:
    with ModelServer(always("Answer: 4")) as server:
        model = OpenAIChatModel(model="x", base_url=server.url)
        settings = Live(policy="best_of(2)", verifier="judge")
        with pytest.warns(UserWarning, match="'judge' gave no score to any of 6 answers"):
            evaluate_live(model, questions(tmp_path, 3), settings)


def test_a_question_whose_calls_all_fail_is_wrong_and_stays(tmp_path: Path) -> None:
    def script(request: Request) -> Reply | Fault:
        return (
            Fault("status", status=400) if "What is 2" in request.question else Reply("Answer: 4")
        )

    record = tmp_path / "pool.jsonl"
    with ModelServer(script) as server:
        settings = Live(policy="best_of(2)", verifier="agreement")
        found = evaluate_live(model(server), questions(tmp_path, 4), settings, record=record)
        assert server.calls == 8
    assert found["outcomes"] == {"completed": 3, "failed": 1}
    assert (found["questions"], found["labelled"], found["accuracy"]) == (4, 4, 0.75)
    replayed = evaluate(record, Replay(policy="best_of(2)", in_order=True))
    assert replayed["outcomes"] == found["outcomes"]
    assert figures(replayed) == figures(found)


# --- replay, other limits, other ways to call ---------------------------------------------------


@pytest.mark.parametrize("policy", [None, "best_of(5)", "until(sample(12, batch=3), agree(0.9))"])
@pytest.mark.parametrize("selector", [None, "best"])
def test_the_recorded_pool_in_its_order_gives_the_live_figures(
    tmp_path: Path, policy: str | None, selector: str | None
) -> None:
    record = tmp_path / "pool.jsonl.gz"
    shared: Plain = {"policy": policy, "selector": selector, "max_samples": 7}
    with ModelServer(DRAWN) as server:
        settings = Live(verifier="agreement", **shared)
        data = questions(tmp_path, 8, level=1)
        live = evaluate_live(model(server), data, settings, record=record, out=tmp_path / "out")
    assert figures(evaluate(record, Replay(in_order=True, **shared))) == figures(live)
    assert 0 < live["accuracy"] < 1
    evaluate(record, Replay(in_order=True, **shared), out=tmp_path / "again")
    outs = [(tmp_path / name).read_text().splitlines() for name in ("out", "again")]
    assert sorted(outs[1]) == outs[0]  # recorded in the order in which questions were done


def test_the_embedded_judge_is_replayed_from_its_scores_and_anew(tmp_path: Path) -> None:
    record = tmp_path / "pool.jsonl.gz"
    live = evaluate_live(
        "embedded",
        "embedded:validation:3",
        Live(policy="best_of(3)", verifier="embedded-prm"),
        record=record,
    )
    for verifier in ("embedded-prm", "scores:embedded-prm"):
        settings = Replay(policy="best_of(3)", verifier=verifier, in_order=True)
        assert figures(evaluate(record, settings)) == figures(live)
    assert [group["difficulty"] for group in live["by_difficulty"]] == ["1", "2", "3"]
    assert live["ledger"]["calls"] == 6
    assert live["ledger"]["verifier_tokens"] > 0
    assert live["ledger"]["joules"] > live["ledger"]["least_joules"] > 0
    assert live["ledger"]["usd"] == 0
    assert live["weighed_by"] == "scores:embedded-prm"


def test_a_beginning_of_live_runs_is_what_fewer_samples_give(tmp_path: Path) -> None:
    data, shared = questions(tmp_path, 8), {"policy": "sample(8, batch=4)", "verifier": "agreement"}
    with ModelServer(DRAWN) as server:
        whole = evaluate_live(model(server), data, Live(max_samples=8, **shared))
        smaller = [
            evaluate_live(model(server), data, Live(max_samples=limit, **shared))
            for limit in (1, 2, 4)
        ]
    names = ("accuracy", "mean_samples", "mean_tokens")
    points = [[point[name] for name in names] for point in whole["by_budget"]]
    assert points == [[found[name] for name in names] for found in [*smaller, whole]]
    depths = [point["ledger"]["depth"] for point in whole["by_budget"]]
    assert depths == [1, 1, 1, 2]


class PaidComparison:
    """Compares answers, at a price: 1 for the latest of them, and 0 for all others."""

    name = "comparison"
    relational = True

    def __init__(self) -> None:
        self.asked: list[int] = []

    def bound(self, task: Task, candidate_bytes: int) -> Cost:
        return Cost(calls=1)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        self.asked.append(len(candidates))
        return [
            Verdict(
                candidate=candidate.id,
                verifier=self.name,
                score=float(candidate is candidates[-1]),
                cost=Cost(calls=1),
            )
            for candidate in candidates
        ]


def test_a_comparison_that_costs_is_not_asked_again_for_the_curve(tmp_path: Path) -> None:
    verifier = PaidComparison()
    settings = Live(policy="sample(4, batch=2)", verifier=verifier, selector="best")
    with ModelServer(DRAWN) as server:
        found = evaluate_live(model(server), questions(tmp_path, 1), settings, out=tmp_path / "out")
    assert verifier.asked == [2, 4]
    assert json.loads((tmp_path / "out").read_text())["sample"] == 3
    # after two answers stands what was said of two; after one nothing has been said
    calls = [point["ledger"]["calls"] for point in found["by_budget"]]
    assert calls == [1, 2 + 2, 4 + 2 + 4]


def test_how_many_questions_are_in_flight_changes_nothing_but_the_time(tmp_path: Path) -> None:
    def slow(request: Request) -> Reply:
        return Reply(DRAWN(request).choices, delay=0.02)  # type: ignore[union-attr]

    data, settings = questions(tmp_path), Live(policy="best_of(2)", verifier="agreement")
    told: list[tuple[int, int]] = []
    with ModelServer(slow) as server:
        alone = evaluate_live(
            model(server), data, settings, jobs=1, tell=lambda *at: told.append(at)
        )
        assert server.peak <= 2
    with ModelServer(slow) as server:
        together = evaluate_live(model(server), data, settings, jobs=3)
        assert 2 < server.peak <= 6
    assert figures(alone) == figures(together)
    assert told == [(done, 6) for done in range(7)]


async def test_it_is_called_beside_a_running_loop_sync_and_async(tmp_path: Path) -> None:
    data, settings = questions(tmp_path, 2), Live(policy="best_of(2)", verifier="agreement")
    with ModelServer(DRAWN) as server:
        one = evaluate_live(model(server), data, settings)
        other = await aevaluate_live(model(server), data, settings)
    assert figures(one) == figures(other)


async def test_cancelling_ends_the_requests_and_keeps_what_is_recorded(tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        return Reply("Answer: 4", delay=30.0 if "What is 3" in request.question else 0.0)

    record = tmp_path / "pool.jsonl"
    done = asyncio.Event()
    with ModelServer(script) as server:
        job = asyncio.create_task(
            aevaluate_live(
                model(server),
                questions(tmp_path, 4),
                Live(policy="best_of(1)", verifier="agreement"),
                record=record,
                tell=lambda at, of: done.set() if at == 3 else None,
            )
        )
        await asyncio.wait_for(done.wait(), 30)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
    assert sorted(json.loads(line)["id"] for line in record.read_text().splitlines()) == [
        "q0",
        "q1",
        "q2",
    ]


def test_several_models_are_recorded_and_replayed_by_their_names(tmp_path: Path) -> None:
    def alternate(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        turns = ["small", "large", "small"][len(tree) : len(tree) + 1]
        return [Generate(model=name) for name in turns] or [Select()]

    record, data = tmp_path / "pool.jsonl", questions(tmp_path, 4)
    with ModelServer(DRAWN) as server, ModelServer(always("Answer: 4")) as other:
        models = {"small": model(server), "large": model(other)}
        live = evaluate_live(models, data, Live(policy=alternate, verifier=None), record=record)
        assert (server.calls, other.calls) == (8, 4)
    samples = [json.loads(line)["samples"] for line in record.read_text().splitlines()]
    assert {tuple(sample["model"] for sample in some) for some in samples} == {
        ("small", "large", "small")
    }
    replayed = evaluate(record, Replay(policy=alternate, verifier=None, in_order=True))
    assert figures(replayed) == figures(live)
    large = Replay(policy='best_of(1, model="large")', verifier=None)
    assert evaluate(record, large)["accuracy"] == 1.0


# --- policies that grow ------------------------------------------------------------------------


def test_revisions_are_recorded_and_replay_draws_the_drafts(tmp_path: Path) -> None:
    record = tmp_path / "pool.jsonl"
    settings = Live(policy="revise(2)", verifier="embedded-prm", max_samples=3)
    live = evaluate_live("embedded", "embedded:validation:3", settings, record=record)
    samples = [json.loads(line)["samples"] for line in record.read_text().splitlines()]
    assert {len(some) for some in samples} <= {1, 2, 3}
    revised = [sample for some in samples for sample in some if "parent" in sample]
    assert revised
    assert {sample["parent"].split(":")[0] for sample in revised} == {"0"}
    replayed = evaluate(record, Replay(policy="sample(9)", verifier=None))
    assert live["mean_samples"] > replayed["mean_samples"]
    assert replayed["baselines"]["first"] == live["baselines"]["first"]


def test_a_record_of_steps_alone_says_that_it_cannot_be_replayed(tmp_path: Path) -> None:
    record = tmp_path / "pool.jsonl"
    settings = Live(policy="beam(2)", verifier="embedded-prm", max_samples=6)
    found = evaluate_live("embedded", "embedded:validation:1", settings, record=record)
    assert found["mean_samples"] == 6
    assert found["outcomes"] == {"budget": 1}
    assert found["baselines"]["majority"] is None
    with pytest.raises(ConfigurationError, match="'validation-1-0': all that was recorded are"):
        evaluate(record)


# --- refused before anything is spent ------------------------------------------------------------


def test_wrong_settings_are_refused_before_anything_is_spent(tmp_path: Path) -> None:
    data, out = questions(tmp_path), tmp_path / "out"
    out.write_text("an older one")
    long = {"id": "long", "question": "What is it? " * 400}
    data.write_text(data.read_text() + json.dumps(long) + "\n")
    wrong: list[tuple[str, Plain, Plain]] = [
        ("can need", {"budget": {"tokens": 3000}}, {}),  # of the last question only
        ("the price of 'loopback' is unknown", {"budget": {"usd": 1.0}}, {}),
        ("did you mean 'vote'", {"selector": "voet"}, {}),
        ("cannot continue a partial answer", {"policy": "forced(2)"}, {}),
        ("unknown verifier", {"verifier": "scores:prm"}, {}),
        ("seeds=0", {"seeds": 0}, {}),
        ("jobs=0", {}, {"jobs": 0}),
        ("is used otherwise too", {}, {"out": data}),
        ("No such file", {}, {"record": tmp_path / "nowhere" / "pool"}),
        ("no such folder", {}, {"out": tmp_path / "nowhere" / "out"}),
    ]
    with ModelServer(DRAWN) as server:
        for said, settings, options in wrong:
            with pytest.raises(ConfigurationError, match=said):
                evaluate_live(model(server), data, Live(**settings), **{"out": out, **options})
        assert server.calls == 0
    assert out.read_text() == "an older one"


def test_an_error_of_a_policy_ends_the_evaluation_by_its_name(tmp_path: Path) -> None:
    def idle(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return [] if len(tree) else [Generate()]

    def over(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return [Select(reason="nothing to do")]

    data = questions(tmp_path)
    with ModelServer(DRAWN) as server:
        with pytest.raises(PolicyError, match="returned no action"):
            evaluate_live(model(server), data, Live(policy=idle))
        with pytest.raises(ConfigurationError, match="nothing to do"):
            evaluate_live(model(server), data, Live(policy=over))


# --- labels --------------------------------------------------------------------------------------


def test_no_policy_verifier_selector_or_model_can_reach_the_gold(tmp_path: Path) -> None:
    spy = Spy()
    inner = resolve_policy("sample(4, batch=2)")

    class SpyModel(EmbeddedChatModel):
        def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
            spy.look(messages, kwargs)
            reply = ChatGeneration(message=AIMessage("Answer: 4"))
            return ChatResult(generations=[reply] * len(kwargs["seeds"]))

    def policy(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        spy.look(tree, remaining)
        return inner(tree, remaining)

    def verifier(task: Task, candidate: Candidate) -> Verdict:
        spy.look(task, candidate)
        assert task.context == {"hint": "even"}
        return Verdict(candidate=candidate.id, verifier="spy", score=0.5)

    def selector(judged: Sequence[Judged]) -> Selection:
        spy.look(judged)
        return vote()(judged)

    data = questions(tmp_path, 2, context={"hint": "even"})
    data.write_text(data.read_text().replace('"4"', f'"{GOLD}"'))
    settings = Live(policy=policy, verifier=["agreement", verifier], selector=selector, seeds=2)
    found = evaluate_live(SpyModel(), data, settings, record=tmp_path / "pool")
    assert (found["labelled"], found["accuracy"]) == (2, 0.0)
    assert GOLD in (tmp_path / "pool").read_text()
    assert spy.looked > 20
    assert min(spy.sizes) > 5
    assert spy.labels == []
