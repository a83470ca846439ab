"""Simulated runs are the graph's runs."""

from __future__ import annotations

import random

import pytest

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Replay
from verifier_agent.evaluation.recordings.pools import Question, Survey
from verifier_agent.evaluation.replaying.recorded import Recorded
from verifier_agent.evaluation.replaying.replay import Replayer
from verifier_agent.evaluation.replaying.simulating import Simulator
from verifier_agent.search import resolve_policy


def question(name: str, n: int = 12) -> Question:
    """Return a question with answers, scores and models drawn at random."""
    dice = random.Random(name)
    samples = [
        {
            "text": f"t{place}",
            "answer": dice.choice(["7", "7", "5", "4", None]),
            "correct": 0,
            "tokens": dice.randrange(5, 20),
            "model": dice.choice(["a", "b"]),
            "scores": {"prm": dice.random()},
        }
        for place in range(n)
    ]
    return Question.model_validate({"id": name, "question": f"{name}?", "samples": samples})


QUESTIONS = [question(f"q{n}") for n in range(4)]
SURVEY = Survey()
for one in QUESTIONS:
    SURVEY.see(one)


@pytest.mark.parametrize("verifier", ["agreement", "scores:prm", None])
@pytest.mark.parametrize(
    "policy",
    [
        "best_of(5)",
        "until(sample(12, batch=2), agree(0.9) | passed(0.8))",
        "adaptive(10)",
        "adaptive(10, judge='undecided')",
        "route(agreement(3), best_of(3), best_of(9))",
        "bandit(('a', 'b'), 3)",
    ],
)
def test_a_simulated_run_is_the_graphs(policy: str, verifier: str | None) -> None:
    settings = Replay(policy=policy, verifier=verifier, max_samples=8)
    replayer, simulator = Replayer.of(settings, SURVEY), Simulator(settings, SURVEY)
    for one in QUESTIONS:
        recorded = Recorded.of(one)
        for seed in (0, 1):
            run = replayer.run(recorded, seed)
            expected = replayer.point(recorded, run.tree, run.selection)
            assert simulator.run(recorded, seed, resolve_policy(policy)) == expected


def test_what_a_pool_does_not_hold_is_refused() -> None:
    simulator = Simulator(Replay(), SURVEY)
    with pytest.raises(ConfigurationError, match="revise is asked for"):
        simulator.run(Recorded.of(QUESTIONS[0]), 0, resolve_policy("revise(2)"))


def test_a_run_ends_where_nothing_is_left_to_draw() -> None:
    point = Simulator(Replay(), SURVEY).run(
        Recorded.of(QUESTIONS[0]), 0, resolve_policy("best_of(99)")
    )
    assert point.samples_used == 12
