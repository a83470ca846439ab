from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluation.making import coins, write
from tests.integrations.conftest import Command
from verifier_agent.evaluation import Replay, evaluate


@pytest.fixture
def pool(tmp_path: Path) -> str:
    return str(write(tmp_path / "pool.jsonl", coins(6, 8, [0.25, 0.75, 1.0])))


def test_json_is_one_object_and_nothing_else(command: Command, pool: str) -> None:
    words = ["--policy", "best_of(5)", "--selector", "best", "--verifier", "scores:prm"]
    result = command("eval", "--pool", pool, *words, "--seeds", "2", "--jobs", "1", "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    settings = Replay(policy="best_of(5)", selector="best", verifier=["scores:prm"], seeds=2)
    assert json.loads(result.stdout) == evaluate(pool, settings)


def test_a_table_says_the_same_in_words(command: Command, pool: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    words = ["--policy", "best_of(8)", "--verifier", "none", "--max-samples", "6", "--in-order"]
    result = command("eval", "--pool", pool, *words, "--calibrate-on", pool, "--out", str(out))
    assert result.exit_code == 0
    for said in ("6; 6 with labels", "P(correct)", "adaptive consistency", "budget 6"):
        assert said in result.stdout
    assert len(out.read_text().splitlines()) == 6


def test_a_bad_pool_is_a_wrong_argument_in_words(command: Command, tmp_path: Path) -> None:
    path = write(tmp_path / "pool", [{"id": "q", "question": "?", "samples": [{"text": "a"}]}])
    result = command("eval", "--pool", str(path))
    assert result.exit_code == 2
    assert f"Error: {path}, line 1: samples.0.answer" in result.stderr
    assert result.stdout == ""
