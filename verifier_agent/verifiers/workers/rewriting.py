"""What a worker for algebra runs: does one equation follow from another? See `worker.py`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = dict[str, Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z](?:_\w)?)|(?P<sign>\\frac|[-+*/^(){}]))"
)
HIGHEST = 12
"""The degree up to which anything is said."""
MOST_DIGITS = 30
_ROUNDED = 1.0
"""How far a solution may be off where decimals or fractions are about: it may be a rounding."""
_INEXACT = 0.01
"""By which share as well where decimals are about: "0.33x" may be meant as a third."""
_WHOLE = 1e-9


class Unreadable(Exception):
    """The text is not understood."""


class Reader:
    """Reads sums of products of numbers, one-letter variables, powers, fractions and brackets."""

    def __init__(self, text: str, sympy: Any) -> None:
        self.sympy = sympy
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise Unreadable
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind]))
            at = found.end()
        self.at = 0

    def read(self) -> Any:
        """Return the whole text as an expression of sympy. Raises Unreadable."""
        value = self._sum()
        if self.at < len(self.tokens):
            raise Unreadable
        return value

    def _next(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def _take(self, sign: str) -> None:
        if self._next() != sign:
            raise Unreadable
        self.at += 1

    def _sum(self) -> Any:
        value = self._product()
        while self._next() in ("+", "-"):
            sign = self._next()
            self.at += 1
            term = self._product()
            value = value + term if sign == "+" else value - term
        return value

    def _product(self) -> Any:
        value, divided = self._factor(), False
        while self.at < len(self.tokens) and self._next() not in ("+", "-", ")", "}"):
            sign = self._next()
            if sign in ("*", "/"):
                self.at += 1
                other = self._factor()
                if sign == "/" and (other == 0 or divided):
                    raise Unreadable  # x / 1/2 is meant as 2x
                value = value * other if sign == "*" else value / other
                divided = sign == "/"
            elif sign == "^" or divided or self.tokens[self.at][0] == "number":
                raise Unreadable  # 1/2x has two meanings, and x 2 none
            elif sign == "\\frac" and self.tokens[self.at - 1][0] == "number":
                raise Unreadable  # a mixed number
            else:
                value = value * self._factor()
        return value

    def _factor(self) -> Any:
        if self._next() in ("-", "+"):
            sign = self._next()
            self.at += 1
            value = self._factor()
            return -value if sign == "-" else value
        base = self._base()
        if self._next() == "^":
            self.at += 1
            exponent = self._base()
            if not exponent.is_Integer or not 0 <= exponent <= HIGHEST:
                raise Unreadable
            if exponent == 1 and self._next() == "/":
                raise Unreadable  # x^1/2 is meant as a root
            return base**exponent
        return base

    def _base(self) -> Any:
        if self.at >= len(self.tokens):
            raise Unreadable
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            if len(text) > MOST_DIGITS:
                raise Unreadable
            return self.sympy.Rational(text)
        if kind == "name":
            return self.sympy.Symbol(text)
        if text == "\\frac":
            above, below = self._group("{", "}"), self._group("{", "}")
            if below == 0:
                raise Unreadable
            return above / below
        closing = {"(": ")", "{": "}"}.get(text)
        if closing is None:
            raise Unreadable
        self.at -= 1
        return self._group(text, closing)

    def _group(self, opening: str, closing: str) -> Any:
        self._take(opening)
        value = self._sum()
        self._take(closing)
        return value


def answering() -> Callable[[Answer], Answer]:
    """Answer {"given": [equation, …], "pairs": [[before, after], …]} with {"said": […]}.

    An equation is [left, right]. Of each pair: "holds" if every solution of the one before solves
    the one after, or the one after is an identity; "never" if that has no solution; "contradicts"
    if no solution of the one before solves it; None if nobody knows, or if it is one of the given.
    """
    import sympy

    def polynomial(equation: list[str]) -> Any:
        left, right = (Reader(side, sympy).read() for side in equation)
        above, below = sympy.fraction(sympy.together(left - right))
        return sympy.expand(above), bool(below.free_symbols)

    def read(equation: list[str]) -> Any:
        try:
            found = polynomial(equation)
        except (Unreadable, RecursionError):
            return None
        symbols = sorted(found[0].free_symbols, key=str)
        if symbols and sympy.Poly(found[0], *symbols).total_degree() > HIGHEST:
            return None
        return found

    def same(one: Any, other: Any) -> bool:
        if one == 0 or other == 0:
            return bool(one == other)
        return not sympy.cancel(one / other).free_symbols

    def relation(before: list[str], after: list[str], given: list[Any]) -> str | None:
        new = read(after)
        if new is None:
            return None
        if new[0] == 0:
            return "holds"
        old = read(before) if before else None
        if not new[0].free_symbols:
            said = None if new[1] else "never"
        elif old is None or not old[0].free_symbols:
            said = None
        else:
            said = follows(sympy, old, new, decimals="." in "".join(after + before))
        return None if said != "holds" and any(same(one[0], new[0]) for one in given) else said

    def tried(before: list[str], after: list[str], given: list[Any]) -> str | None:
        try:
            return relation(before, after, given)
        except (ArithmeticError, RecursionError, ValueError, sympy.PolynomialError):
            return None

    def answer(asked: Answer) -> Answer:
        given = [found for found in map(read, asked["given"]) if found is not None]
        return {"said": [tried(before, after, given) for before, after in asked["pairs"]]}

    return answer


def follows(sympy: Any, old: Any, new: Any, *, decimals: bool) -> str | None:
    """Compare two polynomials that are to be 0, with whether a variable stood below a line."""
    (before, below_before), (after, below_after) = old, new
    symbols = sorted(before.free_symbols | after.free_symbols, key=str)
    first = sympy.Poly(before, *symbols, domain="QQ")
    second = sympy.Poly(after, *symbols, domain="QQ")
    if len(symbols) > 1:
        _, rest = sympy.reduced(second, [first])
        return "holds" if rest == 0 else None
    if second.rem(first.sqf_part()).is_zero:
        return "holds"
    if below_before or below_after or first.gcd(second).degree() > 0:
        return None  # solutions may have been left out, or added, for a reason
    ours, theirs = ([complex(root) for root in one.nroots()] for one in (first, second))
    close = min(abs(one - two) for one in ours for two in theirs)
    whole = all(abs(one - round(one.real)) < _WHOLE for one in ours)
    off = max(_ROUNDED, _INEXACT * max(map(abs, ours))) if decimals else _ROUNDED
    return None if (decimals or not whole) and close < off else "contradicts"
