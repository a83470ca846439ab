"""A plain function as a verifier."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from verifier_agent.errors import ConfigurationError, UnreadableVerdict, takes
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.bubbling import let_by

Judgement = bool | float | Verdict
JudgeFunction = Callable[[Task, Candidate], Judgement | Awaitable[Judgement]]


class FunctionVerifier:
    """Ask `function(task, candidate)` of each candidate; `candidate.text` is its text.

    A bool is a program's yes or no and counts as proof (`hard`), unless `hard=False` says that it
    is a guess. A number in [0, 1] is a score, and proof only with `hard=True`. A `Verdict` is
    taken as it is. Anything else, and an exception, is a verdict with an error.
    """

    def __init__(
        self, function: JudgeFunction, *, name: str | None = None, hard: bool | None = None
    ) -> None:
        if not callable(function):
            raise ConfigurationError(f"{function!r} is no function (task, candidate) -> judgement")
        if not takes(function, 2):
            raise ConfigurationError(
                f"verifier={function!r} must take two arguments: (task, candidate)"
            )
        named = name or str(getattr(function, "__name__", type(function).__name__))
        self.name: str = "function" if named == "<lambda>" else named
        self.function = function
        self._hard = hard
        called = getattr(function, "__call__", function)  # noqa: B004  # an object's own method
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
            # without `verify_sync` the graph runs it on a loop of its own for sync callers
            self.verify = self._verify_async
        else:
            self.verify = self._verify_in_thread
            self.verify_sync = self._verify_sync

    @property
    def hard(self) -> bool:
        """True if every word of it is proof; a verdict says so for itself."""
        return bool(self._hard)

    async def _verify_async(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        return list(await asyncio.gather(*(self._one(task, c) for c in candidates)))

    async def _one(self, task: Task, candidate: Candidate) -> Verdict:
        try:
            given: Any = self.function(task, candidate)
            return self._read(candidate, await given)
        except Exception as error:
            return self._failed(candidate, let_by(error))

    async def _verify_in_thread(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        return await asyncio.to_thread(self._verify_sync, task, candidates)

    def _verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        verdicts = []
        for candidate in candidates:
            try:
                verdicts.append(self._read(candidate, self.function(task, candidate)))
            except Exception as error:
                verdicts.append(self._failed(candidate, let_by(error)))
        return verdicts

    def _read(self, candidate: Candidate, given: object) -> Verdict:
        if isinstance(given, Verdict):
            if given.candidate != candidate.id:
                raise UnreadableVerdict(f"it answered for {given.candidate!r}")
            return replace(given, verifier=self.name)
        if inspect.isawaitable(given):
            if inspect.iscoroutine(given):
                given.close()  # else Python warns that it was never awaited
            raise UnreadableVerdict(
                f"it returned a {type(given).__name__}; declare it with `async def`, so that it is "
                "awaited"
            )
        yes_or_no = type(given).__name__ in ("bool", "bool_")  # numpy's is none of Python's
        number = float(given) if yes_or_no or hasattr(given, "__float__") else None  # type: ignore[arg-type]
        if number is None:
            raise UnreadableVerdict(
                f"it returned {type(given).__name__}; give True, False, a number in [0, 1] or a "
                "Verdict"
            )
        if not (math.isfinite(number) and 0.0 <= number <= 1.0):
            raise UnreadableVerdict(f"it returned {given!r}; a score is in [0, 1]")
        hard = yes_or_no if self._hard is None else self._hard
        return Verdict(candidate=candidate.id, verifier=self.name, score=number, hard=hard)

    def _failed(self, candidate: Candidate, error: Exception) -> Verdict:
        text = (
            str(error)
            if isinstance(error, UnreadableVerdict)
            else f"{type(error).__name__}: {error}"
        )
        return Verdict(candidate=candidate.id, verifier=self.name, error=f"{self.name}: {text}")
