"""The command as a process of its own: exit codes, streams, signals, terminals, extras."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from verifier_agent.embedded import example
from verifier_agent.testing import ModelServer, Reply, Request

MAIN = "from verifier_agent.integrations.cli.main import main; main()"
QUESTION = example(level=1, seed=0).question


def start(*arguments: str, code: str = MAIN, **options: Any) -> subprocess.Popen[bytes]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], **pipes)


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, (out or b"").decode(), err.decode()


def test_the_object_is_utf_8_and_alone_on_stdout_whatever_the_locale() -> None:
    def script(request: Request) -> Reply:
        return Reply("Antwort für dich ☃\nAnswer: ü")

    with ModelServer(script) as server:
        options = ("--model", "any", "--base-url", server.url, "--policy", "best_of(1)", "--json")
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        process = start("solve", "?", "--verifier", "agreement", *options, env=environment)
        code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert json.loads(out)["candidates"][0]["text"] == "Antwort für dich ☃\nAnswer: ü"
    assert "☃" in out


def test_an_ascii_stream_gets_a_readable_answer_all_the_same() -> None:
    with ModelServer(lambda request: Reply("Answer: ü")) as server:
        options = ("--model", "any", "--base-url", server.url, "--policy", "best_of(1)")
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        process = start("solve", "?", "--verifier", "agreement", *options, env=environment)
        code, out, err = finish(process)
    assert code == 0, err
    assert re.search(r"^Answer +\?$", out, re.MULTILINE)


def test_ctrl_c_cancels_what_is_under_way_and_says_what_was_spent() -> None:
    arrived: list[Request] = []

    def script(request: Request) -> Reply:
        arrived.append(request)
        if len(arrived) <= 2:
            return Reply("Answer: 4")
        if len(arrived) == 4:
            time.sleep(0.3)  # as a person would, after the round was shown
            process.send_signal(signal.SIGINT)
        return Reply("Answer: 5", delay=30.0)

    with ModelServer(script) as server:
        options = ("--model", "any", "--base-url", server.url, "--policy", "sample(4, batch=2)")
        process = start("solve", "2 + 2?", "--verifier", "agreement", *options)
        code, out, err = finish(process)
    assert code == 130
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("Interrupted. Spent so far: 2 calls, ")
    assert "2 more candidates had been asked for" in last
    assert "Best so far: 4 (g0, score 1.00)" in last
    assert "Traceback" not in err


def test_ctrl_c_while_the_question_is_awaited_ends_with_the_same_code() -> None:
    waiting = f"import os, verifier_agent.integrations.cli.commands; os.write(1, b'ready'); {MAIN}"
    process = start("solve", "-", code=waiting, stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(5) == b"ready"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, out, err) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_without_its_extra_the_command_prints_the_line_that_installs_it(package: str) -> None:
    without = f"import sys; sys.modules[{package!r}] = None; {MAIN}"
    code, out, err = finish(start("solve", "2 + 2?", code=without))
    assert code == 2
    assert out == ""
    assert "pip install 'verifier-agent[cli]'" in err
    assert err.count("\n") == 1


BROKEN = f"""
from verifier_agent.integrations.cli import commands
def broken(*arguments, **options):
    raise RuntimeError("two\\nlines")
commands.read_question = broken
{MAIN}
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_named_and_is_no_bug() -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, err = finish(start("--help", stdout=full))
    assert (code, err) == (1, "Error: No space left on device\n")


def test_an_unexpected_error_is_one_line_and_its_place_is_there_for_the_asking() -> None:
    code, out, err = finish(start("solve", "2 + 2?", code=BROKEN))
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "RuntimeError: two lines" in err
    shown = {**os.environ, "VERIFIER_AGENT_TRACEBACK": "1"}
    code, _, err = finish(start("solve", "2 + 2?", code=BROKEN, env=shown))
    assert code == 1
    assert "Traceback" in err


def test_on_a_terminal_progress_is_drawn_in_place_with_rounds_scores_and_spend() -> None:
    pty = pytest.importorskip("pty", reason="terminals of this kind are POSIX only")
    ours, theirs = pty.openpty()
    terminal = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    arguments = ("solve", QUESTION, "--seed", "1", "--max-calls", "7")
    process = start(*arguments, stdout=theirs, stderr=theirs, env=terminal)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        drawn += piece
    os.close(ours)
    assert process.wait(timeout=60) == 0
    assert b"\x1b[" in drawn
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode()).replace("\r", "")
    board, _, report = plain.rpartition("\nspent ")
    assert re.search(r"^1 +generate 3 +the first answers", board, re.MULTILINE)
    assert re.search(r"^g0 +\d+ +[01]\.\d\d", board, re.MULTILINE)
    assert re.search(r"^calls +\d of 7 ", report, re.MULTILINE)
    assert re.search(r"^Answer +\d+$", report, re.MULTILINE)
