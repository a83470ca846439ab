"""Compares the two sides of an equation: exactly, but for the rounding that is stated."""

from __future__ import annotations

from fractions import Fraction

from verifier_agent.verifiers.mathematics.expressions import Expression
from verifier_agent.verifiers.mathematics.words import CONVERSIONS, MEASURES, MULTIPLIERS

LOOSE = Fraction(1, 10)
"""An approximation that is off by at most this share, but by more than its last digit, is left
open: how near is near is not arithmetic."""

FLOAT = Fraction(1, 1 << 50)
"""By which share a result in binary is off: 0.1 + 0.2 = 0.30000000000000004."""


def agree(left: Expression, right: Expression, *, about: bool) -> bool:
    """Compare exactly, or to the last decimal place that a bare number shows."""
    gap = abs(left.value - right.value)
    if not gap:
        return True
    for exact, shown in ((left, right), (right, left)):
        if shown.compound:
            continue
        if shown.cut:
            return gap < _place(shown)
        if about:
            return gap <= _place(shown)
        if gap * 2 <= shown.ulp or (shown.ulp and gap <= FLOAT * abs(exact.value)):
            return True
        # a value without an end may be cut off as well as rounded: 2 / 3 = 0.66
        cut_off = abs(shown.value) < abs(exact.value) and not _is_finite(exact.value)
        if cut_off and gap < shown.ulp:
            return True
    return about and left.compound and right.compound and gap * 100 <= abs(left.value)


def _place(number: Expression) -> Fraction:
    """Return the worth of the last digit shown; of a whole number, the last that is not 0."""
    if number.ulp or number.value.denominator != 1:
        return number.ulp or Fraction(1, number.value.denominator)
    place = 1
    while number.value and number.value % (place * 10) == 0:
        place *= 10
    return Fraction(place)


def _is_finite(value: Fraction) -> bool:
    """Return True if the decimals of `value` end."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def may_mean(a: Expression, b: Expression, *, about: bool) -> bool:
    """Return True if the sides, though not equal, may be meant as they stand."""
    units = a.units | b.units
    measures = units & MEASURES
    if units & MULTIPLIERS or len(measures) > 1:
        return True
    if measures and _ratio(a.value, b.value) in CONVERSIONS:
        return True
    # "3 + 4 = 7 * 2 = 14": the sign is misused as "then", the arithmetic is right
    if b.compound and b.first == a.value:
        return True
    if a.compound and b.compound:
        for exact, rounded in ((a, b), (b, a)):
            if rounded.decimals and not _is_finite(exact.value):
                return True  # "2/3 + 1 = 0.67 + 1"
    near = abs(a.value - b.value) <= LOOSE * max(abs(a.value), abs(b.value))
    return (about or a.cut or b.cut) and near


def _ratio(a: Fraction, b: Fraction) -> Fraction:
    if not a or not b:
        return Fraction(0)
    return max(abs(a / b), abs(b / a))
