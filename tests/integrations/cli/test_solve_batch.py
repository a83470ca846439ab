"""`verifier-agent solve --batch`: files in, a file out, and what goes wrong."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.conftest import Command
from verifier_agent.embedded import examples
from verifier_agent.integrations.cli.batch import read_batch
from verifier_agent.testing import ModelServer, Reply, Request

MAIN = "from verifier_agent.integrations.cli.main import main; main()"
EASY = [problem.question for problem in examples(level=1, count=4)]
KEYS = [
    "id", "question", "answer", "text", "confidence", "basis", "outcome", "reason", "candidates",
    "spent", "error",
]  # fmt: skip


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_text_on_each_line_makes_an_object_on_each_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "questions.txt").write_text(f"{EASY[0]}\n\n  {EASY[1]}\n")
    result = command("solve", "--batch", tmp_path / "questions.txt", "--max-calls", "8")
    assert result.exit_code == 0, result.stderr
    made = [json.loads(line) for line in result.stdout.splitlines()]
    assert [list(one) for one in made] == [KEYS] * 2
    assert [(one["id"], one["question"]) for one in made] == [("1", EASY[0]), ("3", EASY[1])]
    assert sum(one["spent"]["calls"] for one in made) == 8
    assert "2 of 2 questions answered" in result.stderr.splitlines()[-1]


def test_objects_and_pools_are_batches_too(command: Command, tmp_path: Path) -> None:
    lines = [
        {"question": EASY[0]},
        {"id": 7, "question": EASY[1], "context": {"a": 1}, "gold": "1"},
        {"id": "p", "question": EASY[2], "samples": [{"text": "", "answer": None}]},
    ]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = tmp_path / "out.jsonl"
    result = command(
        "solve", "--batch", tmp_path / "pool.jsonl", "--max-calls", "6", "--out", out, "--json"
    )
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert [one["id"] for one in written(out)] == ["1", "7", "p"]
    assert (told["questions"], told["answered"], told["spent"]["calls"]) == (3, 3, 6)
    assert list(tmp_path.glob("out.jsonl?*")) == [], "what was kept to go on is gone"


def test_an_object_among_texts_is_an_object_and_a_brace_alone_is_none(tmp_path: Path) -> None:
    (tmp_path / "mixed").write_text('first\n{"id": "b", "question": "second"}\n{x | x > 0} is …?\n')
    read = [(one.id, one.messages[0].text) for one in read_batch(tmp_path / "mixed")]
    assert read == [("1", "first"), ("b", "second"), ("3", "{x | x > 0} is …?")]


def test_a_built_in_set_works_offline(command: Command) -> None:
    result = command("solve", "--batch", "embedded:test:2", "--max-calls", "3")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [
        "test-1-0",
        "test-2-0",
    ]


@pytest.mark.parametrize(
    ("content", "options", "fault"),
    [
        ("a\n", ("--max-calls", "4", "A question"), "not both"),
        ("a\n", (), "needs a limit"),
        ("", ("--max-calls", "4"), "the file is empty"),
        ('{"question": 3}\n', ("--max-calls", "4"), "line 1: question"),
        ('{"question": "a"}\nb\n', ("--max-calls", "4"), "line 2"),
        ('{"id": 1, "question": "a"}\n{"id": "1", "question": "b"}\n', ("--max-calls", "4"), "'1'"),
        ("a\n", ("--max-calls", "4", "--jobs", "0"), "jobs=0"),
        ("a\n", ("--max-calls", "4", "--out", "{folder}/questions"), "exists"),
        ("a\n", ("--max-calls", "4", "--out", "{folder}/none/out"), "no such folder"),
        ("a\n", ("--max-calls", "4", "--out", "{folder}/taken"), "taken.runs': "),
        ('a\n{"q": "b"}\n', ("--max-calls", "4"), "line 2: question"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    content: str, options: tuple[str, ...], fault: str, command: Command, tmp_path: Path
) -> None:
    (tmp_path / "questions").write_text(content)
    (tmp_path / "taken.runs").mkdir()
    given = [option.format(folder=tmp_path) for option in options]
    result = command("solve", "--batch", tmp_path / "questions", *given)
    assert result.exit_code == 2
    assert fault in result.stderr
    assert result.stdout == ""


def test_options_of_a_batch_need_one(command: Command) -> None:
    result = command("solve", EASY[0], "--out", "x.jsonl")
    assert (result.exit_code, "--batch" in result.stderr) == (2, True)


def slow(request: Request) -> Reply:
    dice = random.Random(f"{request.question}{request.seed}")
    return Reply(f"Answer: {dice.randint(1, 3)}", delay=0.05)


def order(server: ModelServer, folder: Path, *more: str) -> list[str]:
    options = ("--model", "any", "--base-url", server.url, "--verifier", "agreement", "--jobs", "4")
    files = ("--batch", str(folder / "questions"), "--out", str(folder / "out.jsonl"))
    return ["solve", *files, *options, "--max-calls", "40", "--seed", "1", *more]


def test_ctrl_c_and_a_kill_leave_what_the_same_command_goes_on_from(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "questions").write_text("".join(f"question {i}\n" for i in range(8)))
    with ModelServer(slow) as server:
        for number, calls in ((signal.SIGINT, 10), (signal.SIGKILL, 22)):
            victim = subprocess.Popen(
                [sys.executable, "-c", MAIN, *order(server, tmp_path)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            deadline = time.monotonic() + 60
            while server.calls < calls and time.monotonic() < deadline:
                time.sleep(0.005)
            victim.send_signal(number)
            _, err = victim.communicate()
            if number == signal.SIGINT:
                assert victim.returncode == 130, err
                last = err.splitlines()[-1]
                assert last.startswith("Interrupted. Spent so far: "), err
                assert last.endswith("the same command goes on.")
            assert not (tmp_path / "out.jsonl").exists()
        other = command(*order(server, tmp_path, "--selector", "best"))
        assert (other.exit_code, "was begun with another" in other.stderr) == (2, True)
        final = command(*order(server, tmp_path))
        server.settle()
        assert final.exit_code == 0, final.stderr
        assert 22 <= server.calls <= 40
    made = written(tmp_path / "out.jsonl")
    assert final.stdout.startswith("8 of 8 questions answered")
    assert [one["id"] for one in made] == [str(i) for i in range(1, 9)]
    assert server.calls <= sum(one["spent"]["calls"] for one in made) <= 40
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "questions"]
