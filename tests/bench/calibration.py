"""What calibrated confidences are worth: pools fitted on one half, and measured on the other."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.bench.documents import write_section
from verifier_agent.calibration import binomial
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Replay, calibrate, evaluate
from verifier_agent.evaluation.metrics import perfect_error
from verifier_agent.evaluation.recordings.lines import Named, lines

RISKS = (0.05, 0.1, 0.2)
SETTINGS = Replay(max_samples=16)
FITTED = replace(SETTINGS, seeds=3)
"""More runs of each question say more of its votes; the measured ones are one of each."""


def calibration(*pools: str) -> None:
    """Fit on half of each pool; report calibration and what stated risks leave on the rest."""
    measures = ["| pool | questions | % right | ECE of the vote share | ECE of P(correct) "]
    measures[0] += "| a perfect predictor's, at most | Brier skill | AUROC |"
    measures.append("|---|---|---|---|---|---|---|---|")
    kept = ["| pool | stated risk | answered | wrong of those |", "|---|---|---|---|"]
    for pool in pools:
        name = pool.rpartition("/")[2].partition(".")[0]
        with tempfile.TemporaryDirectory() as folder:
            fitting, testing = halves(Path(pool), Path(folder))
            found = calibrate(fitting, FITTED)
            measures.append(
                f"| {name} | {measured(testing, replace(SETTINGS, calibration=found))} |"
            )
            for risk in RISKS:
                settings = replace(SETTINGS, calibration=found, risk=risk)
                kept.append(f"| {name} | {risk:.0%} | {selected(testing, settings)} |")
    text = "\n".join([*measures, "", *kept])
    write_section("calibration", text)
    sys.stdout.write(f"{text}\n")


def halves(pool: Path, folder: Path) -> tuple[Path, Path]:
    """Write the pool as two, by a number drawn from each question's id."""
    found = folder / "fit", folder / "test"
    with found[0].open("wb") as fitting, found[1].open("wb") as testing:
        for line in lines(pool):
            dice = random.Random(f"half:{line.read(Named).id}")
            (fitting if dice.random() < 0.5 else testing).write(line.data.rstrip() + b"\n")
    return found


def measured(pool: Path, settings: Replay) -> str:
    """Return the figures of calibration, as cells of a table."""
    bare = evaluate(pool, replace(settings, calibration=None))
    out = pool.with_suffix(".runs")
    found = evaluate(pool, settings, out=out)
    assert found["basis"] == ["P(correct)"]
    said = [json.loads(line)["confidence"] for line in out.read_text().splitlines()]
    return (
        f"{found['questions']} | {found['accuracy']:.1%} | {bare['ece_by_mass']:.3f} "
        f"| {found['ece_by_mass']:.3f} | {perfect_error(said):.3f} "
        f"| {found['brier_skill']:.3f} | {found['auroc']:.3f}"
    )


def selected(pool: Path, settings: Replay) -> str:
    """Return how many are answered at a risk, and how many of those wrongly."""
    try:
        found = evaluate(pool, settings)
    except ConfigurationError:
        return "refused: no threshold is sure enough | "
    answered = found["questions"] - found["outcomes"].get("gave_up", 0)
    wrong = round(answered * (1 - found["answered_accuracy"]))
    low, high = (bound(wrong, answered, 0.025) for bound in (binomial.lower, binomial.upper))
    return f"{answered / found['questions']:.1%} | {wrong / answered:.1%} [{low:.1%}, {high:.1%}]"
