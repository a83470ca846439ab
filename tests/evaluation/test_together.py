"""A pool replayed as one batch: the choices that the allocation makes without the graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluation.making import a_question, a_sample, coins, write
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.evaluation.baselines import majority
from verifier_agent.evaluation.recordings.pools import Question, read_pool
from verifier_agent.evaluation.replaying.recorded import Recorded
from verifier_agent.search.adaptive.allocating import Allocation
from verifier_agent.search.adaptive.prospects import Prospect

SHARES = [1.0, 0.9, 0.6, 0.5]


def by_hand(questions: list[Question], total: int, seed: int) -> tuple[list[int], float]:
    """Return how many answers each question is given by votes, and how many are right."""
    orders = [[q.samples[p] for p in Recorded.of(q).drawn(seed)] for q in questions]
    queue, given = Allocation([Prospect()] * len(questions)), [0] * len(questions)
    for _ in range(total):
        place = queue.take()
        if place is None:
            break
        given[place] += 1
        seen = [s.answer for s in orders[place][: given[place]]]
        votes = sorted((seen.count(key) for key in {*seen}), reverse=True)
        first, second = [*votes, 0][:2]
        if given[place] < len(orders[place]):
            queue.put(place, Prospect(drawn=given[place], votes=first, rival=second))
    right = [
        drawn[majority([(s.answer, None) for s in drawn[:n]])].correct or 0
        for drawn, n in zip(orders, given, strict=True)
    ]
    return given, sum(right) / len(right)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_batch_of_a_pool_draws_what_the_allocation_says(tmp_path: Path, seed: int) -> None:
    path = write(tmp_path / "pool", coins(20, 10, SHARES))
    out = tmp_path / "out"
    found = evaluate(path, Replay(mean_samples=4, selector="vote", seeds=2), out=out)
    lines = [line for line in _read(out) if line["seed"] == seed]
    questions = list(read_pool(path))
    given, right = by_hand(questions, 80, seed)
    assert [line["samples_used"] for line in lines] == given
    assert sum(given) == 80
    chosen = [q.samples[int(str(x["sample"]))] for q, x in zip(questions, lines, strict=True)]
    assert sum(s.correct or 0 for s in chosen) / 20 == right
    assert found["mean_samples"] == 4


def _read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_baselines_have_the_same_number_of_samples_for_each_question(tmp_path: Path) -> None:
    path = write(tmp_path / "pool", coins(20, 10, SHARES))
    together = evaluate(path, Replay(mean_samples=3, selector="vote"))
    alone = evaluate(path, Replay(policy="best_of(3)", max_samples=3, selector="vote"))
    assert together["baselines"]["majority"] == alone["baselines"]["majority"]
    assert together["by_budget"] == []


def test_questions_with_fewer_samples_end_with_them(tmp_path: Path) -> None:
    short = a_question("short", [a_sample("yes", 1), a_sample("no", 0)])
    path = write(tmp_path / "pool", [short, *coins(3, 12, [0.5])])
    found = evaluate(path, Replay(mean_samples=10, selector="vote"))
    assert found["mean_samples"] == pytest.approx(38 / 4)
    assert found["outcomes"] == {"budget": 1, "completed": 3}


def test_a_budget_below_one_answer_each_leaves_questions_without_one(tmp_path: Path) -> None:
    path = write(tmp_path / "pool", coins(4, 6, [1.0]))
    found = evaluate(path, Replay(mean_samples=1, policy="sample(6, batch=2)", selector="vote"))
    assert found["accuracy"] == 0.5


def test_its_calibration_is_fitted_elsewhere(tmp_path: Path) -> None:
    path = write(tmp_path / "pool", coins(4, 6, [1.0]))
    with pytest.raises(ConfigurationError, match="fit a calibration by itself"):
        evaluate(path, Replay(mean_samples=2), calibrate_on=path)
    with pytest.raises(ConfigurationError, match="mean_samples=0"):
        Replay(mean_samples=0)
