"""The file of weights: read back as it was written, and refused if it is anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.weighting.made import NAMES, made
from verifier_agent.errors import ConfigurationError
from verifier_agent.weighting import Weights, fit_weights

FOUND = fit_weights(NAMES, made(60), "labels")


def test_it_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    path.write_text(json.dumps(FOUND.to_dict()))
    assert Weights.read(path) == FOUND
    assert Weights.read(FOUND) is FOUND


def test_recorded_scores_count_as_the_verifier_they_are_of() -> None:
    FOUND.check([f"scores:{name}" for name in FOUND.verifiers])
    with pytest.raises(ConfigurationError, match="say nothing of sharp, other"):
        FOUND.check(["sharp", "other"])


def changed(**fields: Any) -> dict[str, Any]:
    return FOUND.to_dict() | fields


def first(**fields: Any) -> dict[str, Any]:
    members = FOUND.to_dict()["members"]
    return changed(members=[members[0] | fields, *members[1:]])


@pytest.mark.parametrize(
    ("plain", "told"),
    [
        ({"schema": 1}, "no verifier weights: method"),
        ([1], "this is no verifier weights"),
        (changed(schema=2), "this is no verifier weights of schema 1"),
        (changed(kind="calibration"), "no verifier weights: kind"),
        (changed(members=[]), "members"),
        (changed(method="magic"), "method"),
        (first(weight="much"), "members.0.weight"),
        (first(weight=float("nan")), "finite"),
        (first(spread=0.0), "spread"),
        (changed(members=FOUND.to_dict()["members"][:1] * 2), "each verifier once"),
    ],
    ids=["bare", "list", "schema", "kind", "none", "method", "text", "nan", "flat", "twice"],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, plain: object, told: str) -> None:
    path = tmp_path / "weights.json"
    path.write_text(json.dumps(plain))
    with pytest.raises(ConfigurationError, match=told):
        Weights.read(path)


def test_a_file_that_is_missing_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        Weights.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(ConfigurationError, match="no JSON"):
        Weights.read(tmp_path / "bad.json")
