from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.search.trees import drawn
from verifier_agent.search.posteriors import PRIORS, Beta, Gaussian, favourite, scores_by_mark

scores = st.lists(st.floats(0, 1), max_size=12)


@pytest.mark.parametrize("seen", [[0.3, 0.9, 0.8], [1.0, 1.0, 1.0, 0.0], [0.5] * 6])
def test_the_normal_posterior_is_prior_times_likelihood(seen: list[float]) -> None:
    means = np.linspace(-2, 3, 1201)[:, None]
    variances = np.geomspace(1e-3, 20, 800)[None, :]
    prior = stats.invgamma.pdf(variances, 0.5, scale=0.05)
    weight = prior * stats.norm.pdf(means, 0.0, np.sqrt(variances))
    for score in seen:
        weight = weight * stats.norm.pdf(score, means, np.sqrt(variances))
    by_mean = (weight * np.gradient(variances[0])[None, :]).sum(axis=1)
    by_mean /= by_mean.sum()
    cumulated = np.cumsum(by_mean)
    posterior = Gaussian().given(seen)
    marginal = stats.t(
        posterior.freedom, posterior.mean, np.sqrt(posterior.variance / posterior.weight)
    )
    for point in (200, 500, 600, 650, 700, 800):
        assert cumulated[point] == pytest.approx(marginal.cdf(means[point, 0] + 1 / 480), abs=2e-3)


@pytest.mark.parametrize("seen", [[], [0.7], [0.2, 0.9, 0.4, 1.0]])
def test_draws_are_distributed_as_scipy_says(seen: list[float]) -> None:
    dice = random.Random(7)
    normal = Gaussian().given(seen)
    marginal = stats.t(normal.freedom, normal.mean, np.sqrt(normal.variance / normal.weight))
    assert stats.kstest([normal.draw(dice) for _ in range(3000)], marginal.cdf).pvalue > 0.001
    chance = Beta().given(seen)
    closed = stats.beta(0.5 + sum(seen), 0.5 + len(seen) - sum(seen))
    assert stats.kstest([chance.draw(dice) for _ in range(3000)], closed.cdf).pvalue > 0.001


@given(scores, scores)
def test_scores_may_be_told_in_two_parts(first: list[float], second: list[float]) -> None:
    for prior in PRIORS.values():
        at_once, in_parts = prior.given(first + second), prior.given(first).given(second)
        for name in at_once.__dataclass_fields__:
            assert getattr(at_once, name) == pytest.approx(getattr(in_parts, name), abs=1e-9)


@pytest.mark.parametrize("prior", ["gaussian", "beta"])
def test_the_better_arm_is_chosen_more_often_and_the_other_not_never(prior: str) -> None:
    arms = {"good": [0.8, 0.9], "bad": [0.2, 0.3]}
    chosen = [favourite(arms, prior, random.Random(seed)) for seed in range(400)]  # type: ignore[arg-type]
    assert 200 < chosen.count("good") < 400


def test_a_missing_score_tells_an_arm_nothing() -> None:
    assert scores_by_mark(drawn("1", "2", scores=[None, 0.5]), ["", "other"]) == {
        "": [0.5],
        "other": [],
    }
