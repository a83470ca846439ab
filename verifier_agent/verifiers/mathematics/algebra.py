"""A checker of the algebra in an answer, step by step: each equation against the one before it."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from verifier_agent.errors import ConfigurationError, MissingExtra, VerifierUnavailable
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.mathematics.derivations import Pair, pairs_of, shown_equations
from verifier_agent.verifiers.mathematics.steps import ArithmeticSteps, steps_of
from verifier_agent.verifiers.mathematics.words import TAKEN_BACK
from verifier_agent.verifiers.workers.pool import Workers

_TAKEN_BACK = re.compile(TAKEN_BACK)
_FAULTS = {
    "contradicts": "does not follow: no solution of {before} solves it",
    "never": "holds for no value",
}


class AlgebraSteps:
    """Judge the arithmetic and the algebra of each step, exactly (extra `math`).

    All that `ArithmeticSteps` does, and of equations with variables ("2x + 3 = 7", in the next line
    "2x = 4", and "x = 2"): whether each follows from the one before it. Read are sums and products
    of numbers, one-letter variables, whole powers, fractions and brackets, in plain text or LaTeX.
    A step gets

    - 1.0 if its arithmetic holds and its equations follow: every solution of the one before solves
      it, or it holds for all values, as an expansion does;
    - 0.0 if its arithmetic is false; if it is said to follow from the equation before and shares no
      solution with it (one variable); or if no value solves it, "2x + 6 = 2x + 7";
    - None where that is not known: several equations, other functions, a case, a solution left out,
      words that are not understood around it.

    Score, feedback and proof are as in `ArithmeticSteps`: a false step is proof, and otherwise the
    score is the share of the steps that were checked and hold. No equation of the question is held
    against an answer that repeats it. The comparing is done by sympy in worker processes that end
    with their time; then the arithmetic alone counts.

    Args:
        seconds: For the equations of one answer.
        workers: Processes that compare at a time; None: one per processor, at most 4.
        name: The verifier's name in the record.
    """

    hard = False
    relational = False
    per_candidate = False

    def __init__(
        self, *, seconds: float = 5.0, workers: int | None = None, name: str = "algebra"
    ) -> None:
        if not 0 < seconds < 3600:
            raise ConfigurationError(f"seconds={seconds!r}: a number above 0 is needed")
        if importlib.util.find_spec("sympy") is None:
            raise MissingExtra("the checker of algebra", "math")
        self.seconds = seconds
        self.workers = Workers("algebra", most=workers)
        self.arithmetic = ArithmeticSteps()
        self.name = name

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's text, in threads."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's text."""
        asked = shown_equations(steps_of(task.question), careful=False)
        given = [[equation.left, equation.right] for equation in asked]
        checked = self.arithmetic.verify_sync(task, candidates)
        with ThreadPoolExecutor(self.workers.most) as threads:
            return list(threads.map(lambda c, v: self._joined(c, v, given), candidates, checked))

    def _joined(
        self, candidate: Candidate, arithmetic: Verdict, given: Sequence[Sequence[str]]
    ) -> Verdict:
        """Add what algebra says to what arithmetic says."""
        pairs = pairs_of(steps_of(candidate.text))
        said = self._said(pairs, given) if pairs else []
        steps = list(arithmetic.steps)
        faults: list[tuple[int, str]] = []
        followed = 0
        for pair, word in zip(pairs, said, strict=True):
            line, fault = pair.after.line, _fault(pair, word)
            if fault:
                faults.append((line, fault))
                steps[line] = 0.0
            elif word == "holds":
                followed += 1
                steps[line] = 1.0 if steps[line] is None else steps[line]
        if not faults and not followed:
            return replace(arithmetic, verifier=self.name)
        lines = steps_of(candidate.text)
        stands = any(not _taken_back(lines[line + 1 :]) for line, _ in faults)
        false = stands or arithmetic.hard
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=0.0 if false else steps.count(1.0) / len(steps),
            steps=tuple(steps),
            feedback=_first_told(arithmetic, faults),
            evidence={
                **arithmetic.evidence,
                "steps": len(steps),
                "checked": len(steps) - steps.count(None),
                "followed": followed,
                "not_followed": [fault for _, fault in faults[:20]],
            },
            hard=false,
        )

    def _said(self, pairs: Sequence[Pair], given: Sequence[Sequence[str]]) -> Sequence[str | None]:
        question = {
            "given": given,
            "pairs": [
                [[p.before.left, p.before.right] if p.before else [], [p.after.left, p.after.right]]
                for p in pairs
            ],
        }
        try:
            said = self.workers.ask(question, self.seconds).get("said")
        except VerifierUnavailable:
            said = None
        return said if isinstance(said, list) else [None] * len(pairs)


def _fault(pair: Pair, word: str | None) -> str:
    """Say what is wrong with an equation; nothing if it may be right."""
    before = pair.before
    if word == "never" and pair.after.plain:
        return f'"{pair.after.text}" {_FAULTS[word]}.'
    if word == "contradicts" and pair.strict and before is not None:
        told = _FAULTS[word].format(before=f'"{before.text}"')
        return f'"{pair.after.text}" {told}.'
    return ""


def _taken_back(later: Sequence[str]) -> bool:
    """Return True if a later line may say that an earlier one is wrong."""
    return any(_TAKEN_BACK.search(line) for line in later)


def _first_told(arithmetic: Verdict, faults: Sequence[tuple[int, str]]) -> str:
    """Return what is told of the first false step: arithmetic's own words, or those of a fault."""
    told = [(line, f"In step {line + 1}, {fault}") for line, fault in faults]
    if arithmetic.feedback:
        told.append((arithmetic.steps.index(0.0), arithmetic.feedback))
    return min(told)[1] if told else ""
