"""A student keeps what its teacher knows of a domain, on questions it was not taught."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from tests.evaluation.making import Plain, a_question, write
from verifier_agent.errors import ConfigurationError
from verifier_agent.training import distillation
from verifier_agent.training.distillation import PENALTY, Lesson, distill, fit
from verifier_agent.values import Task
from verifier_agent.verifiers import Distilled
from verifier_agent.verifiers.distilled import SIZE, Student
from verifier_agent.verifiers.surface import MEASURES
from verifier_agent.weighting import Scored

CAREFUL = ["first we check the units", "we verify the sum twice", "so the total is"]
CARELESS = ["obviously", "it is clear that", "just guess"]


def answers(n: int, *, labelled: bool = True, seed: int = 0) -> list[Plain]:
    """Questions of which careful answers are right, as a teacher knows that is often sure."""
    dice = random.Random(seed)
    made = []
    for number in range(n):
        samples = []
        for _ in range(4):
            right = dice.random() < 0.4
            words = dice.sample(CAREFUL if right else CARELESS, 2)
            samples.append(
                {
                    "text": f"{words[0]} {number}\n{words[1]}",
                    "answer": words[0],
                    "scores": {"judge": min(1.0, max(0.0, 0.2 + 0.6 * right + dice.gauss(0, 0.2)))},
                    "verifier_cost": {"flops": 1e9},
                }
                | ({"correct": int(right)} if labelled else {})
            )
        made.append(a_question(f"{seed}:{number}", samples))
    return made


def test_it_keeps_what_the_teacher_knows_at_a_small_share_of_the_cost(tmp_path: Path) -> None:
    student = distill(write(tmp_path / "pool", answers(120)), "scores:judge")
    sheet = student.sheet
    assert (sheet["teacher"], sheet["taught_on"], sheet["measured_on"]) == ("judge", 84, 36)
    assert sheet["teacher_accuracy"] > sheet["first_accuracy"] + 0.2
    # its errors are noise, which a student does not learn
    assert sheet["kept"] >= 1.0
    assert sheet["difference"] == pytest.approx(
        sheet["student_accuracy"] - sheet["teacher_accuracy"]
    )
    assert sheet["student_accuracy"] == pytest.approx(sheet["any_accuracy"])
    assert sheet["cost_share"] == sheet["student_flops"] / 1e9 < 1e-5
    verifier = Distilled(student)
    fresh = answers(1, seed=9)[0]
    said = verifier.verify_sync(Task(question=fresh["question"]), [])
    assert said == []


def test_labels_are_for_the_figures_alone(tmp_path: Path) -> None:
    with_labels = distill(write(tmp_path / "a", answers(80)), "scores:judge")
    without = distill(write(tmp_path / "b", answers(80, labelled=False)), "scores:judge")
    assert with_labels.weights == without.weights
    assert "kept" not in without.sheet
    assert without.sheet["same_choice"] == with_labels.sheet["same_choice"]


def test_the_fit_is_the_penalised_minimum_of_the_cross_entropy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dice = np.random.default_rng(0)
    x, t = dice.normal(size=(40, 3)), dice.uniform(size=40)
    read = [{0: 1.0, 4: float(a), len(MEASURES) + 5: float(b)} for _, a, b in x]
    lesson = Lesson(read, Scored(scores=[[float(one)] for one in t]), None)
    design = np.array([[1.0, a, b] for _, a, b in x])
    penalty = np.array([PENALTY[0], PENALTY[0], PENALTY[1]])

    def loss(w: Any) -> float:
        odds = design @ w
        return float(np.mean(np.logaddexp(0, odds) - t * odds) + (penalty * w**2).sum() / 2)

    expected = minimize(loss, np.zeros(3)).x
    monkeypatch.setattr(distillation, "STEPS", 1000)
    found = fit([lesson])
    assert [found[0], found[4], found[len(MEASURES) + 5]] == pytest.approx(expected, abs=1e-3)
    assert len(found) == SIZE
    assert sum(map(abs, found)) == pytest.approx(sum(map(abs, expected)), abs=3e-3)


def test_an_ensemble_can_teach_and_answers_without_a_score_teach_nothing(tmp_path: Path) -> None:
    made = answers(80)
    for number, question in enumerate(made):
        for sample in question["samples"]:
            sample["scores"] = {} if number % 3 == 0 else sample["scores"] | {"other": 0.5}
    student = distill(write(tmp_path / "pool", made), "mean:scores:judge,scores:other")
    assert student.sheet["teacher"] == "mean:scores:judge,scores:other"
    assert student.sheet["kept"] > 1.0  # where the teacher said nothing it chooses at random
    with pytest.raises(ConfigurationError, match="scored none"):
        fit([Lesson([{0: 1.0}], Scored(scores=[[None]]), None)])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"held_out": 1.0}, "held_out=1.0"),
        ({"held_out": 0.1}, "are too few"),
        ({"teacher": "judge"}, "would call a model"),
        ({"teacher": "scores:judgee"}, "no scores 'judgee'"),
    ],
    ids=["share", "few", "a call", "name"],
)
def test_what_cannot_be_taught_is_refused(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    pool = write(tmp_path / "pool", answers(50))
    with pytest.raises(ConfigurationError, match=told):
        distill(**{"pool": pool, "teacher": "scores:judge"} | change)


def test_the_command_writes_the_file_and_tells_what_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("typer")
    from typer.testing import CliRunner

    from verifier_agent.integrations.cli.commands import app

    pool, out = write(tmp_path / "pool", answers(80)), tmp_path / "d.json"
    told = CliRunner().invoke(
        app, ["distill", str(pool), "--teacher", "scores:judge", "--out", str(out)]
    )
    assert told.exit_code == 0, told.output
    assert "of the teacher's accuracy" in told.stdout
    assert f"--verifier distilled:{out}" in told.stdout
    assert json.loads(out.read_text())["sheet"]["pool"] == "pool"
    assert Student.read(out) == distill(pool, "scores:judge")
