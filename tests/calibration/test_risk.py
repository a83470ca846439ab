from __future__ import annotations

import random

import pytest
from scipy.stats import binom

from verifier_agent.calibration import Answered, risk_threshold, selective
from verifier_agent.calibration.risk import STARTS


def test_counts_go_from_the_surest_answer_to_all_of_them() -> None:
    curve = selective([(0.9, 1), (0.4, 0), (0.9, 0), (0.7, 1)])
    assert curve == (
        Answered(threshold=0.9, answered=2, wrong=1),
        Answered(threshold=0.7, answered=3, wrong=1),
        Answered(threshold=0.4, answered=4, wrong=2),
    )
    assert selective([]) == ()


def test_no_more_points_are_kept_than_are_of_use() -> None:
    curve = selective([(i / 5000, 1) for i in range(5000)])
    assert len(curve) == 50
    assert (curve[0].answered, curve[-1].answered) == (100, 5000)


def test_each_threshold_passes_an_exact_test() -> None:
    curve = [Answered(threshold=1 - i / 10, answered=50 * i, wrong=i) for i in range(1, 11)]
    found = risk_threshold(curve, 0.05, sure=0.9)
    assert found is not None
    passing = [p for p in curve if binom.cdf(p.wrong, p.answered, 0.05) <= 0.1 / STARTS]
    assert found == passing[-1] == curve[-1]
    # one more wrong answer of fifty at the loosest threshold, and the next one is taken
    worse = [*curve[:-1], Answered(threshold=0.0, answered=500, wrong=20)]
    assert binom.cdf(20, 500, 0.05) > 0.1 / STARTS
    assert risk_threshold(worse, 0.05, sure=0.9) == curve[-2]


def test_without_enough_answers_nothing_is_promised() -> None:
    assert risk_threshold(selective([(0.9, 1)] * 40), 0.05) is None
    assert risk_threshold((), 0.05) is None


@pytest.mark.parametrize("risk", [0.05, 0.2])
def test_the_risk_is_kept_in_nine_of_ten_draws_at_least(risk: float) -> None:
    dice, kept, answered = random.Random(0), 0, 0.0
    for _ in range(150):
        judged = [(c, int(dice.random() < c)) for c in (dice.random() ** 0.3 for _ in range(300))]
        found = risk_threshold(selective(judged), risk)
        threshold = 1.0 if found is None else found.threshold
        # of those above t, with c = u^0.3: P(wrong | c >= t) = 1 - E[c | c >= t]
        u = threshold ** (1 / 0.3)
        true = 1 - (1 - u**1.3) / 1.3 / (1 - u) if threshold < 1 else 0.0
        kept += true <= risk
        answered += 1 - u
    assert kept / 150 >= 0.9
    assert answered > 0.0
