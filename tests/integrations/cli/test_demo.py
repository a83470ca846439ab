"""`verifier-agent demo`: three questions under one policy, told truthfully."""

from __future__ import annotations

import re

import pytest

from tests.integrations.conftest import Command
from verifier_agent import Run
from verifier_agent.answers import answer_key
from verifier_agent.embedded import example
from verifier_agent.integrations.cli.demo import BUDGET, LEVELS, POLICY, Solved, attempt

SEEDS = (0, 1)


@pytest.fixture(scope="module")
def runs() -> dict[tuple[str, int], Run]:
    return {
        (name, seed): attempt(example(level, seed), seed)
        for name, level in LEVELS.items()
        for seed in SEEDS
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_the_table_says_what_each_run_did(
    command: Command, runs: dict[tuple[str, int], Run], seed: int
) -> None:
    result = command("demo", "--seed", str(seed))
    assert result.exit_code == 0, result.stderr
    assert POLICY in result.stdout
    assert "known to the demo alone" in result.stdout
    for name, level in LEVELS.items():
        run, problem = runs[name, seed], example(level, seed)
        assert problem.question in result.stdout
        row = next(line for line in result.stdout.splitlines() if line.startswith(f"{name} "))
        right = run.selection.answer == answer_key(f"Answer: {problem.answer}")
        assert re.split(r"\s{2,}", row.strip())[1:4] == [
            f"{len(run.candidates)}", f"{run.spent.calls}", f"{run.spent.tokens:,}",
        ]  # fmt: skip
        assert row.split()[-2:] == [run.selection.outcome, "right" if right else "wrong"]


def test_no_question_exceeds_the_budget_that_all_share(
    runs: dict[tuple[str, int], Run],
) -> None:
    for run in runs.values():
        assert run.spent.calls <= (BUDGET.calls or 0)
        assert run.spent.tokens <= (BUDGET.tokens or 0)
        assert run.seconds <= (BUDGET.seconds or 0.0)


def test_hopeless_questions_are_given_up_well_before_the_budget_is_used_up(
    runs: dict[tuple[str, int], Run],
) -> None:
    for seed in SEEDS:
        run = runs["hopeless", seed]
        assert run.selection.outcome == "gave_up"
        assert run.remaining.calls > (BUDGET.calls or 0) / 2


def test_easy_questions_cost_less_than_hopeless_ones(runs: dict[tuple[str, int], Run]) -> None:
    spent = {name: sum(runs[name, seed].spent.tokens for seed in SEEDS) for name in LEVELS}
    assert spent["easy"] < spent["hopeless"]


def test_an_answer_counts_as_right_only_if_it_is_the_generators_own(
    runs: dict[tuple[str, int], Run],
) -> None:
    run = runs["easy", 0]
    true, other = example(LEVELS["easy"], 0), example(LEVELS["hard"], 0)
    assert true.answer != other.answer
    found = run.selection.answer == true.answer
    assert Solved(name="easy", problem=true, run=run).right is found
    assert Solved(name="easy", problem=other, run=run).right is (
        run.selection.answer == other.answer
    )
