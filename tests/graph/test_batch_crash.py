"""Kills in the middle of a batch: it goes on within its budget, and repeats what was in flight."""

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

from tests.graph.batching import CALLS, QUESTIONS
from verifier_agent.testing import ModelServer, Reply, Request


def slow(request: Request) -> Reply:
    """Say what depends on question and seed alone; the odd questions are split."""
    dice = random.Random(f"{request.question}{request.seed}")
    odd = int(request.question.split()[1]) % 2
    return Reply(f"Answer: {dice.randint(8, 9) if odd else 7}", delay=0.02 + 0.05 * dice.random())


def start(server: ModelServer, db: Path, mode: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.graph.batching", server.url, str(db), mode]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return dict(json.loads(out))


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_killed_batch_goes_on_within_its_budget(mode: str, tmp_path: Path) -> None:
    dice = random.Random(mode)
    with ModelServer(slow) as server:
        for wanted in (dice.randint(3, 15), dice.randint(16, 30)):
            victim = start(server, tmp_path / "b.db", mode)
            deadline = time.monotonic() + 60
            while server.calls < wanted and time.monotonic() < deadline:
                time.sleep(0.002)
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
            server.settle()
        before = server.calls
        result = finish(start(server, tmp_path / "b.db", mode))
        asked = [(served.request.question, served.request.seed) for served in server.served]
    assert before < server.calls <= result["spent"]["calls"] <= CALLS
    assert result["errors"] == []
    assert len(result["answers"]) == len(QUESTIONS)
    assert all(result["answers"])
    assert result["answers"][::2] == ["7"] * 4
    assert sum(result["calls"]) == result["spent"]["calls"]
    # at most what was in flight at each of the two kills was asked again
    assert len(asked) - len(set(asked)) <= 2 * 4
