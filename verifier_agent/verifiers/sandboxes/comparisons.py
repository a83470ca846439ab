"""Tests as what is asked and what is expected, so that the expectation need not be shown to the
program, and a failed one can say what came instead. Nothing here is evaluated."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import Any

LONGEST = 200_000
"""Characters of a source that is read; parsing takes memory in proportion."""

_SIGN_OF: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
SIGNS = tuple(_SIGN_OF.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`assert asked sign expected`; or `assert asked`, where the sign is "is true"."""

    asked: str
    sign: str
    expected: str = ""
    literal: bool = False
    """True if the sign is "==" and `expected` is a literal: then whoever knows what is asked can
    compare it elsewhere."""

    @property
    def sides(self) -> dict[str, str]:
        """What is compared, by name; None where there is nothing to compare with."""
        return {"asked": self.asked, "expected": self.expected or "None"}

    @property
    def value(self) -> Any:
        """What is expected, if it is a literal."""
        return ast.literal_eval(self.expected)


class Unparsable(Exception):
    """The source is no Python. The message says where."""


def parse(source: str) -> ast.Module:
    """Return the syntax tree of `source`. Raises Unparsable."""
    if len(source) > LONGEST:
        raise Unparsable(f"{len(source)} characters are too many to read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning, about a text of somebody else's
            return ast.parse(source)
    except SyntaxError as error:
        line = f" (line {error.lineno})" if error.lineno else ""
        raise Unparsable(f"SyntaxError: {error.msg}{line}") from None
    except (ValueError, RecursionError, MemoryError, UnicodeError) as error:
        raise Unparsable(f"SyntaxError: {error or 'too deeply nested'}") from None


def comparison_of(source: str) -> Comparison | None:
    """Return what the test `source` compares, if it is one assertion that does so."""
    try:
        body = parse(source).body
    except Unparsable:
        return None
    match body:
        case [ast.Assert(test=test)]:
            return _comparison(test)
    return None


def asked_and_expected(source: str) -> tuple[str, str | None]:
    """Return what a test asks, so that tests which ask the same can be told, and what it expects.

    "assert f(1) == 2" and "assert abs(f(1) - 2) <= 0.5" ask the same. What the last statement does
    not compare with a literal is its own question, and what is expected is None.
    """
    try:
        *before, last = parse(source).body
    except (Unparsable, ValueError):
        return source, None
    compared = comparison_of(ast.unparse(last))
    asked, expected = ast.unparse(last), None
    if compared is not None:
        asked = compared.asked
        expected = compared.expected if compared.literal else None
        if compared.sign in ("<", "<=") and (near := _near(asked)):
            asked, expected = near
    return "\n".join([*map(ast.unparse, before), asked]), expected


def _near(asked: str) -> tuple[str, str] | None:
    """Return `value` and `literal` of "abs(value - literal)"."""
    match ast.parse(asked, mode="eval").body:
        case ast.Call(
            func=ast.Name(id="abs"), args=[ast.BinOp(left=value, op=ast.Sub(), right=literal)]
        ) if is_literal(literal):
            return ast.unparse(value), ast.unparse(literal)
    return None


def _comparison(test: ast.expr) -> Comparison | None:
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sign = _SIGN_OF[type(op)]
            if sign == "==" and is_literal(left) and not is_literal(right):
                left, right = right, left
            literal = sign == "==" and is_literal(right)
            return Comparison(
                asked=ast.unparse(left), sign=sign, expected=ast.unparse(right), literal=literal
            )
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Comparison(asked=ast.unparse(operand), sign="is false")
        case ast.Compare() | ast.BoolOp():
            return None
    return Comparison(asked=ast.unparse(test), sign="is true")


def is_literal(node: ast.expr) -> bool:
    """Return True if `node` is a value that is written out."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def is_equal(got: Any, expected: Any) -> bool:
    """Compare as Python does; values that cannot be compared are not equal."""
    try:
        return bool(got == expected)
    except (RecursionError, ValueError, TypeError, OverflowError):
        return False
