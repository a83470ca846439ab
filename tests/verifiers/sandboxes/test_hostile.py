"""The hostile corpus: nothing reaches the host, everything ends, and the verdict says why."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.verifiers.sandboxes.boxes import BUBBLEWRAP, MONTY
from tests.verifiers.sandboxes.hostile import CORPUS, SECRET, Hostile
from verifier_agent.verifiers.sandboxes import (
    Bubblewrap,
    CodeTest,
    Escalation,
    Limits,
    Monty,
    Ran,
    Sandbox,
)

LIMITS = Limits(seconds=0.5, total_seconds=20.0, megabytes=128)
PATIENT = replace(LIMITS, seconds=3.0)
"""For programs that are not to run into it: large modules take long to load on a busy machine."""
TEST = CodeTest(source="assert answer() == 42")


class Host:
    """What the programs try to reach: a file, and a server that counts."""

    def __init__(self, folder: Path) -> None:
        self.canary = folder / "canary"
        self.canary.write_text(SECRET)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.visits = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        try:
            while True:
                self.server.accept()[0].close()
                self.visits += 1
        except OSError:
            return  # it was closed

    def is_untouched(self) -> bool:
        return self.canary.read_text() == SECRET and self.visits == 0

    def aim(self, hostile: Hostile) -> str:
        program = hostile.program.replace("{canary!r}", repr(str(self.canary)))
        program = program.replace("{port}", str(self.port))
        return program.replace("{{", "{").replace("}}", "}")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("HOST_SECRET", SECRET)
    made = Host(tmp_path)
    yield made
    made.server.close()


@pytest.fixture(scope="module")
def bubblewrap() -> Sandbox:
    return Bubblewrap()


@pytest.fixture(scope="module")
def monty() -> Sandbox:
    return Monty()


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len(CORPUS) >= 40
    assert len({hostile.name for hostile in CORPUS}) == len(CORPUS)


@BUBBLEWRAP
@pytest.mark.parametrize("hostile", CORPUS, ids=lambda one: one.name)
def test_bubblewrap_holds_it_and_says_why(
    hostile: Hostile, host: Host, bubblewrap: Sandbox
) -> None:
    started = time.monotonic()
    limits = LIMITS if "timeout" in hostile.endings else PATIENT
    ran = bubblewrap.run(host.aim(hostile), [TEST], limits)
    took = time.monotonic() - started
    said = ran.results[0]
    assert hostile.explained(said.ending, said.detail), said
    assert SECRET not in said.got + said.detail
    assert host.is_untouched()
    assert took < limits.total_seconds + 15


@MONTY
@pytest.mark.parametrize("hostile", CORPUS, ids=lambda one: one.name)
def test_monty_holds_it(hostile: Hostile, host: Host, monty: Sandbox) -> None:
    ran = monty.run(host.aim(hostile), [TEST], LIMITS)
    said = ran.results[0]
    assert said.ending != "passed"
    # what comes out wrong is shown, anything else is explained
    assert said.detail or said.got
    assert SECRET not in said.got + said.detail
    assert host.is_untouched()


HANGS = "def answer(n):\n    while n != 7:\n        pass\n    return 7\n"


@pytest.mark.parametrize(
    "box", [pytest.param("monty", marks=MONTY), pytest.param("bubblewrap", marks=BUBBLEWRAP)]
)
def test_a_program_that_hangs_in_many_tests_is_not_waited_for_in_each(
    box: str, request: pytest.FixtureRequest
) -> None:
    sandbox: Sandbox = request.getfixturevalue(box)
    tests = [CodeTest(source=f"assert answer({n}) == 7") for n in (7, 1, 2, 3, 7, 5)]
    ran = sandbox.run(HANGS, tests, LIMITS)
    assert [one.ending for one in ran.results] == ["passed", *["timeout"] * 5]


@MONTY
def test_the_next_sandbox_is_asked_as_soon_as_one_test_does_not_pass(monty: Sandbox) -> None:
    asked: list[tuple[str, int]] = []

    class Noting:
        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, program: str, tests: Sequence[CodeTest], limits: Limits) -> Ran:
            asked.append((self.name, len(tests)))
            return monty.run(program, tests, limits)

    tests = [CodeTest(source=f"assert answer() == {n}") for n in (41, 42)]
    ran = Escalation(Noting("light"), Noting("strong")).run(
        "def answer(): return 42", tests, LIMITS
    )
    assert [one.ending for one in ran.results] == ["failed", "passed"]
    assert asked == [("light", 1), ("strong", 2)]
