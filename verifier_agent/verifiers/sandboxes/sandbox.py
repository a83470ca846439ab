"""The plug point for places where untrusted programs run, and what a run of one gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from verifier_agent.errors import ConfigurationError
from verifier_agent.plain import Value

Ending = Literal["passed", "failed", "timeout", "memory", "unsupported", "denied"]
"""How a test of a program ended.

- passed, failed: it ran, and this is what it showed.
- timeout, memory: the program was stopped at a limit.
- denied: it failed after it was refused something: a file, a process, the network.
- unsupported: this sandbox cannot run it, which says nothing about the program.
"""

WORST_FIRST: tuple[Ending, ...] = ("failed", "denied", "timeout", "memory", "unsupported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Value):
    """What a program may use. Beyond it, it is stopped."""

    seconds: float = 3.0
    """Of processor time, for the program and again for each test; PATIENCE times as many of the
    clock, so that a busy machine makes no verdict."""
    total_seconds: float = 60.0
    """Of the clock, for all tests together; those that it does not suffice for are `timeout`."""
    megabytes: int = 512
    """Of memory, and again of files where a program can write any."""
    processes: int = 1
    """1: none may be started. Programs judged by tests have one; a proof checker may need more."""

    def __post_init__(self) -> None:
        for name in ("seconds", "total_seconds", "megabytes", "processes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not 0 < value < 1e6:
                raise ConfigurationError(f"{name}={value!r}: a number above 0 is needed")

    @property
    def patience(self) -> float:
        """Seconds of the clock for the program, and for each test."""
        return self.seconds * PATIENCE


PATIENCE = 3.0
MOST_STOPS = 3
"""A program that was stopped in as many tests is taken to be stopped in all that are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTest(Value):
    """One test of a program: Python that raises if the program is wrong, or a dialogue.

    `CodeTest(source="assert double(2) == 4")` runs after the program, in its names.
    `CodeTest(stdin="2\\n", stdout="4\\n")` runs the program as a script; what it prints has to
    equal `stdout` but for space at the ends of lines and of the text.
    """

    source: str = ""
    setup: str = ""
    """Python that the test needs; run once for all tests of a run that share it."""
    stdin: str | None = None
    stdout: str = ""

    def __post_init__(self) -> None:
        if bool(self.source.strip()) == (self.stdin is not None):
            raise ConfigurationError("a test has either a source or a stdin")


NOT_PLAIN = object()
"""Stands for a value that is no plain data, and so equals no literal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested(Value):
    """How one test ended."""

    ending: Ending
    got: str = ""
    """What the program gave, as Python writes it, cut to LONGEST_SHOWN characters."""
    detail: str = ""
    """What was raised, refused or exceeded."""
    value: Any = field(default=NOT_PLAIN, compare=False, repr=False)
    """What the program gave, whole, if a test compared it with a literal and it is plain data."""


LONGEST_SHOWN = 300
USED_UP = Tested(ending="timeout", detail="the time for all tests was used up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran(Value):
    """What became of a program: one result per test, in order."""

    results: tuple[Tested, ...]
    sandbox: str
    """Where it ran."""

    @property
    def ending(self) -> Ending:
        """The worst ending of all tests; `failed` counts most, since it is about the program."""
        ends = {result.ending for result in self.results}
        return next((ending for ending in WORST_FIRST if ending in ends), "passed")


@runtime_checkable
class Sandbox(Protocol):
    """Runs programs that nobody has read, away from the host."""

    @property
    def name(self) -> str:
        """A short stable name, for the record."""
        ...

    def run(self, program: str, tests: Sequence[CodeTest], limits: Limits) -> Ran:
        """Run `program`, then each test in its names. It may be called from any thread.

        A program that cannot be run is a result (`unsupported`, or `failed` for what is no
        Python), not an exception. Raises VerifierUnavailable if the sandbox itself is broken.
        """
        ...


def shown(text: str) -> str:
    """Return `text`, cut where it is longer than a report should be, and with whole characters."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
