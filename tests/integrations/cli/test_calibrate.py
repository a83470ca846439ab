from __future__ import annotations

import json
from pathlib import Path

from tests.evaluation.making import coins, write
from tests.integrations.conftest import Command
from verifier_agent.calibration import Calibration


def test_what_calibrate_writes_makes_confidences_probabilities(
    command: Command, tmp_path: Path
) -> None:
    pool = str(write(tmp_path / "pool", coins(40, 6, [0.3, 0.9])))
    out = tmp_path / "calibration.json"
    words = ["--verifier", "scores:prm", "--seeds", "1", "--jobs", "1"]
    result = command("calibrate", pool, *words, "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert "brier skill" in result.stdout
    found = Calibration.read(out)
    assert found.generators == ("large", "small")
    assert {fit.generator for fit in found.scores} == {None, "large", "small"}
    assert all(fit.auroc == 1.0 for fit in found.scores)
    again = command("eval", "--pool", pool, *words, "--calibration", str(out), "--json")
    assert json.loads(again.stdout)["basis"] == ["P(correct)"]


def test_a_risk_without_a_calibration_is_a_wrong_argument(command: Command, tmp_path: Path) -> None:
    pool = str(write(tmp_path / "pool", coins(4, 3, [1.0])))
    result = command("eval", "--pool", pool, "--risk", "0.05", "--jobs", "1")
    assert result.exit_code == 2
    assert "risk=0.05: a calibration is needed" in result.stderr
