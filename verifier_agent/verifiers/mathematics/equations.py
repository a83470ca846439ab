"""Finds the equations in a line of text and says of each whether it holds, exactly.

Reading is careful rather than keen: an equation is judged only if both sides are read whole and
at least one of them computes something. Where a mismatch could come from the reading (units that
convert, "and", a question mark, two meanings of a percent sign) the equation counts as not
readable. So "does not hold" is meant as proof, and the price is that some false ones are missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from verifier_agent.verifiers.mathematics.comparing import agree, may_mean
from verifier_agent.verifiers.mathematics.expressions import Expression, Reader, Unreadable
from verifier_agent.verifiers.mathematics.lexing import Token, tidy, tokens_of
from verifier_agent.verifiers.mathematics.words import (
    CONNECTIVES,
    DOUBTFUL_AFTER,
    DOUBTFUL_BEFORE,
    OPERATIONS,
    ROUNDING,
    TAKEN_BACK,
)

_ENDS = ("number", "close", "percent", "unknown")
"""What an operand may end with."""

_ROUNDING = re.compile(ROUNDING)
_TAKEN_BACK = re.compile(TAKEN_BACK)
POINTED = re.compile(r"(?<![\w.,])[1-9]\d{0,2}(?:\.\d{3})+(?![\w.,]*\d)")
"""A number that is a thousand times as large in half of Europe: "2.500"."""
_WITH_REST = re.compile(r"r\d+")
"""What follows in "13 / 4 = 3 R1"."""


@dataclass(frozen=True, slots=True)
class Equation:
    """An equation that could be read."""

    text: str
    computed: str
    """The side that computes something, without spaces."""
    holds: bool
    correction: str
    """What it computes, with the right value: "3 * 4 = 12"."""


@dataclass(frozen=True, slots=True)
class _Side:
    expression: Expression
    text: str
    doubtful: bool


def equations_of(line: str) -> list[Equation]:
    """Return the equations of one line that can be judged, in order; it never raises.

    A chain a = b = c gives an equation for each of its signs.
    """
    text = tidy(line)
    found = _equations(text)
    for other in _other_readings(line, text):
        if all(equation.holds for equation in found):
            break
        again = _equations(other)
        if len(again) == len(found):
            found = [b if b.holds else a for a, b in zip(found, again, strict=True)]
    return found


def _other_readings(line: str, text: str) -> Iterator[str]:
    """Yield what a tidy line may mean as well."""
    if line.lstrip().startswith(("- ", "\u2013 ")):
        yield "-" + text  # a dash at the beginning is a list's or a minus: "- 5 + 8 = 3"
    if POINTED.search(text):
        yield POINTED.sub(lambda number: number[0].replace(".", ""), text)


def _equations(text: str) -> list[Equation]:
    tokens = tokens_of(text)
    taken_back = _TAKEN_BACK.search(text) is not None
    rounds = _ROUNDING.search(text) is not None
    found: list[Equation] = []
    for left, about, right in _pairs(tokens):
        sides = _read_pair(text, left, right)
        if sides is None:
            continue
        holds = _holds(*sides, about=about or rounds)
        if holds is None or (not holds and taken_back):
            continue
        found.append(_equation(*sides, "≈" if about else "=", holds))
    return found


def _pairs(tokens: Sequence[Token]) -> Iterator[tuple[Sequence[Token], bool, Sequence[Token]]]:
    """Yield what stands before and after each sign of equality, up to the next such sign."""
    signs = [i for i, token in enumerate(tokens) if token.kind in ("equals", "about")]
    edges = [-1, *signs, len(tokens)]
    for before, sign, after in zip(edges, signs, edges[2:], strict=False):
        yield tokens[before + 1 : sign], tokens[sign].kind == "about", tokens[sign + 1 : after]


def _read_pair(
    text: str, left: Sequence[Token], right: Sequence[Token]
) -> tuple[tuple[_Side, ...], tuple[_Side, ...]] | None:
    """Read both sides, for each meaning of a percent sign if there is one."""
    befores, afters = [], []
    for hundredth in (Fraction(1, 100), Fraction(1)):
        before, after = _ending(text, left, hundredth), _beginning(text, right, hundredth)
        if before is None or after is None:
            return None
        if not (before.expression.compound or after.expression.compound):
            return None
        befores.append(before)
        afters.append(after)
        if not (before.expression.percent or after.expression.percent):
            break
    return tuple(befores), tuple(afters)


def _ending(text: str, tokens: Sequence[Token], hundredth: Fraction) -> _Side | None:
    """Read the longest expression that reaches the end of `tokens`."""
    for start in range(len(tokens)):
        before = tokens[start - 1] if start else None
        if not _may_begin(tokens, start):
            continue
        after_word = before is not None and before.kind == "word"
        try:
            expression = Reader(tokens, start, hundredth, after_word=after_word).read()
        except Unreadable:
            continue
        if expression.end == len(tokens):
            shown = text[tokens[start].start : tokens[-1].end]
            doubtful = expression.doubtful or _is_joined(tokens, start)
            # "Player 1 = 3 + 4", "1 box = 3 * 4": the number is a name or a kind of thing
            named = not expression.compound and (after_word or expression.units)
            return _Side(expression, shown, bool(doubtful or named))
    return None


def _is_joined(tokens: Sequence[Token], start: int) -> bool:
    """Return True if the word before may make the expression a part of something else."""
    if not start or tokens[start - 1].kind != "word":
        return False
    word = tokens[start - 1].text
    before = tokens[start - 2] if start > 1 else None
    if word == "of" and before is not None and before.text.lower() == "total":
        return False
    if word.lower() in DOUBTFUL_BEFORE or word == "Is":  # it asks; "the sum is 3 + 4" does not
        return True
    sign = next((token.text for token in tokens[start:] if token.kind == "sign"), "")
    label = word[0].isupper() and word.lower() not in CONNECTIVES and sign == "-"
    # "7 ft 3 in + 1 ft" begins before the 3
    part = before is not None and before.kind == "number" and word.lower() not in CONNECTIVES
    return label or part


def _may_begin(tokens: Sequence[Token], start: int) -> bool:
    """Return True if an expression may begin here: nothing before it can change its value."""
    if not start:
        return True
    before = tokens[start - 1]
    if before.kind == "word":
        return before.text.isalpha() and len(before.text) > 1 and not tokens[start].glued
    if before.kind == "mark":
        if ".." in before.text or "…" in before.text:
            return False
        # "6 : 2 + 1" is a division in half of Europe, "5! + 1" a factorial; "Ann 2: 3 + 4" is none
        sign = before.text[0] in "!|" or (before.text == ":" and not before.glued)
        return not (sign and start > 1 and tokens[start - 2].kind in _ENDS)
    return before.kind == "open" and not _is_closed(tokens, start - 1)


def _is_closed(tokens: Sequence[Token], place: int) -> bool:
    depth = 0
    for token in tokens[place:]:
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if not depth:
            return True
    return False


def _beginning(text: str, tokens: Sequence[Token], hundredth: Fraction) -> _Side | None:
    """Read the longest expression that begins with the first of `tokens`."""
    try:
        expression = Reader(tokens, 0, hundredth).read()
    except Unreadable:
        return None
    doubtful = expression.doubtful
    if expression.end < len(tokens):
        following = tokens[expression.end]
        word = following.text.lower()
        match following.kind:
            case "word" if following.glued or len(word) < 2 or word in OPERATIONS:
                return None
            case "word":
                rest = _WITH_REST.fullmatch(word) is not None
                doubtful = doubtful or rest or word in DOUBTFUL_AFTER
            case "mark":
                doubtful = doubtful or following.text[0] in "!?"
            case "close":
                pass
            case "open" if not following.glued:
                pass
            case "number" if tokens[expression.end - 1].kind == "word":
                doubtful = True  # "2 hours 15 minutes"
            case _:
                return None
    last = max(i for i in range(expression.end) if tokens[i].kind != "word")
    shown = text[tokens[0].start : tokens[last].end]
    return _Side(expression, shown, doubtful)


def _holds(lefts: tuple[_Side, ...], rights: tuple[_Side, ...], *, about: bool) -> bool | None:
    """True, False, or None where a mismatch may come from the reading."""
    for left, right in zip(lefts, rights, strict=True):
        if agree(left.expression, right.expression, about=about):
            return True
    for left, right in zip(lefts, rights, strict=True):
        if left.doubtful or right.doubtful:
            return None
        if may_mean(left.expression, right.expression, about=about):
            return None
    return False


def _equation(
    lefts: tuple[_Side, ...], rights: tuple[_Side, ...], sign: str, holds: bool
) -> Equation:
    left, right = lefts[0], rights[0]
    computed = left if left.expression.compound else right
    return Equation(
        text=f"{left.text} {sign} {right.text}",
        computed="".join(computed.text.split()),
        holds=holds,
        correction=f"{computed.text} {shown(computed.expression.value)}",
    )


def shown(value: Fraction) -> str:
    """Write a value in decimals, after its sign: exactly if they end soon, else to ten digits."""
    exact = Context(prec=30).divide(Decimal(value.numerator), Decimal(value.denominator))
    if Fraction(exact) == value and abs(exact.adjusted()) < 30:
        return f"= {exact.normalize(Context(prec=30)):f}"
    return f"≈ {exact:.10g}"
