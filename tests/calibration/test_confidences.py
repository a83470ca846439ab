from __future__ import annotations

import json
import math
import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from tests.selection.elections import election
from verifier_agent.calibration import Confidence, Evidence, fit_tally, tally, weigh
from verifier_agent.selection import best, vote
from verifier_agent.values import Selection

COUNTS = st.integers(0, 12)
JUDGED = st.lists(
    st.tuples(
        st.builds(
            Evidence,
            votes=st.integers(1, 12),
            runner_up=COUNTS,
            others=COUNTS,
            confidence=st.none() | st.floats(0, 1),
            score=st.none() | st.floats(0, 1),
        ),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=40,
)


def test_evidence_is_heads_for_and_against_and_the_mean_score() -> None:
    ballots = election(("5", 0.5), ("7", 0.9), ("5", 0.7), ("9", 0.1), ("7", 0.8), ("5", None))
    found = weigh(vote()((*ballots,)), ballots)
    assert found is not None
    assert (found.votes, found.runner_up, found.others) == (3, 2, 1)
    assert found.score == pytest.approx(0.6)
    assert found.confidence == pytest.approx(0.5)


def test_an_answer_without_a_key_has_one_vote_its_own() -> None:
    ballots = election((None, 0.9), (None, 0.2), ("7", 0.1))
    found = weigh(best()(ballots), ballots)
    assert found is not None
    assert (found.votes, found.runner_up, found.others) == (1, 1, 1)
    assert weigh(Selection(), ballots) is None


def test_by_hand() -> None:
    evidence = Evidence(votes=4, runner_up=1, others=3, confidence=0.5, score=0.9)
    z = 0.2 + 1.5 * math.log(4) - 0.5 * math.log(1.5) - 0.1 * math.log(3.5) + 0.3 * math.log(9)
    given_ = tally(0.2, 1.5, -0.5, -0.1, share=2.0, score=0.3)
    assert given_(evidence) == pytest.approx(1 / (1 + math.exp(-z)))


@given(JUDGED)
def test_more_for_an_answer_never_makes_it_less_probable(
    judged: list[tuple[Evidence, int]],
) -> None:
    fitted = fit_tally(judged)
    base = Evidence(votes=3, runner_up=2, others=2, confidence=0.4, score=0.5)
    for better in (
        Evidence(votes=5, runner_up=2, others=2, confidence=0.4, score=0.5),
        Evidence(votes=3, runner_up=1, others=2, confidence=0.4, score=0.5),
        Evidence(votes=3, runner_up=2, others=0, confidence=0.4, score=0.5),
        Evidence(votes=3, runner_up=2, others=2, confidence=0.9, score=0.5),
        Evidence(votes=3, runner_up=2, others=2, confidence=0.4, score=0.8),
    ):
        assert 0.0 <= fitted(base) <= fitted(better) <= 1.0


@given(JUDGED)
def test_a_fit_survives_text_json_and_pickle(judged: list[tuple[Evidence, int]]) -> None:
    fitted = fit_tally(judged)
    assert Confidence.parse(repr(fitted)) == fitted
    assert Confidence.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted
    assert pickle.loads(pickle.dumps(fitted)) == fitted


def test_a_fit_is_the_likeliest_within_the_signs() -> None:
    dice, judged = random.Random(0), []
    for _ in range(400):
        votes, against, others = dice.randint(1, 9), dice.randint(0, 6), dice.randint(0, 6)
        # others count for the answer here, which the fit must not follow
        odds = (
            0.3
            + 1.1 * math.log(votes)
            - 0.9 * math.log(against + 0.5)
            + 0.5 * math.log(others + 0.5)
        )
        right = int(dice.random() < 1 / (1 + math.exp(-odds)))
        judged.append((Evidence(votes=votes, runner_up=against, others=others), right))
    counts = np.array([(e.votes, e.runner_up + 0.5, e.others + 0.5) for e, _ in judged])
    columns = np.log(counts)
    rights = sum(right for _, right in judged)
    high, low = (rights + 1) / (rights + 2), 1 / (len(judged) - rights + 2)
    wanted = np.array([high if right else low for _, right in judged])
    prior = columns.var(axis=0)

    def loss(theta: np.ndarray) -> float:
        z = theta[0] + columns @ theta[1:]
        fit = float(np.sum(np.logaddexp(0, z) - wanted * z))
        return fit + 0.5 * float(np.sum(prior * theta[1:] ** 2))

    bounds = [(None, None), (0, None), (None, 0), (None, 0)]
    options = {"ftol": 1e-14, "gtol": 1e-10}
    best_ = minimize(loss, [0.0] * 4, bounds=bounds, method="L-BFGS-B", options=options).x
    found = fit_tally(judged).arguments
    names = ("base", "votes", "runner_up", "others")
    assert [found[name] for name in names] == pytest.approx(list(best_), abs=1e-3)
    assert found["others"] == 0.0
