"""Twenty kills in mid-round: what was recorded is not paid for again, and the budget holds."""

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
from langgraph.checkpoint.sqlite import SqliteSaver

from tests.graph.crashing import BUDGET, CONFIG, agent
from verifier_agent.testing import ModelServer, Reply, Request

CALLS = 12


def slow_by_seed(request: Request) -> Reply:
    """Say what depends on the seed alone, some seeds later than others."""
    dice = random.Random(f"{request.seed}")
    return Reply(f"Answer: {dice.randint(1, 3)}", delay=0.05 + 0.4 * dice.random())


def start(server: ModelServer, db: Path, mode: str, action: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.graph.crashing", server.url, str(db), mode, action]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return dict(json.loads(out))


def arrivals(server: ModelServer) -> list[int | None]:
    server.settle()
    return [served.request.seed for served in server.served]


def recorded(db: Path) -> int:
    """Count the replies that were on disk when the process died."""
    with SqliteSaver.from_conn_string(str(db)) as saver:
        saved = saver.get_tuple(CONFIG)
        if saved is None:
            return 0
        run = agent("http://nowhere", saver).get_state(CONFIG).values.get("verifier_agent", {})
    replies = [value for _, channel, value in saved.pending_writes or [] if channel == "__return__"]
    return len(run.get("candidates", {})) + sum(":g" in str(value[0]) for value in replies if value)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with ModelServer(slow_by_seed) as server:
        result = finish(start(server, tmp_path_factory.mktemp("db") / "a.db", "sync", "START"))
        assert server.calls == CALLS
    return result


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("kill", range(10))
def test_a_killed_run_resumes_to_the_same_result_and_repeats_only_calls_in_flight(
    kill: int, mode: str, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    dice = random.Random(f"{mode}{kill}")
    wanted = dice.randint(2, CALLS - 1)
    with ModelServer(slow_by_seed) as server:
        victim = start(server, tmp_path / "a.db", mode, "START")
        deadline = time.monotonic() + 30
        # let some be served, so that the kill falls into the middle of a round
        while len(server.served) < wanted and time.monotonic() < deadline:
            time.sleep(0.002)
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        assert server.settle()
        in_flight = server.calls - recorded(tmp_path / "a.db")

        result = finish(start(server, tmp_path / "a.db", mode, "RESUME"))

        repeats = len(arrivals(server)) - len(set(arrivals(server)))
        tokens = server.input_tokens + server.output_tokens
        calls = server.calls
    assert repeats <= in_flight
    assert result["answers"] == undisturbed["answers"]
    assert result["selection"]["answer"] == undisturbed["selection"]["answer"]
    assert result["messages"] == 2
    # what the server counted is covered by what the run says it spent, and both by the budget
    assert calls <= result["spent"]["calls"] <= (BUDGET.calls or 0)
    assert tokens <= result["spent"]["tokens"] <= (BUDGET.tokens or 0)
