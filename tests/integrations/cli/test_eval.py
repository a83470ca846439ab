from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.evaluation.making import coins, write
from tests.integrations.conftest import Command
from verifier_agent.evaluation import Replay, evaluate, read_pool
from verifier_agent.testing import Fault, ModelServer, Reply, Request, always


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


# --- live ----------------------------------------------------------------------------------------

LIVE = ("--model", "embedded", "--data", "embedded:validation:3", "--verifier", "agreement")


def test_live_figures_are_printed_as_one_object(command: Command) -> None:
    result = command("eval", *LIVE, "--policy", "best_of(2)", "--json")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == "3 of 3 questions"
    found = json.loads(result.stdout)
    assert (found["questions"], found["labelled"], found["ledger"]["calls"]) == (3, 3, 2)
    assert [group["difficulty"] for group in found["by_difficulty"]] == ["1", "2", "3"]


def test_the_table_of_a_live_run_says_what_was_used(command: Command, tmp_path: Path) -> None:
    record = tmp_path / "pool.jsonl.gz"
    with ModelServer(always("Answer: 4")) as server:
        data = tmp_path / "data.jsonl"
        data.write_text('{"id": "a", "question": "2 + 2?", "gold": "4", "level": "easy"}\n')
        words = ["--model", "any", "--base-url", server.url, "--data", str(data)]
        words += ["--price", "1000/2000", "--parameters", "1e9", "--joules-per-flop", "1e-12/1e-11"]
        result = command("eval", *words, "--max-samples", "4", "--record", str(record))
        assert server.calls == 4
        cost = (server.input_tokens * 1e3 + server.output_tokens * 2e3) / 1e6
        flops = 2e9 * (server.input_tokens + server.output_tokens)
    assert result.exit_code == 0
    energy = f"{flops / 1e12:.2g} to {flops / 1e11:.2g} J"
    for said in ("100.0 %", "calls 4.0", f"${cost:.2g}", f"{flops:.2g} FLOPs", energy, "easy"):
        assert said in result.stdout
    again = command("eval", "--pool", str(record), "--jobs", "1", "--json")
    assert json.loads(again.stdout)["ledger"]["usd"] == pytest.approx(cost)


def test_where_every_call_fails_the_figures_stand_and_it_is_said(command: Command) -> None:
    with ModelServer(lambda request: Fault("status", status=401)) as server:
        words = ["--model", "any", "--base-url", server.url, "--policy", "best_of(1)", "--json"]
        result = command("eval", *LIVE[2:], *words)
    assert result.exit_code == 0
    assert "No call succeeded" in result.stderr
    found = json.loads(result.stdout)
    assert (found["accuracy"], found["outcomes"]) == (0.0, {"failed": 3})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "what is to be evaluated"),
        (("--model", "embedded"), "what is to be evaluated"),
        (("--pool", "x", "--model", "embedded"), "--model does not go with --pool"),
        (("--pool", "x", "--max-calls", "4"), "--max-calls does not go with --pool"),
        ((*LIVE, "--in-order"), "--in-order does not go with --model and --data"),
        ((*LIVE, "--mean-samples", "2"), "--mean-samples does not go with --model and --data"),
        ((*LIVE, "--calibrate-on", "x"), "--calibrate-on does not go with --model and --data"),
        ((*LIVE, "--max-usd", "1", "--price", "cheap"), "price 'cheap'"),
        ((*LIVE[:3], "embedded:tset"), "embedded:test"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_words(
    command: Command, words: tuple[str, ...], said: str
) -> None:
    result = command("eval", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_ctrl_c_says_what_is_done_and_the_same_command_goes_on(tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        return Reply("Answer: 4", delay=0.0 if request.index < 2 else 30.0)

    record = tmp_path / "pool.jsonl.gz"
    with ModelServer(script) as server:
        words = ["eval", *LIVE[2:], "--model", "any", "--base-url", server.url, "--jobs", "1"]
        words += ["--policy", "best_of(1)", "--record", str(record), "--json"]
        main = "from verifier_agent.integrations.cli.main import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", main, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 60
        while server.calls < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    last = f"Interrupted: 2 of 3 questions are done, and recorded in {record}"
    assert last in err.decode().splitlines()[-1]
    assert b"Traceback" not in err
    assert len(list(read_pool(record))) == 2
