from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.calibration import auroc
from verifier_agent.evaluation.baselines import adaptive_consistency, best, majority, weighted
from verifier_agent.evaluation.metrics import (
    brier,
    brier_skill,
    calibration_error,
    calibration_error_by_mass,
    intervals,
    mean,
    perfect_error,
    standard_error,
)

JUDGED = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.integers(0, 1)), min_size=1
)


def test_the_standard_error_is_the_textbooks() -> None:
    values = [0.0, 1.0, 1.0, 0.5]
    assert standard_error(values) == pytest.approx(statistics.stdev(values) / 2)
    assert standard_error([1.0]) is None
    assert mean([]) is None


def test_brier_and_ece_by_hand() -> None:
    judged = [(0.95, 1), (0.91, 0), (0.2, 0), (1.0, 1)]
    assert brier(judged) == pytest.approx((0.0025 + 0.8281 + 0.04 + 0) / 4)
    # one bin holds three: |0.95 + 0.91 + 1 - 2| = 0.86, the other one: 0.2
    assert calibration_error(judged) == pytest.approx((0.86 + 0.2) / 4)
    assert (brier([]), calibration_error([]), auroc([])) == (None, None, None)


@given(JUDGED)
def test_auroc_is_the_share_of_pairs_in_order(judged: list[tuple[float, int]]) -> None:
    right = [c for c, r in judged if r]
    wrong = [c for c, r in judged if not r]
    pairs = [(c > w) + (c == w) / 2 for c in right for w in wrong]
    assert auroc(judged) == (pytest.approx(statistics.mean(pairs)) if pairs else None)


def test_bootstrap_intervals_are_those_of_the_normal_for_many_questions() -> None:
    source = random.Random(1)
    values = [source.choice([-1.0, 0.0, 0.0, 1.0, 1.0]) for _ in range(1000)]
    low, high = intervals({"a": values})["a"]
    error = standard_error(values)
    assert error is not None
    assert low == pytest.approx(statistics.mean(values) - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(statistics.mean(values) + 1.96 * error, abs=0.3 * error)


def test_bootstrap_intervals_cover_the_truth_as_often_as_they_say() -> None:
    source, inside = random.Random(2), 0
    for _ in range(150):
        values = [float(source.random() < 0.3) - 0.3 for _ in range(60)]
        low, high = intervals({"a": values})["a"]
        inside += low <= 0 <= high
    assert 0.88 <= inside / 150 <= 0.99  # 0.95, four standard errors down, and for few questions


def test_equal_strategies_differ_by_nothing() -> None:
    assert intervals({"a": [0.0] * 20, "b": [1.0] * 20}) == {"a": (0.0, 0.0), "b": (1.0, 1.0)}
    assert intervals({"a": [1.0]}) == {}


def test_bins_of_equal_mass_keep_equal_confidences_together() -> None:
    # ten answers, seven of them at 0.9: the first bin of two, then one that holds all of those
    judged = [(0.1, 0), (0.2, 1), (0.5, 0), *[(0.9, 1)] * 6, (0.9, 0)]
    by_hand = (abs(0.3 - 1) + abs(0.5 + 6.3 - 6)) / 10
    assert calibration_error_by_mass(judged) == pytest.approx(by_hand)
    assert calibration_error_by_mass([]) is None


def test_a_perfect_predictor_stays_below_its_limit_about_as_often_as_said() -> None:
    dice = random.Random(1)
    confidences = [dice.random() for _ in range(200)]
    limit = perfect_error(confidences)
    errors = [
        calibration_error_by_mass([(c, int(dice.random() < c)) for c in confidences]) or 0.0
        for _ in range(200)
    ]
    assert 0.9 <= sum(error <= limit for error in errors) / 200 <= 0.99


def test_skill_is_what_is_gained_over_always_saying_the_accuracy() -> None:
    assert brier_skill([(0.5, 1), (0.5, 0)]) == pytest.approx(0.0)
    assert brier_skill([(1.0, 1), (0.0, 0)]) == 1.0
    assert brier_skill([(0.8, 1), (0.4, 0)]) == pytest.approx(1 - (0.04 + 0.16) / 2 / 0.25)
    assert brier_skill([(0.8, 1)]) is brier_skill([]) is None


def test_the_baselines_by_hand() -> None:
    drawn = [("a", 0.2), ("b", 0.9), ("a", 0.3), (None, 1.0), ("c", None)]
    assert majority(drawn) == 2  # of the two with the winning answer the better-scored one
    assert weighted(drawn) == 3  # who has no answer abstains, with more weight than any answer
    assert best(drawn) == 3
    assert majority([(None, None), (None, 0.5)]) == 1
    assert weighted([("b", None), ("a", 0.0), ("a", None)]) == 1


@pytest.mark.parametrize(
    ("drawn", "used"),
    [
        ("aaaaaaaa", 4),  # Beta(5, 1) above one half: 31 / 32
        ("baaaaaaa", 7),  # Beta(7, 2) has 247 / 256; Beta(6, 2) has 120 / 128
        ("abababab", 8),
        ("a", 1),
    ],
)
def test_adaptive_consistency_stops_where_the_posterior_says(drawn: str, used: int) -> None:
    assert adaptive_consistency([(key, None) for key in drawn])[1] == used
