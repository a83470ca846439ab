"""Calibration from one pool, kept on another: what is fitted, and what a stated risk leaves."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.evaluation.making import Plain, a_question, a_sample, write
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Replay, calibrate, evaluate
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.replaying.recorded_scores import Scale
from verifier_agent.evaluation.replaying.replay import Replayer

VOTES = Replay(policy="best_of(5)", selector="vote", verifier=None)


def sure_or_not(n: int, seed: int) -> list[Plain]:
    """Questions of which every second one is answered alike and right with 97 %, the others
    three to two and right with 50 %."""
    dice = random.Random(seed)
    made = []
    for i in range(n):
        right = int(dice.random() < (0.97 if i % 2 else 0.5))
        other = [] if i % 2 else [a_sample("no", 1 - right)] * 2
        samples = [a_sample("yes", right)] * (5 - len(other)) + other
        made.append(a_question(f"{seed}:{i}", samples))
    return made


@pytest.mark.parametrize("fresh", [False, True], ids=["from a file", "from the other pool"])
def test_a_stated_risk_holds_back_what_is_not_sure_enough(tmp_path: Path, fresh: bool) -> None:
    tuning, test = (write(tmp_path / str(seed), sure_or_not(300, seed)) for seed in (1, 2))
    given = None if fresh else calibrate(tuning, VOTES)
    settings = replace(VOTES, calibration=given, risk=0.1)
    found = evaluate(test, settings, calibrate_on=tuning if fresh else None)
    assert found["outcomes"] == {"completed": 150, "gave_up": 150}
    assert found["answered_accuracy"] == pytest.approx(0.97, abs=0.03)
    assert found["basis"] == ["P(correct)"]


def test_a_bound_is_for_the_policy_it_was_fitted_on(tmp_path: Path) -> None:
    pool, out = write(tmp_path / "pool", sure_or_not(200, 1)), tmp_path / "out"
    settings = replace(VOTES, calibration=calibrate(pool, VOTES), risk=0.4)
    with pytest.raises(ConfigurationError, match=r"runs of best_of\(5\), and does not hold"):
        evaluate(pool, replace(settings, policy="best_of(3)"), out=out)
    assert not out.exists()


@pytest.mark.parametrize("verifier", ["scores:prm", "scores:prm@last"])
def test_scores_are_read_on_the_scale_that_they_were_fitted_on(
    tmp_path: Path, verifier: str
) -> None:
    def pool(name: str, low: float, high: float) -> Path:
        steps = [[low, low], [low, 2.0], [low, high]]
        samples = [a_sample(str(i), int(i > 1), scores={"prm": s}) for i, s in enumerate(steps)]
        return write(tmp_path / name, [a_question(f"q{i}", samples) for i in range(3)])

    settings = Replay(verifier=verifier, policy="best_of(3)")
    fitted = calibrate(pool("tuning", -4.0, 4.0), settings)
    assert [fit.scale for fit in fitted.scores] == [(-4.0, 4.0)]
    survey = Survey.of(pool("test", 0.5, 9.0))
    replayer = Replayer.of(replace(settings, calibration=fitted), survey)
    assert replayer.scales == {"prm": Scale(-4.0, 4.0)}
