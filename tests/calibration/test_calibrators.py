from __future__ import annotations

import json
import math
import pickle
import random
import statistics
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression, minimize
from scipy.stats import beta as beta_distribution
from scipy.stats import binom

from verifier_agent.calibration import (
    METHODS,
    Calibrator,
    Method,
    beta,
    fit_calibrator,
    isotonic,
    lower_bound,
    platt,
)
from verifier_agent.calibration.binomial import at_most, lower, upper
from verifier_agent.errors import ConfigurationError

SCORE = st.integers(0, 100).map(lambda hundredths: hundredths / 100)
PAIRS = st.lists(st.tuples(SCORE, st.integers(0, 1)), min_size=1, max_size=60)
LEVELS = [i / 20 for i in range(21)]


def drawn(n: int, chance: float = 1.0, seed: int = 0) -> list[tuple[float, int]]:
    """Scores in hundredths; an answer is right with the chance score² · `chance`."""
    dice = random.Random(seed)
    scores = [round(dice.random(), 2) for _ in range(n)]
    return [(score, int(dice.random() < chance * score**2)) for score in scores]


def targets(pairs: Sequence[tuple[float, int]]) -> np.ndarray:
    right = sum(r for _, r in pairs)
    high, low = (right + 1) / (right + 2), 1 / (len(pairs) - right + 2)
    return np.array([high if r else low for _, r in pairs])


def cross_entropy(theta: np.ndarray, columns: np.ndarray, wanted: np.ndarray) -> float:
    z = theta[0] + columns @ theta[1:]
    return float(np.sum(np.logaddexp(0, z) - wanted * z))


@pytest.mark.parametrize("method", METHODS)
@given(pairs=PAIRS)
def test_a_fit_is_monotone_and_stays_within_0_and_1(
    method: Method, pairs: list[tuple[float, int]]
) -> None:
    fitted = fit_calibrator(pairs, method)
    found = [fitted(level) for level in LEVELS]
    assert all(a <= b + 1e-12 for a, b in pairwise(found))
    assert 0.0 <= found[0] <= found[-1] <= 1.0


@pytest.mark.parametrize("method", METHODS)
def test_a_fit_is_frozen_and_survives_text_json_and_pickle(method: Method) -> None:
    fitted = fit_calibrator(drawn(120), method)
    assert Calibrator.parse(repr(fitted)) == fitted
    assert Calibrator.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted
    assert pickle.loads(pickle.dumps(fitted)) == fitted
    with pytest.raises(AttributeError):
        fitted.name = "other"  # type: ignore[misc]


def test_platt_is_the_likeliest_logistic_of_the_log_odds() -> None:
    pairs = drawn(400)
    kept = np.clip([score for score, _ in pairs], 1e-3, 1 - 1e-3)
    column = np.log(kept / (1 - kept))[:, None]
    best = minimize(cross_entropy, [0.0, 0.0], args=(column, targets(pairs)), tol=1e-12).x
    assert fit_calibrator(pairs, "platt").arguments == {
        "slope": pytest.approx(best[1], abs=1e-4),
        "intercept": pytest.approx(best[0], abs=1e-4),
    }


def test_beta_is_the_likeliest_of_its_kind_with_both_ends_rising() -> None:
    pairs = drawn(400, chance=0.9)
    kept = np.clip([score for score, _ in pairs], 1e-3, 1 - 1e-3)
    columns = np.stack([np.log(kept), -np.log1p(-kept)], axis=1)
    best = minimize(
        cross_entropy,
        [0.0, 1.0, 1.0],
        args=(columns, targets(pairs)),
        bounds=[(None, None), (0, None), (0, None)],
        method="L-BFGS-B",
        options={"ftol": 1e-14, "gtol": 1e-10},
    ).x
    assert fit_calibrator(pairs, "beta").arguments == {
        "up": pytest.approx(best[1], abs=1e-3),
        "down": pytest.approx(best[2], abs=1e-3),
        "intercept": pytest.approx(best[0], abs=1e-3),
    }


def test_beta_with_equal_ends_is_platt() -> None:
    assert [beta(0.7, 0.7, -0.2)(x) for x in LEVELS] == pytest.approx(
        [platt(0.7, -0.2)(x) for x in LEVELS]
    )


@given(PAIRS)
def test_isotonic_is_the_closest_rising_curve(pairs: list[tuple[float, int]]) -> None:
    scores = sorted({score for score, _ in pairs})
    held = [[right for score, right in pairs if score == one] for one in scores]
    means, weights = [statistics.mean(h) for h in held], [len(h) for h in held]
    expected = isotonic_regression(means, weights=weights).x
    fitted = fit_calibrator(pairs, "isotonic")
    assert [fitted(score) for score in scores] == pytest.approx(list(expected))


def test_isotonic_goes_straight_from_point_to_point() -> None:
    fitted = isotonic(((0.2, 0.1), (0.6, 0.5)))
    found = [fitted(x) for x in (0.0, 0.2, 0.3, 0.6, 1.0)]
    assert found == pytest.approx([0.1, 0.1, 0.2, 0.5, 0.5])


def test_a_lower_bound_is_that_of_clopper_and_pearson_in_each_bin() -> None:
    # two bins of 50: 30 of 50 at 0.3, 45 of 50 at 0.8
    pairs = [(0.3, int(i < 30)) for i in range(50)] + [(0.8, int(i < 45)) for i in range(50)]
    fitted = fit_calibrator(pairs, "lower_bound")
    by_scipy = [beta_distribution.ppf(0.1, k, 50 - k + 1) for k in (30, 45)]
    assert [fitted(0.5), fitted(0.8)] == pytest.approx(by_scipy)
    assert fitted(0.1) == 0.0


def test_a_lower_bound_is_rarely_above_the_mean_of_its_bin() -> None:
    above = seen = 0
    for seed in range(60):
        pairs = drawn(300, seed=seed)
        fitted = fit_calibrator(pairs, "lower_bound")
        by_bound: dict[float, list[float]] = {}
        for score, _ in pairs:
            by_bound.setdefault(fitted(score), []).append(score**2)
        above += sum(statistics.mean(true) < bound for bound, true in by_bound.items())
        seen += len(by_bound)
    assert above / seen <= 0.1


def test_a_lower_bound_takes_the_step_it_has_reached() -> None:
    fitted = lower_bound(((0.2, 0.1), (0.6, 0.5)))
    assert [fitted(x) for x in (0.1, 0.2, 0.59, 0.6, 1.0)] == [0.0, 0.1, 0.1, 0.5, 0.5]


def test_scores_that_mislead_are_not_turned_round() -> None:
    misleading = [(0.9, 0), (0.1, 1)] * 50
    for method in METHODS:
        fitted = fit_calibrator(misleading, method)
        assert fitted(0.9) - fitted(0.1) == pytest.approx(0.0, abs=1e-9)
        assert fitted(0.9) <= 0.5 + 1e-9


def test_what_cannot_be_fitted_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match="nothing to calibrate on"):
        fit_calibrator([], "isotonic")
    with pytest.raises(ConfigurationError, match="did you mean 'isotonic'"):
        fit_calibrator([(0.1, 1)], "isotonik")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="must not fall"):
        isotonic(((0.2, 0.5), (0.6, 0.1)))
    with pytest.raises(ConfigurationError, match="greater than or equal to 0"):
        platt(-1.0)


@given(st.integers(1, 300), st.data(), st.floats(0.001, 0.999))
def test_binomial_tails_are_those_of_scipy(n: int, data: st.DataObject, p: float) -> None:
    k = data.draw(st.integers(0, n))
    assert at_most(k, n, p) == pytest.approx(float(binom.cdf(k, n, p)), abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(0, 20), (3, 20), (20, 20), (7, 500)])
def test_exact_bounds_are_quantiles_of_a_beta_distribution(k: int, n: int) -> None:
    high = 1.0 if k == n else beta_distribution.ppf(0.95, k + 1, n - k)
    low = 0.0 if k == 0 else beta_distribution.ppf(0.05, k, n - k + 1)
    assert (upper(k, n, 0.05), lower(k, n, 0.05)) == (pytest.approx(high), pytest.approx(low))
    assert math.isclose(lower(k, n, 0.05), 1 - upper(n - k, n, 0.05))
