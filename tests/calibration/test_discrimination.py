from __future__ import annotations

import random

import pytest
from scipy.stats import mannwhitneyu

from tests.selection.elections import election
from verifier_agent.calibration import auroc, discrimination, fit_offset, roc
from verifier_agent.selection import calibrated_vote


def test_the_curve_by_hand() -> None:
    cuts = roc([(0.9, 1), (0.8, 0), (0.7, 1), (0.7, 1), (0.2, 0)])
    assert [(c.score, c.hits, c.alarms) for c in cuts] == [
        (0.9, pytest.approx(1 / 3), 0.0),
        (0.8, pytest.approx(1 / 3), 0.5),
        (0.7, 1.0, 0.5),
        (0.2, 1.0, 1.0),
    ]
    best = discrimination([(0.9, 1), (0.8, 0), (0.7, 1), (0.7, 1), (0.2, 0)])
    assert best is not None
    assert (best.score, best.j) == (0.7, 0.5)


def test_the_area_is_the_statistic_of_mann_and_whitney() -> None:
    dice = random.Random(0)
    pairs = [(round(dice.gauss(right, 1), 1), right) for right in (0, 1) for _ in range(80)]
    right, wrong = ([s for s, r in pairs if r == kind] for kind in (1, 0))
    expected = mannwhitneyu(right, wrong).statistic / (80 * 80)
    assert auroc(pairs) == pytest.approx(float(expected))


def test_without_both_kinds_there_is_no_curve() -> None:
    assert roc([(0.5, 1)]) == []
    assert auroc([(0.5, 0)]) is discrimination([]) is None


def test_the_offset_is_the_one_with_which_the_vote_is_right_most_often() -> None:
    # logit(0.6) = 0.41, logit(0.8) = 1.39: four against one win with b = 1/2, and not above 0.52
    ballots = [[*[("x", 0.6, 0)] * 4, ("y", 0.8, 1)]] * 3
    found = fit_offset(ballots)
    assert found > 0.52
    votes = election(*[("x", 0.6)] * 4, ("y", 0.8))
    assert calibrated_vote(found)(votes).answer == "y"
    assert calibrated_vote(0.5)(votes).answer == "x"


def test_without_ballots_scores_count_as_probabilities() -> None:
    assert fit_offset([]) == pytest.approx(0.5)
