from __future__ import annotations

import json
from math import comb
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.making import Plain, a_question, a_sample, coins, write
from verifier_agent.calibration import Calibration
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.search import agree, sample, until

KEYS = {
    "questions",
    "accuracy",
    "accuracy_se",
    "mean_samples",
    "mean_tokens",
    "brier",
    "auroc",
    "ece",
    "gave_up",
    "by_budget",
    "baselines",
}


def voting(n: int, **options: Any) -> Replay:
    return Replay(policy=f"best_of({n})", selector="vote", verifier=None, **options)


def majority_of(n: int, right: int, pool: int) -> float:
    """P(most of n draws without replacement are right), for odd n: hypergeometric."""
    ways = sum(comb(right, k) * comb(pool - right, n - k) for k in range(n // 2 + 1, n + 1))
    return ways / comb(pool, n)


def test_accuracies_follow_the_closed_forms(tmp_path: Path) -> None:
    shares = [0.2, 0.4, 0.6, 0.7]
    path = write(tmp_path / "pool", coins(200, 20, shares))
    found = evaluate(path, voting(7, seeds=4, max_samples=7))
    expected = sum(majority_of(7, round(20 * p), 20) for p in shares) / 4
    # orders are drawn independently for each question and seed
    spread = (sum((p := majority_of(7, round(20 * s), 20)) * (1 - p) for s in shares) / 4) ** 0.5
    allowed = 4 * spread / 800**0.5
    assert found["accuracy"] == pytest.approx(expected, abs=allowed)
    assert found["baselines"]["majority"] == found["accuracy"]
    assert found["baselines"]["first"] == pytest.approx(sum(shares) / 4, abs=0.08)
    missed = [comb(20 - round(20 * p), 7) / comb(20, 7) for p in shares]
    assert found["baselines"]["oracle"] == pytest.approx(1 - sum(missed) / 4, abs=0.04)
    # scores are never out of order, so the best of n is right wherever one is
    assert found["baselines"]["best"] == found["baselines"]["oracle"]
    assert (found["mean_samples"], found["mean_tokens"]) == (7.0, 49.0)


def test_the_object_has_the_promised_keys_and_is_plain(tmp_path: Path) -> None:
    path = write(tmp_path / "pool.gz", coins(6, 9, [0.3, 0.9]), packed=True)
    found = evaluate(path, Replay(seeds=2))
    assert found.keys() >= KEYS
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [point["max_samples"] for point in found["by_budget"]] == [1, 2, 4, 8, 9]
    last = {name: found[name] for name in ("accuracy", "mean_samples", "mean_tokens")}
    assert last.items() <= found["by_budget"][-1].items()
    first = found["by_budget"][0]
    assert (first["accuracy"], first["mean_samples"]) == (found["baselines"]["first"], 1.0)
    names = ["first", "majority", "weighted", "best", "adaptive_consistency", "oracle"]
    assert list(found["baselines"]) == list(found["differences"]) == names
    for name, given in found["differences"].items():
        baseline = found["baselines"][name]
        accuracy = baseline["accuracy"] if isinstance(baseline, dict) else baseline
        assert given["accuracy"] == pytest.approx(found["accuracy"] - accuracy)
        assert given["interval"][0] <= given["accuracy"] <= given["interval"][1]


def test_errors_are_over_questions_not_over_runs(tmp_path: Path) -> None:
    path = write(tmp_path / "pool", coins(10, 4, [1.0, 0.0]))
    found = evaluate(path, voting(3, seeds=8))
    # ten outcomes, half of them 1: √(10/9 · 1/4 / 10)
    assert found["accuracy_se"] == pytest.approx((1 / 36) ** 0.5)


def test_adaptive_consistency_through_the_graph_is_the_baseline(tmp_path: Path) -> None:
    path = write(tmp_path / "pool", coins(40, 20, [0.3, 0.55, 0.8, 1.0]))
    policy = until(sample(20, batch=1), agree(0.95))
    found = evaluate(path, Replay(policy=policy, selector="vote", seeds=2))
    assert found["baselines"]["adaptive_consistency"] == {
        "accuracy": found["accuracy"],
        "mean_samples": found["mean_samples"],
    }
    assert found["differences"]["adaptive_consistency"]["interval"] == [0.0, 0.0]
    assert set(found["outcomes"]) == {"agreed", "completed"}


def test_without_labels_all_else_is_still_said(tmp_path: Path) -> None:
    plain = [a_question(str(i), [a_sample(a, tokens=3) for a in "aab"]) for i in range(3)]
    found = evaluate(write(tmp_path / "pool", plain), voting(3))
    assert (found["questions"], found["labelled"], found["mean_tokens"]) == (3, 0, 9.0)
    for name in ("accuracy", "accuracy_se", "brier", "auroc", "ece"):
        assert found[name] is None
    assert found["by_budget"][1]["accuracy"] is None
    assert found["by_budget"][1]["mean_samples"] == 2.0
    assert found["baselines"]["adaptive_consistency"] == {"accuracy": None, "mean_samples": 3.0}
    assert found["differences"] == {}


def test_a_question_counts_as_labelled_only_if_all_of_it_is(tmp_path: Path) -> None:
    plain = [
        a_question("whole", [a_sample("a", 1), a_sample("a", 1)]),
        a_question("half", [a_sample("a", 0), a_sample("a")]),
    ]
    found = evaluate(write(tmp_path / "pool", plain), voting(2))
    assert (found["questions"], found["labelled"], found["accuracy"]) == (2, 1, 1.0)


def test_without_scores_the_weighing_baselines_are_unknown(tmp_path: Path) -> None:
    found = evaluate(write(tmp_path / "pool", [a_question("q", [a_sample("a", 1)])]))
    assert found["baselines"]["weighted"] is found["baselines"]["best"] is None
    assert found["weighed_by"] is None
    assert found["differences"].keys() == {"first", "majority", "adaptive_consistency", "oracle"}


def test_giving_up_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "pool", coins(4, 20, [0.0, 1.0]))
    policy = "until(sample(20, batch=4), hopeless(after=4, below=0.5))"
    found = evaluate(path, Replay(policy=policy, verifier="scores:prm"))
    assert found["gave_up"] == 0.5
    assert found["mean_samples"] == 12.0


@pytest.mark.parametrize("calibrated", [False, True])
def test_out_says_of_every_run_what_anybody_can_score(tmp_path: Path, calibrated: bool) -> None:
    plain = coins(5, 9, [0.3, 0.9])
    path, out = write(tmp_path / "pool", plain), tmp_path / "out.jsonl"
    found = evaluate(path, voting(5, seeds=3), out=out, calibrate_on=path if calibrated else None)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["id"], line["seed"]) for line in lines] == [
        (f"q{i}", seed) for i in range(5) for seed in range(3)
    ]
    samples = {question["id"]: question["samples"] for question in plain}
    right = [samples[line["id"]][line["sample"]]["correct"] for line in lines]
    assert sum(right) / 15 == pytest.approx(found["accuracy"])
    assert all(line["answer"] == samples[line["id"]][line["sample"]]["answer"] for line in lines)
    squares = [(line["confidence"] - r) ** 2 for line, r in zip(lines, right, strict=True)]
    assert sum(squares) / 15 == pytest.approx(found["brier"])
    expected = ["id", "seed", "answer", "sample", "samples_used", "tokens"]
    assert all(list(line) == [*expected, "confidence", "basis", "outcome"] for line in lines)
    assert {line["basis"] for line in lines} == {"P(correct)" if calibrated else "vote share"}
    assert {(line["samples_used"], line["tokens"], line["outcome"]) for line in lines} == {
        (5, 35, "completed")
    }


def test_calibration_on_another_pool_makes_confidence_honest(tmp_path: Path) -> None:
    # a majority is right half the time here, however large it is, and never by less than 60 %
    pools = [coins(300, 10, [0.2, 0.8, 0.4, 0.6], seed=seed) for seed in (1, 2)]
    tuning, test = (write(tmp_path / str(i), pool) for i, pool in enumerate(pools))
    before = evaluate(test, voting(10))
    after = evaluate(test, voting(10), calibrate_on=tuning)
    assert before["brier"] > 0.25
    assert after["brier"] == pytest.approx(0.25, abs=0.01)
    assert before["ece"] > 0.15
    assert after["ece"] < 0.05
    assert (before["basis"], after["basis"]) == (["vote share"], ["P(correct)"])
    assert after["accuracy"] == before["accuracy"]
    assert after["calibration"].startswith("tally(")
    assert before["calibration"] is None


def test_several_processes_give_the_same_as_one(tmp_path: Path) -> None:
    path = write(tmp_path / "pool", coins(25, 6, [0.3, 0.9]))
    settings = Replay(seeds=2, verifier="scores:prm")
    told: list[tuple[int, int]] = []
    alone, outs = evaluate(path, settings, out=tmp_path / "1"), tmp_path / "2"
    shared = evaluate(path, settings, jobs=2, out=outs, tell=lambda *at: told.append(at))
    assert alone == shared
    assert (tmp_path / "1").read_text() == outs.read_text()
    assert told == [(done, 25) for done in range(1, 26)]


def test_wrong_arguments_are_refused_before_anything_is_replayed(tmp_path: Path) -> None:
    path = write(tmp_path / "pool", coins(2, 3, [1.0]))
    bare = write(tmp_path / "bare", [a_question("q", [a_sample("a", 1)])])
    unlabelled = write(tmp_path / "unlabelled", [a_question("q", [a_sample("a")])])
    wrong: list[tuple[str, Any, Plain]] = [
        ("jobs=0", None, {"jobs": 0}),
        ("cannot be sent", Replay(verifier=lambda task, candidate: True), {"jobs": 2}),
        ("is used otherwise too", None, {"out": path}),
        ("no such folder", None, {"out": tmp_path / "nowhere" / "out"}),
        ("only one of the two pools has the scores 'prm'", None, {"calibrate_on": bare}),
        ("one of them", Replay(calibration=Calibration()), {"calibrate_on": path}),
        ("a calibration is needed", Replay(risk=0.1), {"out": tmp_path / "untouched"}),
    ]
    for said, settings, options in wrong:
        with pytest.raises(ConfigurationError, match=said):
            evaluate(path, settings, **options)
    with pytest.raises(ConfigurationError, match="nothing to calibrate on"):
        evaluate(bare, calibrate_on=unlabelled)
    assert path.stat().st_size > 0
    assert not (tmp_path / "untouched").exists()


def test_a_fault_on_the_last_line_is_found_before_the_first_is_replayed(tmp_path: Path) -> None:
    path = write(tmp_path / "pool", [*coins(2, 3, [1.0]), {"id": "bad"}])
    out = tmp_path / "out"
    with pytest.raises(ConfigurationError, match="line 3: question: Field required"):
        evaluate(path, out=out)
    assert not out.exists()
