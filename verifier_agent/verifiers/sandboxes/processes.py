"""Sandboxes in which a Python of its own runs the program: how it is talked to, whatever is
around it."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar

from verifier_agent.errors import VerifierUnavailable
from verifier_agent.verifiers.sandboxes.reading import dialogue_ended, piece_of, test_ended
from verifier_agent.verifiers.sandboxes.sandbox import (
    LONGEST_SHOWN,
    MOST_STOPS,
    USED_UP,
    CodeTest,
    Limits,
    Ran,
    Tested,
)

DRIVER = Path(__file__).with_name("driver.py")
MOST_OUTPUT = 32 << 20
"""Bytes of results; a process that writes more is stopped."""
START = 15.0
"""Seconds of the clock until a process begins with its program; a busy machine takes long."""
OUT_OF_MEMORY = 77
"""How the driver ends where it could not even say so."""
PATH = "/usr/bin:/bin"
"""Where a command looks for others."""
ENVIRONMENT = {
    # what a program says must not depend on the order of a set
    "PYTHONHASHSEED": "0",
    # each thread would reserve a heap of 64 MB, if it finds one at the right address
    "MALLOC_ARENA_MAX": "1",
}
"""Variables of the environment that whatever is run with a limit of memory gets."""
TIMEOUT = (signal.SIGPROF, signal.SIGXCPU)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is started, and where."""

    arguments: Sequence[str]
    work: str
    """The program's own directory, as the program sees it."""
    folder: str
    """Where the process is started."""
    passed: tuple[int, ...] = ()
    """File descriptors that it inherits."""


def python_options(python: str, packages: bool) -> list[str]:
    """Return how Python is started: nothing of the host's settings, and no packages but asked."""
    return [python, "-P", "-s", *([] if packages else ["-S"]), "-B", "-X", "utf8"]


@dataclass(slots=True)
class _Said:
    """What a process has told so far, and why it told no more (None: it was done)."""

    results: list[dict[str, Any]] = field(default_factory=list)
    stopped: Tested | None = None


class PythonProcess(ABC):
    """Runs programs in a process of its own; what confines that process is up to the subclass."""

    name: ClassVar[str]
    packages: bool
    """True if programs may import what is installed."""

    def run(self, program: str, tests: Sequence[CodeTest], limits: Limits) -> Ran:
        """Run `program`, then each test in its names."""
        deadline = time.monotonic() + limits.total_seconds
        results: dict[int, Tested] = {}
        unready: dict[str, Tested] = {}
        stops = 0
        waiting = [n for n, test in enumerate(tests) if test.stdin is None]
        while waiting:
            said = self._job(program, [tests[n] for n in waiting], None, limits, deadline)
            loaded, *told = said.results or [{}]
            for n, one in zip(waiting, told, strict=False):
                # a setup that failed is not run again: nothing is known of a test without it
                ended = unready.get(tests[n].setup) or test_ended(one, tests[n])
                results[n] = ended
                if one.get("unready"):
                    unready[tests[n].setup] = ended
            waiting = waiting[len(told) :]
            if "error" in loaded or not said.results:
                # a program that does not even load fails all its tests
                stopped = said.stopped or test_ended(loaded, tests[waiting[0]])
                results.update(dict.fromkeys(waiting, stopped))
                break
            if said.stopped is None:
                break
            # it was stopped in a test: the others are tried without that one
            stops += 1
            over = waiting if said.stopped == USED_UP or stops == MOST_STOPS else waiting[:1]
            results.update(dict.fromkeys(over, said.stopped))
            waiting = waiting[len(over) :]
        for n, test in enumerate(tests):
            if test.stdin is not None:
                said = self._job(program, [], test, limits, deadline)
                results[n] = said.stopped or dialogue_ended(said.results, test)
        return Ran(results=tuple(results[n] for n in range(len(tests))), sandbox=self.name)

    @abstractmethod
    def around(self, limits: Limits) -> AbstractContextManager[Command]:
        """Return the command that runs the driver; what it needs lives as long as the block."""

    def _job(
        self,
        program: str,
        tests: Sequence[CodeTest],
        dialogue: CodeTest | None,
        limits: Limits,
        deadline: float,
    ) -> _Said:
        if time.monotonic() >= deadline:
            return _Said(stopped=USED_UP)
        script = dialogue is not None
        pieces = [{"source": program, "setup": "", "sign": "", "expected": "", "script": script}]
        known: set[str] = {""}
        for test in tests:
            pieces.append(piece_of(test, with_setup=test.setup not in known))
            known.add(test.setup)
        with self.around(limits) as command:
            job = {
                "early": self._early(pieces),
                "secret": secrets.token_hex(16),
                "work": command.work,
                "pieces": pieces,
                "stdin": None if dialogue is None else dialogue.stdin,
                "seconds": limits.seconds,
                "total": limits.total_seconds,
                "bytes": int(limits.megabytes * 1024 * 1024),
                "longest": LONGEST_SHOWN + 4 * len(dialogue.stdout) if dialogue else 0,
            }
            return _converse(command, job, limits, deadline)

    def _early(self, pieces: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the modules that load before anything is refused: these make code objects, or
        open libraries, and most that need them do not say so in the program."""
        text = "".join(str(value) for piece in pieces for value in piece.values())
        asks = "async" in text or "mock" in text
        return [*(["asyncio"] if asks else []), *(["ctypes"] if self.packages else [])]


def _converse(command: Command, job: dict[str, Any], limits: Limits, deadline: float) -> _Said:
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaints:
        given.write(json.dumps(job).encode() + b"\n")
        given.seek(0)
        process = subprocess.Popen(
            command.arguments,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=complaints,
            cwd=command.folder,
            env=ENVIRONMENT,
            start_new_session=True,
            pass_fds=command.passed,
        )
        try:
            said = _listen(process, job["secret"].encode(), limits, deadline)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        if not said.results and (said.stopped is None or said.stopped.ending == "failed"):
            _raise_complaint(complaints, process.returncode)
        return said


def _raise_complaint(complaints: IO[bytes], status: int) -> None:
    """Raise what the sandbox itself said on its standard error, which no program can write to."""
    complaints.seek(0)
    text = complaints.read(2_000).decode("utf-8", "replace").strip()
    if text:
        raise VerifierUnavailable(f"the sandbox did not start (exit status {status}): {text}")


def _listen(process: subprocess.Popen[bytes], secret: bytes, limits: Limits, end: float) -> _Said:
    """Read results until the process is done, ends, or has had its time."""
    assert process.stdout is not None
    said, buffer, total = _Said(), b"", 0
    patience = time.monotonic() + START + limits.patience
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if now >= end or now >= patience:
                said.stopped = USED_UP if now >= end else _out_of_time(limits, clock=True)
                return said
            if not selector.select(min(end, patience) - now):
                continue
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                said.stopped = _why_it_ended(process, limits)
                return said
            total += len(chunk)
            if total > MOST_OUTPUT:
                said.stopped = Tested(ending="memory", detail="its results are too large")
                return said
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                if not line.startswith(secret):
                    continue  # the program's own doing
                result = json.loads(line[len(secret) :])
                if "end" in result:
                    return said
                said.results.append(result)
                patience = time.monotonic() + limits.patience


def _out_of_time(limits: Limits, *, clock: bool) -> Tested:
    spent = f"{limits.patience:g} s" if clock else f"{limits.seconds:g} s of processor time"
    return Tested(ending="timeout", detail=f"it did not end within {spent}")


def _why_it_ended(process: subprocess.Popen[bytes], limits: Limits) -> Tested:
    try:
        status = process.wait(1.0)
    except subprocess.TimeoutExpired:
        return Tested(ending="failed", detail="it closed the channel of results")
    # bubblewrap reports a signal as a shell does
    number = -status if status < 0 else status - 128
    if number in TIMEOUT:
        return _out_of_time(limits, clock=False)
    if status == OUT_OF_MEMORY or number == signal.SIGKILL:
        return Tested(ending="memory", detail=f"it needs more than {limits.megabytes} MB")
    if number == signal.SIGSYS:
        return Tested(ending="denied", detail="it made a forbidden system call")
    crash = signal.strsignal(number) if 0 < number < signal.NSIG else None
    how = f"it crashed the interpreter: {crash}" if crash else "it ended the interpreter"
    return Tested(ending="failed", detail=how)


def base_python() -> str:
    """Return the interpreter that runs this, outside any virtual environment."""
    return os.path.realpath(sys.executable)
