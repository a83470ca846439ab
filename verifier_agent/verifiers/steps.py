"""The exact arithmetic checker: judges every equation that it can read in a step, in any text.

A step is a line that is not blank. An equation is what stands on both sides of "=" or "≈" where
both sides are numbers, at least one of them computed: `6 * 37 = 222`, also inside a chain
(`Ann = 6 * Mia = 6 * 37 = 222`) or a sentence. Values are exact fractions; a decimal may be
rounded to the places it shows. What cannot be read with certainty is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.expressions import Expression, Reader, Unreadable
from verifier_agent.verifiers.lexing import Token, tidy, tokens_of
from verifier_agent.verifiers.words import (
    CONVERSIONS,
    DOUBTFUL_AFTER,
    DOUBTFUL_BEFORE,
    MEASURES,
    MULTIPLIERS,
    OPERATIONS,
    ROUNDING,
    TAKEN_BACK,
)

ABOUT = Fraction(1, 20)
"""Relative: an approximation that is off by less may be meant as it stands."""


def steps_of(text: str) -> list[str]:
    """Return the steps of `text`: its lines that are not blank."""
    return [line for line in text.splitlines() if line.strip()]


@dataclass(frozen=True, slots=True)
class Equation:
    """Two sides that can be read, and whether they are equal."""

    text: str
    value: Fraction
    """Of the left side."""
    holds: bool


class ArithmeticSteps:
    """Check the arithmetic of every step, exactly.

    steps: 0.0 where an equation is false, 1.0 where all that can be read are true, None where none
    can be read. score: 0.0 with `hard=True` if a step is false, since a false equation is proof of
    a wrong step. Right arithmetic proves no answer: then the score is the share of the steps that
    could be checked, mapped to 0.5 to 1, and is evidence only. Without any readable equation there
    is no score. feedback: the first false equation with its right value. It costs nothing.
    """

    name = "arithmetic"
    hard = False

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate."""
        return [self._check(candidate) for candidate in candidates]

    def _check(self, candidate: Candidate) -> Verdict:
        found = [list(equations(step)) for step in steps_of(candidate.text)]
        steps = tuple(float(all(e.holds for e in step)) if step else None for step in found)
        wrong = [(place, e) for place, step in enumerate(found, 1) for e in step if not e.holds]
        checked = [score for score in steps if score is not None]
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=None if not checked else 0.0 if wrong else 0.5 + 0.5 * len(checked) / len(steps),
            steps=steps,
            feedback=_feedback(*wrong[0]) if wrong else "",
            evidence={"equations": sum(map(len, found)), "false": [e.text for _, e in wrong]},
            hard=bool(wrong),
            error=None if checked else "nothing to check: no equation of numbers can be read",
        )


def _feedback(step: int, equation: Equation) -> str:
    value = equation.value
    # a fraction that no decimal ends is shown as both
    shown = str(value) if value.denominator == 1 else f"{value} (about {float(value):.6g})"
    return f"step {step}: `{equation.text}` is false, the left side is {shown}"


def equations(step: str) -> Iterator[Equation]:
    """Yield the equations of one step that can be read with certainty."""
    line = tidy(step)
    tokens = tokens_of(line)
    signs = [i for i, token in enumerate(tokens) if token.kind in ("equals", "about")]
    ends = [-1, *signs, len(tokens)]
    for before, sign, after in zip(ends, signs, ends[2:], strict=False):
        for hundredth in (Fraction(1, 100), Fraction(1)):
            first, left = _left(tokens, before + 1, sign, hundredth)
            right = _right(tokens, sign + 1, after, hundredth)
            if left is None or right is None or not (left.compound or right.compound):
                break
            verdict = _compare(left, right, tokens[sign].kind == "about", line)
            # "75%" is meant as 0.75 or as the number 75: false only if it is false both ways
            if verdict is False and hundredth != 1 and (left.percent or right.percent):
                continue
            if verdict is not None:
                shown = line[tokens[first].start : tokens[right.end - 1].end]
                yield Equation(shown.strip(), left.value, verdict)
            break


def _left(
    tokens: list[Token], start: int, end: int, hundredth: Fraction
) -> tuple[int, Expression | None]:
    """Read the longest expression that ends right before `end`; return where it begins, too."""
    for place in range(start, end):
        before = tokens[place - 1] if place > start else None
        if before is not None and not _may_precede(before):
            continue
        reader = Reader(tokens[:end], place, hundredth, _is_word(before))
        try:
            expression = reader.read()
        except Unreadable:
            continue
        if expression.end == end:
            return place, expression
    return start, None


def _right(tokens: list[Token], start: int, end: int, hundredth: Fraction) -> Expression | None:
    """Read the expression right after the sign, if what follows it cannot change its value."""
    try:
        expression = Reader(tokens[:end], start, hundredth).read()
    except Unreadable:
        return None
    after = tokens[expression.end] if expression.end < end else None
    if after is None:
        return expression
    if after.kind == "word":
        word = after.text.lower()
        unclear = word in DOUBTFUL_AFTER | OPERATIONS | MULTIPLIERS
        return None if unclear or after.glued else expression
    return expression if after.kind in ("mark", "close") else None


def _may_precede(token: Token) -> bool:
    """Return True for what can stand before an expression without being part of it."""
    if token.kind == "word":
        return token.text.lower() not in DOUBTFUL_BEFORE | OPERATIONS
    return token.kind == "mark"


def _is_word(token: Token | None) -> bool:
    return token is not None and token.kind == "word"


def _compare(left: Expression, right: Expression, about: bool, line: str) -> bool | None:
    """Return True or False, or None where a mismatch may be meant."""
    gap = abs(left.value - right.value)
    # a bare number stands for what it rounds or cuts, so it may be off by its last place
    if gap == 0 or gap < max(left.ulp, right.ulp):
        return True
    if left.doubtful or right.doubtful or left.cut or right.cut or _set_aside(line):
        return None
    if about or re.search(ROUNDING, line):
        near = gap <= ABOUT * max(abs(left.value), abs(right.value))
        return None if near or not about else False
    return None if _may_convert(left, right) else False


def _set_aside(line: str) -> bool:
    return re.search(TAKEN_BACK, line) is not None


def _may_convert(left: Expression, right: Expression) -> bool:
    """True if the sides differ as minutes differ from hours, or in units that are not known."""
    units = left.units | right.units
    if units & MULTIPLIERS:
        return True
    if left.units and right.units and left.units != right.units:
        return True
    if not units & MEASURES or not left.value or not right.value:
        return False
    ratio = left.value / right.value
    return ratio in CONVERSIONS or 1 / ratio in CONVERSIONS
