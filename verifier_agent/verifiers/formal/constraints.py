"""Answers that give named values, held to constraints by a solver."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from verifier_agent.errors import ConfigurationError, VerifierUnavailable
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.formal.given_values import read_values
from verifier_agent.verifiers.formal.smtlib import (
    Problem,
    build_problem,
    equation,
    imported_z3,
    literal,
    read_problem,
)
from verifier_agent.verifiers.workers.pool import Workers

MOST = 5
"""Constraints that a feedback names."""


class Constraints:
    """Judge whether the values that an answer gives satisfy constraints, by z3 (extra `z3`).

    The values are read from the JSON object in the answer ({"x": 3, "y": 7}), or else from what it
    says last of each name ("x = 3"); exactly, never as floating-point numbers. `hard`:

    - All constraints hold: score 1.0.
    - Some do not: score 0.0; the feedback names those that the values break by themselves, or those
      that cannot hold together with them (an unsatisfiable core). `raw` is the share that is not
      named.
    - All hold, but the problem has `(minimize …)` or `(maximize …)` and there is something better:
      score 0.0, and the feedback says so, without saying what.
    - No score and an error: a value is not given, or the solver does not know within `seconds`. It
      runs in worker processes and is ended when its time is up.

        Constraints('''
            (declare-const x Int) (declare-const y Int)
            (assert (! (= (+ x y) 10) :named sum))
            (assert (! (< x y) :named order))
        ''')
        rules = lambda x, y: {"sum": x + y == 10, "order": x < y}
        Constraints(rules, sorts={"x": "Int", "y": "Int"})

    Args:
        problem: SMT-LIB; or a z3 Solver or Optimize; or a function of z3 variables that returns a
            constraint, several, or several by name, and is called once, here, for their text.
            None: the SMT-LIB in `task.context["constraints"]`.
        sorts: The names that such a function takes, with their sorts.
        required: The names whose values an answer has to give; None: all that are declared with the
            sort Bool, Int, Real or String. For the others there only has to be some value.
        seconds: For one answer.
        workers: Processes that solve at a time; None: one per processor, at most 4.
        name: The verifier's name in the record.

    Raises:
        ConfigurationError: The constraints cannot be read, or a required name is not declared.
        MissingExtra: z3 is not installed.
    """

    hard = True
    relational = False
    per_candidate = False

    def __init__(
        self,
        problem: Any = None,
        *,
        sorts: Mapping[str, str] | None = None,
        required: Sequence[str] | None = None,
        seconds: float = 10.0,
        workers: int | None = None,
        name: str = "constraints",
    ) -> None:
        if not 0 < seconds < 3600:
            raise ConfigurationError(f"seconds={seconds!r}: a number above 0 is needed")
        imported_z3()
        self.problem = None if problem is None else _read(problem, sorts)
        self.required = None if required is None else tuple(required)
        if self.problem is not None:
            self._required(self.problem)
        self.seconds = seconds
        self.workers = Workers("constraints", most=workers)
        self.name = name

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's values, in threads."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's values."""
        problem = self.problem
        if problem is None:
            try:
                problem = _read(task.context.get("constraints"))
                self._required(problem)
            except ConfigurationError as error:
                said = f"context['constraints']: {error}"
                return [self._unknown(c, said) for c in candidates]
        with ThreadPoolExecutor(self.workers.most) as threads:
            return list(threads.map(lambda c: self._verdict(problem, c), candidates))

    def _required(self, problem: Problem) -> tuple[str, ...]:
        names = tuple(problem.sorts) if self.required is None else self.required
        missing = next((name for name in names if name not in problem.sorts), None)
        if missing is not None:
            known = ", ".join(problem.sorts)
            raise ConfigurationError(f"required={missing!r} is not declared (known: {known})")
        return names

    def _verdict(self, problem: Problem, candidate: Candidate) -> Verdict:
        given = read_values(candidate.text, tuple(problem.sorts))
        missing = [name for name in self._required(problem) if name not in given]
        if missing:
            return self._unknown(candidate, f"no value is given for {', '.join(missing)}")
        written = {name: literal(problem.sorts[name], value) for name, value in given.items()}
        odd = [name for name, text in written.items() if text is None]
        if odd:
            told = (f"{n} is {_shown(given[n])}, which is no {problem.sorts[n]}" for n in odd)
            return self._refuted(candidate, problem, [*told], given)
        question = {
            "declared": problem.declared,
            "constraints": problem.constraints,
            "objectives": problem.objectives,
            "values": [equation(name, str(text)) for name, text in written.items()],
            "milliseconds": int(900 * self.seconds),
        }
        try:
            said = self.workers.ask(question, self.seconds)
        except VerifierUnavailable as error:
            return self._unknown(candidate, str(error))
        return self._read(candidate, problem, said, given)

    def _read(
        self, candidate: Candidate, problem: Problem, said: Mapping[str, Any], given: dict[str, Any]
    ) -> Verdict:
        if said.get("holds"):
            return Verdict(
                candidate=candidate.id,
                verifier=self.name,
                score=1.0,
                raw=1.0,
                evidence={"values": _plain(given)},
                hard=True,
            )
        if "violated" in said:
            broken = [problem.labels[number] for number in said["violated"]]
            return self._refuted(candidate, problem, broken, given)
        if "conflict" in said:
            broken = [problem.labels[number] for number in said["conflict"]]
            return self._refuted(candidate, problem, broken, given, "cannot hold together")
        if "better" in said:
            objective = " ".join(problem.objectives[said["better"]].split())
            told = [f"{objective[:200]} can be better than it is"]
            return self._refuted(candidate, problem, told, given, "is not reached")
        return self._unknown(candidate, f"not known: {said.get('unknown')}")

    def _refuted(
        self,
        candidate: Candidate,
        problem: Problem,
        broken: Sequence[str],
        given: dict[str, Any],
        how: str = "does not hold",
    ) -> Verdict:
        values = ", ".join(f"{name} = {_shown(value)}" for name, value in given.items())[:500]
        feedback = "\n".join((f"With {values}, this {how}:", *broken[:MOST]))
        share = 1.0 - min(1.0, len(broken) / len(problem.constraints))
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=0.0,
            raw=share,
            feedback=feedback.encode("utf-8", "replace").decode(),
            evidence={"values": _plain(given), "broken": [*broken[: 4 * MOST]]},
            hard=True,
        )

    def _unknown(self, candidate: Candidate, error: str) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, error=error)


def _read(problem: Any, sorts: Mapping[str, str] | None = None) -> Problem:
    if callable(problem) and sorts is not None:
        return build_problem(problem, sorts)
    if isinstance(problem, str):
        return read_problem(problem)
    if hasattr(problem, "sexpr") and hasattr(problem, "assertions"):
        return read_problem(problem.sexpr())
    raise ConfigurationError(
        f"{problem!r} is no problem: give SMT-LIB, a z3 Solver, or a function and the sorts of its "
        "variables, sorts={'x': 'Int'}"
    )


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text.strip('"') if not isinstance(value, str) and len(text) < 80 else text[:80]


def _plain(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: _shown(value) for name, value in given.items()}
