"""Step labels by what steps lead to, on the embedded models, whose steps have exact labels too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("numpy")

from verifier_agent.errors import ConfigurationError
from verifier_agent.integrations.cli.commands import app
from verifier_agent.training.labelling import Labelling, label_steps, read_labels
from verifier_agent.training.step_labels import label as exact_labels

DATA = "embedded:validation:10"


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_labels_have_the_form_of_trl_and_agree_with_exact_ones(tmp_path: Path) -> None:
    record, out = tmp_path / "pool.jsonl", tmp_path / "labels.jsonl"
    settings = Labelling(rollouts=4)
    found = label_steps("embedded", DATA, record, out, settings)
    made = lines(out)
    assert found["labelled"] == len(made) == 10
    assert found["steps"] == sum(len(line["labels"]) for line in made)
    seen: list[tuple[bool, bool]] = []
    for line in made:
        assert len(line["completions"]) == len(line["labels"]) == len(line["values"])
        assert all(type(one) is bool for one in line["labels"])
        exact = exact_labels(line["prompt"], "\n".join(line["completions"]))
        wrong = next((n for n, one in enumerate(exact) if not one.right), len(exact))
        # behind an error nothing leads to the right answer, but by chance
        seen += [(n < wrong, one) for n, one in enumerate(line["labels"])]
    behind = [said for right, said in seen if not right]
    before = [said for right, said in seen if right]
    assert sum(behind) <= 0.1 * len(behind)
    assert sum(before) >= 0.5 * len(before)


def test_nothing_is_spent_on_labels_that_could_not_be_written(tmp_path: Path) -> None:
    record = tmp_path / "pool.jsonl"
    with pytest.raises(ConfigurationError, match="no such folder"):
        label_steps("embedded", DATA, record, tmp_path / "nowhere" / "labels.jsonl")
    assert not record.exists()


def test_the_same_call_goes_on_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    record, out = tmp_path / "pool.jsonl", tmp_path / "labels.jsonl"
    settings = Labelling(rollouts=2, find="first_error")
    label_steps("embedded", "embedded:validation:4", record, out, settings)
    first = out.read_text()
    kept = record.read_bytes().splitlines(keepends=True)
    record.write_bytes(b"".join(kept[:2]) + kept[2][:40])
    label_steps("embedded", "embedded:validation:4", record, out, settings)
    assert record.read_bytes().splitlines(keepends=True)[:2] == kept[:2]
    assert [line["id"] for line in lines(out)] == [json.loads(x)["id"] for x in first.splitlines()]
    for one in read_labels(record, settings):
        assert one.right or one.values[-1] == 0.0, "the first error is the last step"
        assert set(one.values[:-1]) <= {1.0}


def test_questions_without_an_answer_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"id": "a", "question": "What is it?"}\n')
    with pytest.raises(ConfigurationError, match="has no gold"):
        label_steps("embedded", data, tmp_path / "pool", tmp_path / "out")
    assert not (tmp_path / "pool").exists()


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    given = ["label", "--model", "embedded", "--data", "embedded:validation:2", "--rollouts", "1"]
    files = ["--record", str(tmp_path / "pool.jsonl"), "--out", str(tmp_path / "labels.jsonl")]
    result = CliRunner().invoke(app, [*given, *files])
    assert result.exit_code == 0, result.output
    assert "2 of 2 answers" in result.output
    wrong = CliRunner().invoke(app, [*given, *files, "--find", "errors"])
    assert wrong.exit_code == 2
