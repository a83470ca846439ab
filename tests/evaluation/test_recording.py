from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.making import Plain
from tests.evaluation.test_live import DRAWN, figures, model, questions
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Live, Replay, evaluate, evaluate_live, read_pool
from verifier_agent.evaluation.recordings.data import Entry, read_data
from verifier_agent.evaluation.recordings.recording import Recording
from verifier_agent.testing import ModelServer, Reply, Request

SETTINGS = Live(policy="best_of(2)", verifier="agreement")
DIARY_GZIPPED = gzip.compress(b"my diary, the only copy\n", mtime=0)
"""Without the time of day: it names tests, which have the same names in every process."""
MAIN = "from verifier_agent.integrations.cli.main import main; main()"


def content(path: Path) -> dict[str, Plain]:
    """Return what is recorded by question, but for what a clock said."""
    data = path.read_bytes()
    text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    found = [json.loads(line) for line in text.splitlines()]
    for line in found:
        for run in line["live"]["runs"]:
            del run["end"]["usage"]["seconds"]
    assert len({line["id"] for line in found}) == len(found)
    return {line["id"]: line for line in found}


@pytest.fixture(scope="module", params=["pool.jsonl", "pool.jsonl.gz"])
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Plain, list[Entry]]:
    """A finished recording, its setup, and its questions."""
    path = tmp_path_factory.mktemp("whole")
    record, data = path / request.param, questions(path, 5)
    with ModelServer(DRAWN) as server:
        evaluate_live(model(server), data, SETTINGS, record=record)
    first = next(iter(content(record).values()))
    return record, first["live"]["setup"], read_data(data)


def lines(record: Path) -> list[bytes]:
    data = record.read_bytes()
    return (gzip.decompress(data) if record.suffix == ".gz" else data).splitlines(keepends=True)


# --- torn files ------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(cut=st.floats(0, 1))
def test_a_file_cut_anywhere_keeps_its_whole_lines_and_grows_to_the_same(
    whole: tuple[Path, Plain, list[Entry]], tmp_path_factory: pytest.TempPathFactory, cut: float
) -> None:
    record, setup, entries = whole
    data = record.read_bytes()
    torn = tmp_path_factory.mktemp("torn") / record.name
    torn.write_bytes(data[: round(cut * len(data))])
    with Recording(torn, setup, entries) as recording:
        kept = list(recording.known)
        for line in lines(record):
            if json.loads(line)["id"] not in kept:
                recording.add(line)
    assert kept == list(content(record))[: len(kept)]
    assert len(kept) >= int(cut * 5) - 1
    assert content(torn) == content(record)
    assert [question.id for question in read_pool(torn)] == list(content(record))


def test_what_is_recorded_is_not_asked_for_again(tmp_path: Path) -> None:
    record, data = tmp_path / "pool.jsonl.gz", questions(tmp_path, 5)
    with ModelServer(DRAWN) as server:
        first = evaluate_live(model(server), data, SETTINGS, record=record)
        told: list[tuple[int, int]] = []
        again = evaluate_live(
            model(server), data, SETTINGS, record=record, tell=lambda *at: told.append(at)
        )
        assert server.calls == 10
    assert again == first
    assert told == [(5, 5)]


def test_more_questions_are_added_to_those_recorded(tmp_path: Path) -> None:
    record = tmp_path / "pool"
    settings = Live(policy="best_of(1)", verifier=None)
    some = evaluate_live("embedded", "embedded:test:2", settings, record=record)
    more = evaluate_live("embedded", "embedded:test:4", settings, record=record)
    assert (some["questions"], more["questions"]) == (2, 4)
    assert more == evaluate_live("embedded", "embedded:test:4", settings, record=record)
    with pytest.raises(ConfigurationError, match="holds question 'test-3-0', which the data does"):
        evaluate_live("embedded", "embedded:test:2", settings, record=record)


# --- other recordings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"policy": "best_of(3)"}, "policy='best_of.2.', this is 'best_of.3.'"),
        ({"seeds": 2}, "seeds=1, this is 2"),
        ({"verifier": ["agreement", "arithmetic"]}, "verifiers="),
        ({"selector": "best"}, "selector='vote"),
        ({"max_samples": 2}, "max_samples=None, this is 2"),
        ({"budget": {"calls": 9}}, "budget="),
    ],
)
def test_another_setup_is_refused_and_the_file_left_alone(
    whole: tuple[Path, Plain, list[Entry]], tmp_path: Path, changed: Plain, said: str
) -> None:
    record = tmp_path / whole[0].name
    record.write_bytes(whole[0].read_bytes())
    settings = Live(**{"policy": "best_of(2)", "verifier": "agreement", **changed})
    with ModelServer(DRAWN) as server:
        with pytest.raises(ConfigurationError, match=said):
            evaluate_live(model(server), questions(tmp_path, 5), settings, record=record)
        assert server.calls == 0
    assert record.read_bytes() == whole[0].read_bytes()


def test_another_model_or_another_question_is_refused(
    whole: tuple[Path, Plain, list[Entry]],
) -> None:
    record, setup, entries = whole
    with pytest.raises(ConfigurationError, match=r"models={'loopback'.*this is {'other'"):
        Recording(record, {**setup, "models": {"other": {"name": "loopback"}}}, entries)
    for field in ("question", "gold"):
        changed = [entry.model_copy(update={field: "another 1"}) for entry in entries]
        with pytest.raises(ConfigurationError, match=f"{field} of 'q.' is another one"):
            Recording(record, setup, changed)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"my diary, the only copy\n", "line 1 was not written by an evaluation"),
        (b"my diary, the only copy", "its last line was not written by an evaluation"),
        (
            b'{"id": "q", "question": "?", "samples": [{"text": "a", "answer": "a"}]}\n',
            "line 1 was",
        ),
        (DIARY_GZIPPED, "line 1 was not written"),
        (DIARY_GZIPPED[:-4], "its last line was not written"),
        (gzip.compress(b"", mtime=0)[:-4] + b"    ", "the gzip stream is damaged"),
    ],
)
def test_a_file_of_somebody_else_is_refused_and_left_alone(
    tmp_path: Path, data: bytes, said: str
) -> None:
    record = tmp_path / "diary"
    record.write_bytes(data)
    with pytest.raises(ConfigurationError, match=said):
        Recording(record, {}, [])
    assert record.read_bytes() == data


def test_two_processes_do_not_record_into_one_file(
    whole: tuple[Path, Plain, list[Entry]],
) -> None:
    pytest.importorskip("fcntl")
    with (
        Recording(*whole),
        pytest.raises(ConfigurationError, match="another process is recording into it"),
    ):
        Recording(*whole)
    with Recording(*whole) as recording:
        assert len(recording.known) == 5


# --- killed ------------------------------------------------------------------------------------


def start(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", MAIN, "eval", *map(str, arguments), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> Plain:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    return dict(json.loads(out))


def kill(process: subprocess.Popen[bytes], once: Any) -> None:
    """Kill the process as soon as `once()` is true."""
    deadline = time.monotonic() + 60
    while not once() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_killed_evaluation_goes_on_and_pays_for_nothing_recorded_again(
    tmp_path: Path, seed: int
) -> None:
    def slow(request: Request) -> Reply:
        pause = 0.02 + 0.1 * random.Random(f"{request.seed}{request.question}").random()
        return Reply(DRAWN(request).choices, delay=pause)  # type: ignore[union-attr]

    data = questions(tmp_path, 12)
    wanted = random.Random(seed).randint(4, 40)
    with ModelServer(slow) as server:
        options = ("--model", "loopback", "--base-url", server.url, "--data", data)
        options += ("--policy", "sample(4, batch=2)", "--verifier", "agreement", "--jobs", "2")
        record = tmp_path / "pool.jsonl.gz"
        kill(start(*options, "--record", record), lambda: len(server.served) >= wanted)
        assert server.settle()
        before = server.calls
        torn = tmp_path / "torn.jsonl.gz"
        torn.write_bytes(record.read_bytes())
        found = finish(start(*options, "--record", record))
        asked = Counter(json.dumps(served.request.body) for served in server.served)
        repeated = sum(asked.values()) - len(asked)
        new = server.calls - before

        whole = tmp_path / "whole.jsonl.gz"
        settings = Live(policy="sample(4, batch=2)", verifier="agreement")
        undisturbed = evaluate_live(model(server), data, settings, record=whole)
    assert content(record) == content(whole)
    assert figures(found) == figures(undisturbed)
    kept = content(torn)
    assert new == 4 * (12 - len(kept))
    # what was paid for and lost belongs to the questions in flight: two, of four calls each
    assert repeated == before - 4 * len(kept) <= 8


def test_a_killed_evaluation_of_the_embedded_model_ends_as_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    options: tuple[Any, ...] = ("--model", "embedded", "--data", "embedded:validation:4")
    options += ("--policy", "best_of(2)", "--verifier", "embedded-prm")
    record, whole = tmp_path / "pool.jsonl.gz", tmp_path / "whole.jsonl.gz"
    kill(start(*options, "--record", record), lambda: record.exists() and record.stat().st_size > 0)
    with record.open("ab") as file:
        file.write(gzip.compress(b'{"live": {"setup": ')[:-9])  # torn in the middle of a write
    found = finish(start(*options, "--record", record))
    shared: Plain = {"policy": "best_of(2)", "verifier": "embedded-prm"}
    undisturbed = evaluate_live("embedded", "embedded:validation:4", Live(**shared), record=whole)
    assert content(record) == content(whole)
    assert figures(found) == figures(undisturbed)
    assert figures(evaluate(record, Replay(in_order=True, **shared))) == figures(found)
