from __future__ import annotations

import json
from pathlib import Path

from tests.evaluation.making import coins, write
from tests.integrations.conftest import Command
from verifier_agent.embedded.family import example
from verifier_agent.search import Tuned

WORDS = ["--verifier", "none", "--one-model"]


def test_what_tune_writes_is_used_and_refused_for_other_verifiers(
    command: Command, tmp_path: Path
) -> None:
    pool, out = str(write(tmp_path / "pool", coins(40, 6, [0.6, 1.0]))), tmp_path / "policy.json"
    menu = ["--policy", "best_of(6)", "--policy", "best_of(2)", "--calls", "4", "--calls", "6"]
    result = command("tune", pool, *WORDS, *menu, "--seeds", "1", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert "gain less price" in result.stdout
    found = Tuned.read(out)
    assert [gain.budget for gain in found.gains] == [4, 6]
    assert found.models == ("large", "small")
    words = ["--pool", pool, "--jobs", "1", "--policy", str(out)]
    again = command("eval", *words, "--verifier", "none", "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["questions"] == 40
    other = command("eval", *words)
    assert other.exit_code == 2
    assert "tuned with no verifier, and here agreement judges" in other.stderr


def test_solve_goes_by_a_tuned_policy_and_refuses_one_of_another_model(
    command: Command, tmp_path: Path
) -> None:
    pool, out = str(write(tmp_path / "pool", coins(6, 3, [1.0]))), tmp_path / "policy.json"
    command("tune", pool, *WORDS, "--policy", "best_of(2)", "--seeds", "1", "--out", str(out))
    question = example(level=1, seed=0).question
    solve = ["solve", question, "--policy", str(out), "--verifier", "agreement"]
    refused = command(*solve)
    assert refused.exit_code == 2
    assert "not of 'embedded'" in refused.stderr
    plain = json.loads(out.read_text())
    out.write_text(json.dumps({**plain, "models": ["embedded"], "verifiers": ["agreement"]}))
    result = command(*solve, "--json", "--seed", "0")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["spent"]["calls"] == 2


def test_a_file_that_is_missing_is_a_wrong_argument(command: Command, tmp_path: Path) -> None:
    result = command("solve", "2 + 3?", "--policy", str(tmp_path / "policy.json"))
    assert result.exit_code == 2
    assert "policy.json: No such file" in result.stderr
