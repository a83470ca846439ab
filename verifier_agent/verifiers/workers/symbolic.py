"""What a worker for mathematics runs: are two expressions the same? See `worker.py`."""

from __future__ import annotations

import cmath
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Answer = dict[str, Any]

DIGITS = 6
"""Decimals to which numbers have to agree, of which one is a decimal; of small ones, digits."""
_DECIMAL = re.compile(
    r"\d*\.(?P<part>\d+)(?: ?(?:\\times|\\cdot|[x*\u00d7\u00b7]) ?10 ?\^ ?\{?(?P<power>-?\d{1,3}))?"
)
_POINTS = ((7, 5), (11, 3), (13, 17))
"""Where expressions are tried: the first variable, and by how much the next are larger."""
_CLOSE = 1e-9


def answering() -> Callable[[Answer], Answer]:
    """Answer {"gold", "answer"}, in LaTeX or plain, with {"equal": bool} or {"unknown": why}."""
    import sympy
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    configs = (LatexExtractionConfig(), ExprExtractionConfig())

    def read(text: str) -> list[Any]:
        # in dollars it is read as LaTeX, which plain arithmetic is too
        for form in (f"${text}$", text):
            found = parse(form, extraction_config=configs, parsing_timeout=None)
            # an expression first, then the text of it; the text alone was not understood
            if found and not isinstance(found[0], str):
                return list(found)
        return []

    def same(gold: list[Any], given: list[Any]) -> bool:
        # not symmetric: what the reference leaves out, the answer may add ("x = 5" for 5)
        options = {"allow_set_relation_comp": True, "timeout_seconds": None}
        equal = verify(gold, given, float_rounding=DIGITS, raise_on_error=True, **options)
        return bool(equal) and not tells_apart(*(values_of(sympy, one[0]) for one in (gold, given)))

    def answer(asked: Answer) -> Answer:
        gold, given = read(asked["gold"]), read(asked["answer"])
        if not gold or not given:
            which = "answer" if gold else "reference"
            return {"unknown": f"the {which} cannot be read as mathematics"}
        if same(gold, given):
            return {"equal": True}
        # to the parser i is a variable, in most places
        complex_ = [[imaginary(sympy, one) for one in found] for found in (gold, given)]
        if complex_ != [gold, given] and same(*complex_):
            return {"equal": True}
        texts = (asked["gold"], asked["answer"])
        doubt = in_doubt(sympy, (complex_[0][0], complex_[1][0]), texts)
        return {"unknown": doubt} if doubt else {"equal": False}

    return answer


def imaginary(sympy: Any, one: Any) -> Any:
    """Return an expression in which i is the imaginary unit."""
    letters = [s for s in getattr(one, "free_symbols", ()) if s.name == "i"]
    return one.subs(dict.fromkeys(letters, sympy.I)) if letters else one


def values_of(sympy: Any, one: Any) -> list[complex]:
    """Return the numbers that an expression is, or is made of as a set, a tuple or a matrix is.

    Those of a set by size. Empty for what has others in it.
    """
    if isinstance(one, sympy.Eq) and one.lhs.is_Symbol:
        one = one.rhs
    if isinstance(one, sympy.MatrixBase):
        parts: Sequence[Any] = one.flat()
    elif isinstance(one, sympy.Tuple | sympy.FiniteSet):
        parts = one.args
    else:
        parts = (one,)
    if not all(isinstance(part, sympy.Expr) and part.is_number for part in parts):
        return []
    try:
        values = [complex(part.doit().evalf()) for part in parts]
    except (TypeError, ValueError, OverflowError):
        return []
    if not all(map(cmath.isfinite, values)):
        return []
    return sorted(values, key=_order) if isinstance(one, sympy.FiniteSet) else values


def _order(value: complex) -> tuple[float, float]:
    return (value.real, value.imag)


def tells_apart(gold: Sequence[complex], given: Sequence[complex]) -> bool:
    """Return True if values differ that are too small for a comparison of decimals."""
    if len(gold) != len(given):
        return False
    pairs = zip(gold, given, strict=True)
    sizes = [(abs(one - two), max(abs(one), abs(two))) for one, two in pairs]
    return any(off > 10 ** (1 - DIGITS) * size for off, size in sizes if size < 0.1)


def in_doubt(sympy: Any, pair: tuple[Any, Any], texts: tuple[str, str]) -> str:
    """Say why two expressions may mean the same although they are not equal; or nothing."""
    rows = (sympy.Tuple, sympy.FiniteSet, sympy.Interval)  # (1, 2) may be any of them
    for one, other in (pair, pair[::-1]):
        if isinstance(one, sympy.MatrixBase) and isinstance(other, rows):
            return "only one of them is a matrix"
    names = [one.free_symbols for one in pair]
    if all(names) and names[0] != names[1]:
        renamed = renamed_alike(sympy, pair)
        return "only the names of their variables differ" if renamed else ""
    gold, given = (values_of(sympy, one) for one in pair)
    if gold and given:
        return "one of them may be rounded" if rounded(gold, given, *texts) else ""
    one, other = (regions(sympy, one) for one in pair)
    if any(each is None or each in other for each in one) or None in other:
        return "they may be the same range"
    if all(isinstance(one, sympy.Expr) for one in pair) and not apart(sympy, *pair):
        return "they are the same for some values"
    return ""


def renamed_alike(sympy: Any, pair: tuple[Any, Any]) -> bool:
    """Return True if two expressions in one variable each are the same in the same one.

    A letter alone is a choice, or the variable that was asked for.
    """
    if not all(isinstance(one, sympy.Expr) and len(one.free_symbols) == 1 for one in pair):
        return False
    if any(isinstance(one, sympy.Symbol) for one in pair):
        return False
    first, second = pair
    return not apart(sympy, first, second.subs(*second.free_symbols, *first.free_symbols))


def regions(sympy: Any, one: Any) -> list[Any]:
    """Return the sets that inequalities may mean, joined by "and" or by "or"; None for others.

    Empty without an inequality.
    """
    relations = one.args if isinstance(one, sympy.FiniteSet) else (one,)
    if isinstance(one, sympy.Interval | sympy.Union):
        return [one]
    if not all(isinstance(each, sympy.Rel | sympy.And | sympy.Or) for each in relations):
        return []
    if any(isinstance(each, sympy.Eq) for each in relations):
        return []
    try:
        sets = [each.as_set() for each in relations]
    except (NotImplementedError, TypeError, ValueError):
        return [None]
    return [sympy.Intersection(*sets), sympy.Union(*sets)]


def rounded(gold: list[complex], given: list[complex], reference: str, answer: str) -> bool:
    """Return True if the ones may be the others, rounded to as many decimals as they show.

    A reference may be a rounding of anything; an answer only of what has no end of decimals. All
    but the last digits that anybody shows are a rounding too: 6.9999999.
    """
    if len(gold) != len(given):
        return False
    wanted, shown = decimals(reference), decimals(answer)
    if wanted and (not shown or min(shown) > min(wanted)):
        near = 0.5 * 10 ** -min(wanted)
    elif shown and not wanted and not all(map(ends, gold)):
        near = 0.5 * 10 ** -min(shown)
    elif max((*wanted, *shown), default=0) >= DIGITS:
        near = 10**-DIGITS * max(map(abs, gold))
    else:
        return False
    pairs = zip(gold, given, strict=True)
    return all(abs(one - two) <= near * (1 + _CLOSE) for one, two in pairs)


def decimals(text: str) -> list[int]:
    """Return how many decimals the numbers show that show some; without those of one digit."""
    return [
        len(one["part"]) - int(one["power"] or 0)
        for one in _DECIMAL.finditer(text)
        if len(one[0].strip("0.")) > 1
    ]


def ends(value: complex) -> bool:
    """Return True for what is written out in few decimals."""
    return abs(value - round(value.real, DIGITS)) <= _CLOSE * abs(value)


def apart(sympy: Any, one: Any, other: Any) -> bool:
    """Return True if two expressions differ at one of some points, or cannot be tried there."""
    symbols = sorted(one.free_symbols | other.free_symbols, key=str)
    for start, step in _POINTS:
        at = {symbol: sympy.Rational(start + n * step, 4) for n, symbol in enumerate(symbols)}
        try:
            here, there = (complex(each.subs(at).evalf()) for each in (one, other))
        except (TypeError, ValueError, OverflowError):
            return True
        size = max(abs(here), abs(there), 1.0)
        if not cmath.isfinite(size) or abs(here - there) > _CLOSE * size:
            return True
    return False
