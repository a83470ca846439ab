from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.evaluation.making import coins, write
from tests.integrations.conftest import Command
from verifier_agent.integrations.cli.plot import read_names


@pytest.fixture
def result(command: Command, tmp_path: Path) -> str:
    pool = write(tmp_path / "pool.jsonl", coins(6, 4, [0.25, 0.75]))
    words = ["--policy", "best_of(4)", "--selector", "vote", "--verifier", "none", "--jobs", "1"]
    printed = command("eval", "--pool", str(pool), *words, "--json")
    assert printed.exit_code == 0
    path = tmp_path / "vote.json"
    path.write_text(printed.stdout)
    return str(path)


@pytest.mark.parametrize("kind", ["accuracy", "calibration", "difficulty"])
def test_what_eval_printed_is_drawn(
    command: Command, result: str, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "out.svg"
    drawn = command("plot", result, f"another name={result}", "--kind", kind, "--out", str(out))
    assert (drawn.exit_code, drawn.output) == (0, "")
    texts = {element.text for element in ElementTree.parse(out).iter()}
    assert {"vote", "another name"} <= texts


def test_the_axis_is_the_quantity_that_was_asked_for(
    command: Command, result: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.svg"
    assert command("plot", result, "--x", "samples", "--out", str(out)).exit_code == 0
    assert "samples per question" in {element.text for element in ElementTree.parse(out).iter()}


def test_what_is_wrong_is_said_with_the_file_and_the_remedy_and_nothing_is_written(
    command: Command, result: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.svg"
    broken = tmp_path / "broken.json"
    broken.write_text("[]")
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps({**json.loads(Path(result).read_text()), "by_difficulty": []}))
    for words, said in (
        ([result, "--x", "usd"], f"Error: {result}: by_budget.0.ledger.usd is unknown; evaluate"),
        ([result, "--kind", "difficulties"], "did you mean 'difficulty'?"),
        ([result, "--kind", "calibration", "--x", "usd"], "leave --x out"),
        ([result, result], "'vote' is there already; give NAME=FILE"),
        ([str(tmp_path / "none.json")], "none.json: No such file"),
        ([str(broken)], f"{broken}: it: Input should be"),
        ([f"b={bare}", "--kind", "difficulty"], f"{bare}: by_difficulty is empty; evaluate"),
    ):
        refused = command("plot", *words, "--out", str(out))
        assert refused.exit_code == 2
        assert said in refused.stderr
        assert not out.exists()


def test_a_name_is_what_stands_before_the_sign_unless_the_whole_is_a_file(tmp_path: Path) -> None:
    odd = tmp_path / "n=16.json"
    odd.write_text("{}")
    assert read_names(["a=b=c.json", str(odd), "d.json"]) == {
        "a": Path("b=c.json"),
        "n=16": odd,
        "d": Path("d.json"),
    }
