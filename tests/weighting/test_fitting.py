"""Weights of verifiers: what they are worth, whom they drop, and what they rest on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from tests.weighting.made import NAMES, accuracy, by_mean, made, unlabelled
from verifier_agent.errors import ConfigurationError
from verifier_agent.weighting import Scored, fit_weights
from verifier_agent.weighting.choice import SHRINKAGE, fit_choice
from verifier_agent.weighting.standard import columns, scatter, standardise

QUESTIONS = made(60)
FRESH = made(150, seed=1)
FEW = QUESTIONS[:24]


def rows(questions: list[Scored]) -> np.ndarray:
    scores = [one.scores for one in questions]
    kept = range(len(NAMES))
    return np.array(standardise(scores, columns(scores, len(NAMES)), kept))


def labels(questions: list[Scored]) -> np.ndarray:
    return np.array([one.labels for one in questions])


def test_without_labels_a_common_taste_does_not_outvote_independent_verifiers() -> None:
    found = fit_weights(NAMES, unlabelled(QUESTIONS), share=1 / 8)
    weights = {member.verifier: member.weight for member in found.members}
    assert max(weights, key=lambda name: weights[name]) == "sharp"
    assert sum(w for name, w in weights.items() if "taste" in name) < weights["fair"]
    assert accuracy(found, FRESH) > by_mean(FRESH) + 0.1


def test_matching_moments_takes_a_common_taste_for_the_label() -> None:
    latent, moments = (
        fit_weights(NAMES, unlabelled(QUESTIONS), method, share=1 / 8)
        for method in ("latent", "moments")
    )
    assert accuracy(latent, FRESH) > accuracy(moments, FRESH)


def test_matching_moments_finds_who_knows_more_where_errors_are_independent() -> None:
    dice = np.random.default_rng(0)
    knows = [2.0, 1.0, 0.3]
    label = np.eye(6)[dice.integers(6, size=300)]  # (questions, answers)
    said = label[:, :, None] * knows + dice.normal(size=(300, 6, 3))
    questions = [Scored(scores=(0.5 + one / 20).tolist()) for one in said]
    found = fit_weights(["a", "b", "c"], questions, "moments", share=1 / 6)
    assert [m.verifier for m in sorted(found.members, key=lambda m: -m.weight)] == ["a", "b", "c"]


def test_weights_do_not_depend_on_a_verifiers_scale_nor_on_how_hard_a_question_is() -> None:
    found = fit_weights(NAMES, unlabelled(QUESTIONS))
    moved = [
        Scored(scores=[[s[0] * 0.01 + 0.3, *(x + n % 7 for x in s[1:])] for s in one.scores])  # type: ignore[operator]
        for n, one in enumerate(QUESTIONS)
    ]
    again = fit_weights(NAMES, moved)
    for one, other in zip(found.members, again.members, strict=True):
        assert other.weight == pytest.approx(one.weight, rel=1e-3, abs=1e-3)


def test_with_labels_it_is_the_penalised_maximum_of_the_likelihood() -> None:
    few = QUESTIONS[:48]
    x, y = rows(few), labels(few)

    def loss(w: np.ndarray) -> float:
        scores = x @ w
        return float(
            np.sum(logsumexp(scores, axis=1) - (y * scores).sum(1)) + SHRINKAGE / 2 * w @ w
        )

    expected = minimize(loss, np.zeros(len(NAMES))).x
    found = fit_choice(x.tolist(), y.tolist())
    assert found == pytest.approx(expected, abs=1e-3)


def test_forty_eight_labelled_questions_are_enough_to_beat_the_mean() -> None:
    found = fit_weights(NAMES, QUESTIONS[:48], "labels")
    assert accuracy(found, FRESH) > by_mean(FRESH) + 0.15
    assert found.labelled == 48
    assert {m.verifier: m.alone for m in found.members}["sharp"] == pytest.approx(
        np.mean(labels(QUESTIONS[:48])[np.arange(48), rows(QUESTIONS[:48])[:, :, 0].argmax(1)])
    )


def test_with_labels_a_verifier_that_misleads_counts_against_what_it_praises() -> None:
    turned = [
        replace(one, scores=[[1 - s[0], *s[1:]] for s in one.scores])  # type: ignore[operator]
        for one in QUESTIONS
    ]
    found = fit_weights(NAMES, turned, "labels")
    assert found.members[0].verifier == "sharp"
    assert found.members[0].weight < 0
    assert "counts against what it praises" in str(found)


def test_scores_by_labels_are_calibrated_and_without_them_as_many_are_right_as_was_said() -> None:
    for found, wanted in (
        (fit_weights(NAMES, FEW, "labels"), 1 / 8),
        (fit_weights(NAMES, unlabelled(FEW), share=0.3), 0.3),
    ):
        odds = [found.log_odds(dict(zip(NAMES, s, strict=True))) for one in FEW for s in one.scores]
        assert np.mean(expit(odds)) == pytest.approx(wanted, abs=1e-6)


def test_a_verifier_that_says_always_the_same_or_nothing_or_what_another_says_is_dropped() -> None:
    names = [*NAMES, "constant", "silent", "echo"]
    told = [
        replace(one, scores=[[*s, 0.7, None, s[0] * 0.5 + 0.1] for s in one.scores])  # type: ignore[operator]
        for one in FEW
    ]
    found = fit_weights(names, told, "labels")
    assert {one.verifier: one.reason.split(" (")[0] for one in found.dropped} == {
        "constant": "the same for all answers to a question",
        "silent": "scored nothing",
        "echo": "says what sharp says",
    }
    alone = fit_weights(NAMES, FEW, "labels")
    assert found.members == alone.members
    assert "says what sharp says" in str(found)


def test_without_labels_one_that_adds_nothing_is_dropped() -> None:
    dice = np.random.default_rng(1)
    told = [
        Scored(scores=[[*s[:2], 0.5 - 0.4 * s[0] + dice.normal() / 99] for s in one.scores])  # type: ignore[operator]
        for one in QUESTIONS
    ]
    found = fit_weights(["sharp", "fair", "contrary"], told)
    assert [one.reason for one in found.dropped] == ["adds nothing to the others"]


def test_a_missing_score_speaks_neither_for_an_answer_nor_against_it() -> None:
    found = fit_weights(NAMES, FEW, "labels")
    means = {member.verifier: member.mean for member in found.members}
    scores = dict.fromkeys(NAMES, 0.6)
    assert found.log_odds({**scores, "fair": None}) == pytest.approx(
        found.log_odds({**scores, "fair": means["fair"]})
    )
    assert found.log_odds(dict.fromkeys(NAMES)) is None
    holes = [
        Scored(scores=[[None, *s[1:]] if n == 0 else s for n, s in enumerate(one.scores)])
        for one in QUESTIONS
    ]
    assert fit_weights(NAMES, holes).members[0].given == 7 * len(QUESTIONS)


def test_scatter_is_the_matrix_of_correlations_within_questions() -> None:
    x = rows(QUESTIONS).reshape(-1, len(NAMES))
    assert np.array(scatter(rows(QUESTIONS).tolist())) == pytest.approx(np.corrcoef(x.T))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"questions": []}, "there are no questions"),
        ({"questions": unlabelled(QUESTIONS), "method": "labels"}, "no labelled questions"),
        ({"questions": [Scored(scores=[[0.5] * 6] * 3)]}, "no verifier tells answers apart"),
        ({"share": 1.0}, "share=1.0"),
        ({"method": "magic"}, "unknown method 'magic'"),
    ],
    ids=["none", "no labels", "constant", "share", "method"],
)
def test_what_cannot_be_fitted_is_refused(change: dict, told: str) -> None:
    given = {"names": NAMES, "questions": QUESTIONS, "method": "latent"} | change
    with pytest.raises(ConfigurationError, match=told):
        fit_weights(**given)


def test_moments_need_three_that_differ() -> None:
    two = [Scored(scores=[s[:2] for s in one.scores]) for one in QUESTIONS]
    with pytest.raises(ConfigurationError, match="three verifiers"):
        fit_weights(NAMES[:2], two, "moments")


def test_labels_that_are_all_alike_are_refused() -> None:
    alike = [replace(one, labels=[n % 2] * 8) for n, one in enumerate(QUESTIONS)]
    with pytest.raises(ConfigurationError, match="both right and wrong answers"):
        fit_weights(NAMES, alike, "labels")
