"""The light sandbox: an interpreter of a subset of Python that has nothing to escape to."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from verifier_agent.errors import ConfigurationError, MissingExtra, VerifierUnavailable
from verifier_agent.verifiers.sandboxes.comparisons import (
    SIGNS,
    Comparison,
    Unparsable,
    comparison_of,
    is_equal,
    parse,
)
from verifier_agent.verifiers.sandboxes.otherwise import done_otherwise
from verifier_agent.verifiers.sandboxes.sandbox import (
    MOST_STOPS,
    NOT_PLAIN,
    USED_UP,
    CodeTest,
    Ending,
    Limits,
    Ran,
    Tested,
    shown,
)

if TYPE_CHECKING:
    from pydantic_monty import MontySession

OURS = (
    "NotImplementedError",
    "ModuleNotFoundError",
    "ImportError",
    "AttributeError",
    "NameError",
    "UnboundLocalError",
    "TypeError",
    "RecursionError",
    "SyntaxError",
)
"""Errors that may be the sandbox's own: of what it lacks, or does otherwise than CPython."""
STOPPED = ("timeout", "memory")
DEEPEST = 1000
"""Frames of the stack, as in CPython."""


_PAIRED = "(lambda a, b: (a, b, bool({sign})))({asked}, {expected})"
_SIGN = {sign: f"a {sign} b" for sign in SIGNS} | {"is true": "a", "is false": "not a"}


class Monty:
    """Run programs with pydantic-monty (extra `sandbox`): starts in milliseconds, on any system.

    The interpreter has no way to the host: no files, processes, sockets, environment or imports
    but a few modules of its own. It knows a part of Python only. Where an error may come from
    that, and where a program does what is known to be otherwise here (see `done_otherwise`), the
    ending is `unsupported`: give such a program to another sandbox (`auto` does).
    """

    name: ClassVar[str] = "monty"

    def __init__(self) -> None:
        try:
            import pydantic_monty
        except ImportError:
            raise MissingExtra("the sandbox 'monty'", "sandbox") from None
        self._monty = pydantic_monty
        self._lock = threading.Lock()
        self._pools: dict[int, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {}  # it has no settings, and workers are not passed on

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]

    def run(self, program: str, tests: Sequence[CodeTest], limits: Limits) -> Ran:
        """Run `program`, then each test in its names."""
        if limits.processes > 1:
            raise ConfigurationError("programs judged by tests run in one process: processes=1")
        deadline = time.monotonic() + limits.total_seconds
        results: list[Tested] = []
        stops = 0
        while len(results) < len(tests) and time.monotonic() < deadline and stops < MOST_STOPS:
            results += self._session(program, tests[len(results) :], limits, deadline)
            stops += results[-1].ending in STOPPED
        over = results[-1] if stops == MOST_STOPS else USED_UP
        results += [over] * (len(tests) - len(results))
        return Ran(results=tuple(results), sandbox=self.name)

    def _session(
        self, program: str, tests: Sequence[CodeTest], limits: Limits, deadline: float
    ) -> list[Tested]:
        """Run tests up to the first one after which nothing can be trusted any more."""
        try:
            otherwise = done_otherwise(parse(program))
        except Unparsable as error:
            return [Tested(ending="failed", detail=str(error))] * len(tests)
        except RecursionError:
            otherwise = "it is too deeply nested"
        if otherwise:
            return [Tested(ending="unsupported", detail=f"to monty {otherwise}")] * len(tests)
        done: list[Tested] = []
        given = {
            "max_feed_duration_secs": min(limits.patience, limits.total_seconds),
            "max_total_sleep_secs": limits.patience,
            "max_memory": int(limits.megabytes * 1024 * 1024),
            "max_recursion_depth": DEEPEST,
        }
        with self._pool().checkout(limits=given, assert_message_annotations=False) as session:
            loaded = self._fed(session, program)
            if isinstance(loaded, Tested):
                return [loaded] * len(tests)
            known: dict[str, Tested | None] = {"": None}
            for test in tests:
                done.append(self._tested(session, test, known))
                if done[-1].ending in STOPPED or time.monotonic() >= deadline:
                    break
        return done

    def _tested(
        self, session: MontySession, test: CodeTest, known: dict[str, Tested | None]
    ) -> Tested:
        """Run one test. `known`: the setups that were run, each with how it failed, if it did."""
        if test.stdin is not None:
            return Tested(ending="unsupported", detail="monty has no standard input")
        if test.setup not in known:
            ready = self._fed(session, test.setup)
            known[test.setup] = ready if isinstance(ready, Tested) else None
        unready = known[test.setup]
        if unready is not None:
            return unready
        compared = comparison_of(test.source)
        if compared is None:
            ran = self._fed(session, test.source)
            return ran if isinstance(ran, Tested) else Tested(ending="passed")
        return self._compared(session, compared)

    def _compared(self, session: MontySession, compared: Comparison) -> Tested:
        if compared.literal:
            got = self._fed(session, compared.asked)
            if isinstance(got, Tested):
                return got
            ending: Ending = "passed" if is_equal(got.value, compared.value) else "failed"
            value = NOT_PLAIN if self._is_own(got.value) else got.value
            return Tested(ending=ending, got=_written(got.value), value=value)
        # asked once, since asking may change something
        said = self._fed(session, _PAIRED.format(sign=_SIGN[compared.sign], **compared.sides))
        if isinstance(said, Tested):
            return said
        shows, other, holds = said.value
        if not compared.sign.startswith("is"):
            # an object of the program's own could claim to equal any plain value
            holds = holds and (not self._is_own(shows) or self._is_own(other))
        return Tested(ending="passed" if holds else "failed", got=_written(shows))

    def _is_own(self, value: Any) -> bool:
        return isinstance(value, self._monty.MontyClassProxy)

    def _fed(self, session: MontySession, source: str) -> Tested | _Value:
        monty = self._monty
        try:
            return _Value(session.feed_run(source, print_callback=_ignore))
        except monty.MontyCrashedError as error:
            ending: Ending = "timeout" if error.timed_out else "unsupported"
            return Tested(ending=ending, detail=shown(f"the interpreter crashed: {error}"))
        except (monty.MontySyntaxError, monty.MontyConversionError) as error:
            # CPython has read it already, so this is something that monty does not know
            return Tested(ending="unsupported", detail=shown(str(error)))
        except monty.MontyRuntimeError as error:
            return _ended(error.exception())
        except monty.MontyError as error:
            raise VerifierUnavailable(f"monty: {error}") from None

    def _pool(self) -> Any:
        """Return the workers of this process; a forked one gets its own."""
        with self._lock:
            if os.getpid() not in self._pools:
                pool = self._monty.Monty()
                pool.__enter__()
                self._pools[os.getpid()] = pool
                weakref.finalize(self, _close, pool, os.getpid())
            return self._pools[os.getpid()]


class _Value:
    """What a snippet gave, so that it is told from how one ended."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _written(value: object) -> str:
    """Return `value` as Python writes it, cut; its type where it has too many digits."""
    try:
        return shown(repr(value))
    except (ValueError, RecursionError):
        return f"<{type(value).__name__}>"


def _ended(error: BaseException) -> Tested:
    kind, text = type(error).__name__, str(error)
    detail = shown(f"{kind}: {text}" if text else kind)
    if kind == "MemoryError":
        return Tested(ending="memory", detail=detail)
    if kind == "TimeoutError" and "limit exceeded" in text:
        return Tested(ending="timeout", detail=detail)
    if kind == "PermissionError":
        return Tested(ending="denied", detail=detail)
    ours = kind in OURS or "not supported in this environment" in text
    return Tested(ending="unsupported" if ours else "failed", detail=detail)


def _ignore(stream: str, text: str) -> None:
    """Drop what a program prints."""


def _close(pool: Any, process: int) -> None:
    if os.getpid() == process:
        pool.__exit__(None, None, None)
