"""An exact checker of the arithmetic in an answer, step by step: free, and for any model's text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.mathematics.equations import Equation, equations_of
from verifier_agent.verifiers.mathematics.words import OTHER_SYSTEM

MOST_SHOWN = 20
"""False equations that the evidence lists."""
_OTHER_SYSTEM = re.compile(OTHER_SYSTEM)
_GIVEN = re.compile(r"\b(?:if|and|or|suppose|assume|is|does)\b", re.IGNORECASE)
"""Words around the equations that a question gives."""


def steps_of(text: str) -> tuple[str, ...]:
    """Return the steps of a text: its lines that are not blank, without the space around them.

    `Verdict.steps` has one score for each of them. The embedded reward model and the revision
    that cuts an answer before its first suspect step count lines in the same way.
    """
    return tuple(line.strip() for line in text.splitlines() if line.strip())


class ArithmeticSteps:
    """Judge each equation `a op b = c` that can be read in a candidate's text, exactly.

    Read are whole numbers, decimals, fractions, thousands separators, percent signs, powers and
    brackets, with units and currency signs beside them, in plain text, Unicode, markdown or
    LaTeX. Rounding is accepted where it is stated: to as many decimals as are shown, or after "≈".

    Each step gets 1.0 if every equation read in it holds, 0.0 if one is false, None if none was
    read. The verdict:

    - A false equation: score 0.0 and `hard`, for it proves that a step is wrong; `feedback` names
      the first one, with its right value. A slip that a later step sets right, by working out the
      same expression again, still has step score 0.0 but is no proof any more: the score is then
      that of the next case.
    - Else the share of the steps whose arithmetic was checked and holds. It is evidence and not
      `hard`: right arithmetic about the wrong quantities is as right, and what was not read may
      be wrong.
    - Nothing read: no score, and the error "nothing to check".

    No equation counts as false where the question itself gives the signs another meaning: it
    shows an equation that is false as it stands, or speaks of remainders or other bases.

    Nothing is ever evaluated as code, and the work is bounded by the length of the text.
    """

    name = "arithmetic"
    hard = False
    relational = False
    per_candidate = False

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's text."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's text."""
        usual = _is_usual(task.question)
        return [self._verdict(candidate, usual) for candidate in candidates]

    def _verdict(self, candidate: Candidate, usual: bool) -> Verdict:
        lines = steps_of(candidate.text)
        read = [[e for e in equations_of(line) if e.holds or usual] for line in lines]
        steps = tuple(_score(equations) for equations in read)
        if not any(read):
            return Verdict(
                candidate=candidate.id, verifier=self.name, steps=steps, error="nothing to check"
            )
        false = [(n, e) for n, found in enumerate(read, 1) for e in found if not e.holds]
        stands = _one_stands(read)
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=0.0 if stands else steps.count(1.0) / len(steps),
            steps=steps,
            feedback=_feedback(*false[0]) if false else "",
            evidence={
                "steps": len(steps),
                "checked": len(steps) - steps.count(None),
                "equations": sum(map(len, read)),
                "false": [equation.text for _, equation in false[:MOST_SHOWN]],
            },
            hard=stands,
        )


def _is_usual(question: str) -> bool:
    """Return True if signs and digits mean in `question` what they usually mean."""
    if _OTHER_SYSTEM.search(question):
        return False
    lines = steps_of(_GIVEN.sub(",", question).replace("?", "."))
    return all(equation.holds for line in lines for equation in equations_of(line))


def _score(equations: Sequence[Equation]) -> float | None:
    return float(all(equation.holds for equation in equations)) if equations else None


def _one_stands(read: Sequence[Sequence[Equation]]) -> bool:
    """Return True if a false equation is not set right: no later step works it out and is right."""
    set_right: set[str] = set()
    for found in reversed(read):
        if any(not e.holds and e.computed not in set_right for e in found):
            return True
        set_right.update(e.computed for e in found if e.holds)
    return False


def _feedback(number: int, equation: Equation) -> str:
    return f'In step {number}, "{equation.text}" is false: {equation.correction}.'
