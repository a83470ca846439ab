from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.selection.elections import election
from verifier_agent.calibration import (
    Answered,
    Calibration,
    ScoreFit,
    SelectionFit,
    enough,
    isotonic,
    platt,
    tally,
)
from verifier_agent.errors import ConfigurationError
from verifier_agent.selection import vote
from verifier_agent.values import Judged, Verdict

HALVED = isotonic(((0.0, 0.0), (1.0, 0.5)))
SURE = SelectionFit(
    selector="vote()",
    verifiers=("agreement",),
    policy="best_of(4)",
    confidence=tally(0.5),
    curve=(Answered(threshold=0.8, answered=400, wrong=2),),
    figures={"brier_skill": 0.4, "ece_by_mass": None},
)
FITTED = Calibration(
    generators=("large", "small"),
    scores=(
        ScoreFit(verifier="prm", calibrator=HALVED, answers=10, right=5, offset=0.3),
        ScoreFit(verifier="prm", generator="small", calibrator=platt(0.0), answers=9, right=4),
    ),
    selections=(SURE,),
    source={"pool": "pool.jsonl", "questions": 10},
)


def verdict(score: float | None, **said: Any) -> Verdict:
    return Verdict(candidate="g0", **{"verifier": "prm", "score": score, **said})


def written(model: str, judged: Sequence[Judged], parent: str | None = None) -> tuple[Judged, ...]:
    return tuple(
        replace(j, candidate=replace(j.candidate, model=model, parent=parent)) for j in judged
    )


def test_it_survives_json_a_file_and_pickle(tmp_path: Path) -> None:
    plain = json.loads(json.dumps(FITTED.to_dict(), allow_nan=False))
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(plain))
    assert Calibration.from_dict(plain) == FITTED
    for form in (path, str(path), plain, FITTED):
        assert Calibration.read(form) == FITTED
    assert pickle.loads(pickle.dumps(FITTED)) == FITTED


def test_a_score_becomes_a_probability_and_what_was_said_is_kept() -> None:
    found = FITTED.verdict(verdict(0.8), "large")
    assert (found.score, found.raw, found.evidence) == (0.4, 0.8, {"uncalibrated": 0.8})
    assert FITTED.verdict(verdict(0.8, raw=8.0), "large").raw == 8.0
    assert FITTED.verdict(verdict(0.8, verifier="scores:prm"), "large").score == 0.4


def test_a_generator_of_its_own_has_a_fit_of_its_own() -> None:
    assert FITTED.verdict(verdict(0.8), "small").score == 0.5


@pytest.mark.parametrize(
    ("given", "generator"),
    [
        (verdict(0.8), "unseen"),
        (verdict(0.8, verifier="judge"), "large"),
        (verdict(0.8, hard=True), "large"),
        (verdict(None, error="no score"), "large"),
    ],
    ids=["another generator", "another verifier", "proof", "no score"],
)
def test_of_what_it_has_not_seen_it_says_nothing(given: Verdict, generator: str) -> None:
    assert FITTED.verdict(given, generator) is given


def test_a_pool_without_names_is_for_any_generator() -> None:
    assert replace(FITTED, generators=()).verdict(verdict(0.8), "unseen").score == 0.4


def test_a_choice_is_called_a_probability_only_where_it_is_one() -> None:
    ballots = written("large", election(("5", None), ("5", None), ("7", None)))
    chosen = vote()(ballots)
    found = FITTED.selection(chosen, ballots, SURE)
    assert (found.basis, chosen.basis) == ("P(correct)", "vote share")
    assert found.answer == chosen.answer == "5"
    for others in (written("unseen", ballots), written("large", ballots, parent="g0")):
        assert FITTED.selection(chosen, others, SURE) is chosen


def test_it_knows_a_selector_by_its_text_and_its_verifiers() -> None:
    assert FITTED.selection_fit("vote()", ["agreement"]) is SURE
    assert FITTED.selection_fit("vote()", ["agreement", "prm"]) is None
    assert FITTED.selection_fit("best()", ["agreement"]) is None


def test_a_risk_asks_for_a_confidence() -> None:
    assert enough(SURE, 0.05) == 0.8
    with pytest.raises(ConfigurationError, match="no confidence of vote\\(\\) is known"):
        enough(SURE, 0.001)
    with pytest.raises(ConfigurationError, match=r"risk=1.5: a number between 0 and 1"):
        enough(SURE, 1.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        ("{", "this is no JSON"),
        ("[]", "this is no calibration of schema 1"),
        ('{"schema": 2}', "this is no calibration of schema 1"),
        ('{"schema": 1, "scores": [{"verifier": 3}]}', "scores.0.verifier"),
        (
            '{"schema": 1, "scores": [{"calibrator": {"calibrator": "rm", "arguments": {}}}]}',
            "calibration.json: ",
        ),
    ],
    ids=["no file", "no JSON", "no object", "another schema", "a wrong field", "an unknown name"],
)
def test_a_file_that_is_none_is_refused_in_words(
    tmp_path: Path, text: str | None, said: str
) -> None:
    path = tmp_path / "calibration.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        Calibration.read(path)
