from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.making import Plain, a_question, a_sample, coins, write
from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.evaluation.figures import difficulties
from verifier_agent.evaluation.metrics import calibration_error, reliability
from verifier_agent.evaluation.scoring import BASELINES, Means, Scored

LEDGER = [
    "generated_tokens",
    "prompt_tokens",
    "cached_tokens",
    "verifier_tokens",
    "total_tokens",
    "calls",
    "depth",
    "seconds",
    "usd",
    "flops",
    "joules",
    "least_joules",
]


def measured(path: Path, plain: list[Plain], **options: Any) -> Plain:
    options = {"policy": "best_of(2)", "in_order": True, **options}
    return evaluate(write(path / "pool", plain), Replay(**options))


def a_cost(calls: int, read: int, cached: int, written: int, usd: float) -> Plain:
    counts = {"calls": calls, "input_tokens": read, "cached_tokens": cached}
    energy = {"flops": 10.0 * usd, "joules": 2 * usd, "least_joules": usd}
    return {**counts, "output_tokens": written, "usd": usd, "exact": True, **energy}


# --- the ledger ----------------------------------------------------------------------------------


def two_paid_questions() -> list[Plain]:
    return [
        a_question(
            f"q{i}",
            [
                a_sample(
                    "a",
                    1,
                    tokens=7,
                    scores={"prm": 0.5},
                    cost=a_cost(2, 100 + i, 40, 7, 0.5),
                    verifier_cost=a_cost(1, 50, 0, 3, 0.25),
                )
                for _ in range(2)
            ],
        )
        for i in range(2)
    ]


def test_the_ledger_adds_up_what_was_recorded(tmp_path: Path) -> None:
    found = measured(tmp_path, two_paid_questions(), verifier="scores:prm")
    expected = {
        "generated_tokens": 14,
        "prompt_tokens": 2 * 60.5,
        "cached_tokens": 80,
        "verifier_tokens": 106,
        "total_tokens": 14 + 121 + 80 + 106,
        "calls": 6,
        "depth": None,
        "seconds": None,
        "usd": 1.5,
        "flops": 15.0,
        "joules": 3.0,
        "least_joules": 1.5,
    }
    assert found["ledger"] == expected
    assert list(found["ledger"]) == LEDGER
    halves = {name: value and value / 2 for name, value in expected.items()}
    assert [point["ledger"] for point in found["by_budget"]] == [halves, expected]


@pytest.mark.parametrize("verifier", ["agreement", None])
def test_a_replay_pays_only_for_the_verifiers_that_it_uses(
    tmp_path: Path, verifier: str | None
) -> None:
    ledger = measured(tmp_path, two_paid_questions(), verifier=verifier)["ledger"]
    assert (ledger["verifier_tokens"], ledger["calls"], ledger["usd"]) == (0, 4, 1.0)


def test_what_was_not_recorded_of_one_sample_is_unknown_of_the_mean(tmp_path: Path) -> None:
    plain = two_paid_questions()
    del plain[1]["samples"][1]["cost"]["usd"]
    del plain[0]["samples"][0]["verifier_cost"]
    ledger = measured(tmp_path, plain, verifier="scores:prm")["ledger"]
    unknown = {name for name, value in ledger.items() if value is None}
    # all that verifiers have a part in; what was generated is known
    assert unknown == set(LEDGER) - {"generated_tokens", "prompt_tokens", "cached_tokens"}


def test_without_costs_the_tokens_are_all_that_is_known(tmp_path: Path) -> None:
    ledger = measured(tmp_path, coins(4, 6, [0.5]), verifier=None)["ledger"]
    known = {name: value for name, value in ledger.items() if value is not None}
    assert known == {"generated_tokens": 14, "verifier_tokens": 0}


def test_a_cost_below_nothing_is_a_fault_of_the_pool(tmp_path: Path) -> None:
    plain = two_paid_questions()
    plain[0]["samples"][1]["cost"]["calls"] = -1
    with pytest.raises(ValueError, match=r"line 1: samples\.1\.cost\.calls"):
        measured(tmp_path, plain)


# --- difficulty ----------------------------------------------------------------------------------


def test_levels_name_the_groups_numbers_first(tmp_path: Path) -> None:
    plain = coins(12, 6, [1.0, 0.0])
    for place, question in enumerate(plain):
        question["level"] = [10, 2, "hard"][place % 3]
    found = measured(tmp_path, plain)
    groups = found["by_difficulty"]
    assert [(g["difficulty"], g["questions"]) for g in groups] == [("2", 4), ("10", 4), ("hard", 4)]
    for name in ("accuracy", "mean_samples", "mean_tokens"):
        mean = sum(group["questions"] * group[name] for group in groups) / 12
        assert mean == pytest.approx(found[name])
    shared = {"accuracy", "accuracy_se", "mean_samples", "mean_tokens", "ledger", "by_budget"}
    for group in groups:
        assert group.keys() == shared | {"difficulty", "questions", "baselines"}
        assert list(group["baselines"]) == ["first", "majority", "weighted", "best", "oracle"]
        assert [p["max_samples"] for p in group["by_budget"]] == [1, 2, 4, 6]
        assert group["by_budget"][-1]["accuracy"] == group["accuracy"]


def test_without_levels_the_share_of_right_samples_tells(tmp_path: Path) -> None:
    shares = [0.1, 0.9, 0.5, 0.3, 0.7] * 4
    found = measured(tmp_path, coins(20, 10, shares), policy="best_of(10)")
    groups = found["by_difficulty"]
    assert [(g["difficulty"], g["questions"]) for g in groups] == [(str(i), 4) for i in range(1, 6)]
    # all ten samples are drawn: a majority is right above one half, and wrong below
    easy = [(g["accuracy"], g["baselines"]["oracle"]) for g in groups]
    assert easy[:2] == [(1.0, 1.0), (1.0, 1.0)]
    assert easy[3:] == [(0.0, 1.0), (0.0, 1.0)]


def test_there_are_no_groups_without_levels_and_labels(tmp_path: Path) -> None:
    plain = coins(4, 3, [1.0])
    plain[0]["level"] = 1  # one is not enough
    del plain[1]["samples"][0]["correct"]
    assert measured(tmp_path, plain)["by_difficulty"] == []


def a_scored(name: str, share: float) -> Scored:
    nothing = Means(share, 1.0)
    return Scored(name, (), (), None, share, nothing, (), dict.fromkeys(BASELINES, nothing))


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=40))
def test_the_bins_have_equal_mass_and_are_in_order(shares: list[float]) -> None:
    questions = [a_scored(f"q{place}", share) for place, share in enumerate(shares)]
    groups = difficulties(questions)
    assert difficulties(questions[::-1]) == groups  # whatever the order of the file
    assert list(groups) == sorted(groups)
    sizes = [len(group) for group in groups.values()]
    assert sum(sizes) == len(shares)
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == min(5, len(shares))
    found = [question.share for group in groups.values() for question in group]
    assert found == sorted(shares, reverse=True)


# --- reliability ---------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1))))
def test_the_bins_of_reliability_add_up_to_the_calibration_error(
    judged: list[tuple[float, int]],
) -> None:
    bins = reliability(judged)
    assert sum(held["count"] for held in bins) == len(judged)
    assert [held["confidence"] for held in bins] == sorted(held["confidence"] for held in bins)
    gaps = [held["count"] * abs(held["confidence"] - held["accuracy"]) for held in bins]
    error = calibration_error(judged)
    assert error == (pytest.approx(sum(gaps) / len(judged)) if judged else None)


def test_reliability_by_hand(tmp_path: Path) -> None:
    assert reliability([(0.95, 1), (1.0, 0), (0.2, 1)]) == [
        {"confidence": 0.2, "accuracy": 1.0, "count": 1},
        {"confidence": 0.975, "accuracy": 0.5, "count": 2},
    ]
    found = measured(tmp_path, coins(30, 8, [0.3, 0.9], seed=random.Random(4).randrange(9)))
    assert sum(held["count"] for held in found["reliability"]) == 30
