"""Programs judged by one another: what they give for the same inputs."""

from __future__ import annotations

import asyncio
import hashlib
import math
import os
from collections import Counter, OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.programs.code_tests import run_program
from verifier_agent.verifiers.programs.inputs import calls_for
from verifier_agent.verifiers.programs.written_code import program_of
from verifier_agent.verifiers.sandboxes.escalation import Escalation
from verifier_agent.verifiers.sandboxes.names import SandboxLike, resolve_sandbox
from verifier_agent.verifiers.sandboxes.sandbox import (
    LONGEST_SHOWN,
    NOT_PLAIN,
    CodeTest,
    Limits,
    Sandbox,
    Tested,
)

Outputs = tuple[str | None, ...]
"""What a program gives for each input, in one form of writing; None where it gives nothing."""
NOTHING = repr(None)
"""What is written of a function that ends without saying what it gives."""
REMEMBERED = 2_000
"""Programs whose outputs are kept, since they are wanted again whenever candidates arrive."""


class Behaviour:
    """Score each program by the share of all programs that give what it gives, over many inputs.

    Right programs behave alike, wrong ones each in their own way (Shi et al. 2022, 2204.11454,
    MBR-exec; Li et al. 2022, 2203.07814, AlphaCode). It needs no test to be right: inputs are those
    in `context["tests"]`, in the examples of the question and in `context["generated_tests"]`,
    without what these say comes of them, the same with boundary values, and `inputs` variations. It
    is evidence and no proof. What each program gave is in a form that the selector `consensus`
    reads: {"outputs": [0, 2, None]}, for each input which of the outputs that were seen it is, None
    where the program raised something or was stopped. One that never gives anything but None, as
    an unfinished one does, agrees with nobody; where no program does, there is no score.

    It is relational: it has to be shown all programs of a run, and `Verdict.version` tells how many
    of them ran. Each runs once, however often it is shown, unless it could not be run.

    Args:
        sandbox: Where programs run, as for `CodeTests`; of an `Escalation` the last.
        inputs: How many variations are tried, besides boundary values.
        limits: What a program may use.
        parallel: How many programs run side by side; None: one per processor.
        name: The verifier's name in the record.
    """

    hard = False
    relational = True
    per_candidate = False

    def __init__(
        self,
        sandbox: SandboxLike = "auto",
        *,
        inputs: int = 40,
        limits: Limits | None = None,
        parallel: int | None = None,
        name: str = "behaviour",
    ) -> None:
        for option, value in (("inputs", inputs), ("parallel", parallel)):
            if value is not None and (isinstance(value, bool) or value < 1):
                raise ConfigurationError(f"{option}={value!r}: a whole number above 0 is needed")
        found = resolve_sandbox(sandbox)
        # two interpreters may write the same value in two ways
        self.sandbox: Sandbox = found.sandboxes[-1] if isinstance(found, Escalation) else found
        self.inputs = inputs
        self.limits = limits or Limits(seconds=1.0, total_seconds=20.0)
        self.parallel = parallel or os.cpu_count() or 1
        self.name = name
        self._known: OrderedDict[tuple[str, tuple[str, ...]], Outputs] = OrderedDict()
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_lock": None, "_known": OrderedDict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({**state, "_lock": Lock()})

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Run each candidate's program, in threads."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Run each candidate's program."""
        try:
            calls = tuple(calls_for(task, self.inputs))
        except ConfigurationError as wrong:
            return [self._verdict(c, error=str(wrong)) for c in candidates]
        if not calls:
            error = "nothing to ask the programs: no test or example calls a function with values"
            return [self._verdict(c, error=error) for c in candidates]
        asked, _, _ = calls[0].partition("(")  # all are of one function
        programs = [program_of(c.text, task.question, asked) for c in candidates]
        ran = self._run(dict.fromkeys(programs), calls)
        given = [ran[program] for program in programs]
        numbered = _numbered([one for one in given if not isinstance(one, str)])
        total = len(numbered)
        if (nothing := _nothing_to_compare(numbered)) is not None:
            numbered, given = [], [one if isinstance(one, str) else nothing for one in given]
        shares = iter(zip(numbered, _agreement(numbered), strict=True))
        return [
            self._verdict(c, error=one, version=total)
            if isinstance(one, str)
            else self._scored(c, *next(shares), total)
            for c, one in zip(candidates, given, strict=True)
        ]

    def _run(self, programs: dict[str, None], calls: tuple[str, ...]) -> dict[str, Outputs | str]:
        known: dict[str, Outputs | str]
        with self._lock:
            known = {p: self._known[p, calls] for p in programs if (p, calls) in self._known}
        new = [program for program in programs if program not in known]
        if new:
            with ThreadPoolExecutor(min(self.parallel, len(new))) as threads:
                ran = threads.map(lambda one: self._outputs(one, calls), new)
                known.update(zip(new, ran, strict=True))
        with self._lock:
            # why a program could not run may have passed when it is shown again
            self._known.update(
                {(p, calls): one for p, one in known.items() if not isinstance(one, str)}
            )
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return known

    def _outputs(self, program: str, calls: Sequence[str]) -> Outputs | str:
        tests = [CodeTest(source=f"assert {call} == None") for call in calls]
        ran = run_program(self.sandbox, program, tests, self.limits)
        if isinstance(ran, str):
            return ran
        if all(result.ending == "unsupported" for result in ran.results):
            return f"{ran.sandbox} cannot run it: {ran.results[0].detail}"
        outputs = tuple(map(_output, ran.results))
        return outputs if set(outputs) - {None, NOTHING} else (None,) * len(outputs)

    def _scored(
        self, candidate: Candidate, outputs: Sequence[int | None], share: float, total: int
    ) -> Verdict:
        evidence = {"outputs": list(outputs), "programs": total}
        return self._verdict(candidate, score=share, evidence=evidence, version=total)

    def _verdict(self, candidate: Candidate, **said: Any) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, **said)


def _output(result: Tested) -> str | None:
    if result.detail or result.ending not in ("passed", "failed"):
        return None
    try:
        written = result.got if result.value is NOT_PLAIN else _written(result.value)
    except RecursionError:
        written = result.got
    if len(written) <= LONGEST_SHOWN:
        return written
    return hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()


def _written(value: Any) -> str:
    """Write a value so that those which are equal, but for rounding, are written alike."""
    match value:
        case int():
            return hex(value)  # True is 1; decimals of a large number take long
        case float() if math.isfinite(value):
            rounded = value if value.is_integer() else float(f"{value:.9g}")
            return hex(int(rounded)) if rounded.is_integer() else repr(rounded)
        case list():
            return f"[{', '.join(map(_written, value))}]"
        case tuple():
            return f"({', '.join(map(_written, value))})"
        case set() | frozenset():
            return f"{{{', '.join(sorted(map(_written, value)))}}}"
        case dict():
            pairs = sorted(f"{_written(key)}: {_written(one)}" for key, one in value.items())
            return f"dict({', '.join(pairs)})"
    return repr(value)


def _numbered(given: Sequence[Outputs]) -> list[list[int | None]]:
    """Return for each input which of the different outputs, sorted, each program gave."""
    rows: list[list[int | None]] = [[] for _ in given]
    for outputs in zip(*given, strict=True):
        different = sorted({one for one in outputs if one is not None})
        number = {one: place for place, one in enumerate(different)}
        for row, one in zip(rows, outputs, strict=True):
            row.append(None if one is None else number[one])
    return rows


def _nothing_to_compare(numbered: Sequence[Sequence[int | None]]) -> str | None:
    """Return why programs that ran say nothing of one another; None where they do."""
    if len(numbered) < 2:
        return "a single program has nothing to agree with"
    if all(one is None for row in numbered for one in row):
        return "no program gives anything, whatever it is asked"
    return None


def _agreement(numbered: Sequence[Sequence[int | None]]) -> list[float]:
    """Return the mean share of programs that give the same, over the inputs."""
    votes = [Counter(column) for column in zip(*numbered, strict=True)]
    return [
        math.fsum(votes[n][one] for n, one in enumerate(row) if one is not None)
        / (len(row) * len(numbered))
        for row in numbered
    ]
