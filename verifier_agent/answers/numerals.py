"""Numbers as they are written: read exactly, by value, and written in one way.

Read are signs, thousands separators (1,234 and 1.234.567 and 1 234 567 and 1'234 and 1_234),
decimal points and decimal commas, exponents (1e5, 1.5 x 10^3), fractions and mixed numbers in plain
text, Unicode and LaTeX. A comma before three digits separates thousands, unless a 0 stands alone
before it; before any other number of digits it is a decimal comma. A point is a decimal point,
unless two or more of them, or a decimal comma after it, show otherwise.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

LONGEST = 1000
"""Digits of a number that is read, and of one that is written out in decimals."""
_FURTHEST = 300
"""The largest exponent that is read: beyond it a number is compared as it is written."""
_POINT = r"(?:\.(?P<{0}>\d++))?+"
_FORMS = (
    r"(?P<whole>\d++)\.?+(?!\d)",
    r"(?P<whole>\d*+)\.(?P<part>\d++)",
    r"(?P<whole>(?!0)\d{1,3}+(?:,\d{3}(?!\d))++)" + _POINT.format("part"),
    r"(?P<whole>0|\d{4,}+),(?P<part>\d++)",
    r"(?P<whole>\d{1,3}+),(?P<part>\d{1,2}|\d{4,})",
    r"(?P<whole>(?!0)\d{1,3}+(?:\.\d{3}(?!\d)){2,}+)",
    r"(?P<whole>(?!0)\d{1,3}+(?:\.\d{3}(?!\d))++),(?P<part>\d++)",
    r"(?P<whole>(?!0)\d{1,3}+(?:(?P<gap>[ '_\u2019])\d{3}(?!\d))(?:(?P=gap)\d{3}(?!\d))*+)"
    r"(?:[.,](?P<part>\d++))?+",
)
_PLAIN = [re.compile(form, re.ASCII) for form in _FORMS]
_SCALED = re.compile(
    r"(?P<number>[^e]*[\d.])e(?P<exponent>[-+]?\d{1,3}+)"
    r"|(?:(?P<factor>.*?[\d.]) ?(?:\\times|\\cdot|[x*\u00d7\u00b7]) ?)?"
    r"10 ?\^ ?(?P<power>[-+]?\d{1,3}+|\{[-+]?\d{1,3}+\})",
    re.ASCII,
)
_FRACTION = re.compile(
    r"(?:(?P<whole>\d++)(?: ?(?=\\)| ))?"
    r"(?:(?P<above>\d++) ?[/\u2044] ?(?P<below>\d++)"
    r"|\\[dtc]?frac ?(?P<over>\{ ?-?\d++ ?\}|\d) ?(?P<under>\{ ?\d++ ?\}|\d))",
    re.ASCII,
)
_VULGAR = re.compile("[\u00bc-\u00be\u2150-\u215e\u2189]")


def read_number(text: str) -> Fraction | None:
    """Return the value of `text` if it is one number and nothing else; None if it is none."""
    text = _VULGAR.sub(lambda one: f" {unicodedata.normalize('NFKC', one[0])}", text).strip()
    sign = -1 if text.startswith("-") else 1
    text = text.removeprefix("-" if sign < 0 else "+").strip()
    if not text or len(text) > LONGEST:
        return None
    value = _fraction(text)
    if value is None:
        value = _scaled(text)
    return None if value is None else sign * value


def write_number(value: Fraction) -> str:
    """Write a value in the one way it is written: in decimals if they end, else as a fraction."""
    sign, value = "-" if value < 0 else "", abs(value)
    places = _places(value.denominator)
    if places is None:
        return f"{sign}{value.numerator}/{value.denominator}"
    digits = str(value.numerator * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def _places(denominator: int) -> int | None:
    """Return how many decimals a fraction takes; None if they do not end, or are too many."""
    counts = []
    for prime in (2, 5):
        count = 0
        while denominator % prime == 0:
            denominator //= prime
            count += 1
        counts.append(count)
    places = max(counts)
    return places if denominator == 1 and places <= LONGEST else None


def _fraction(text: str) -> Fraction | None:
    found = _FRACTION.fullmatch(text)
    if found is None:
        return None
    above, below = (
        int((plain or braced).strip("{} "))
        for plain, braced in ((found["above"], found["over"]), (found["below"], found["under"]))
    )
    if not below or (found["whole"] and above < 0):
        return None
    return int(found["whole"] or 0) + Fraction(above, below)


def _scaled(text: str) -> Fraction | None:
    found = _SCALED.fullmatch(text)
    if found is None:
        return _plain(text)
    value = _plain(found["number"] or found["factor"] or "1")
    exponent = int(found["exponent"] or found["power"].strip("{}"))
    if value is None or abs(exponent) > _FURTHEST:
        return None
    return value * Fraction(10) ** exponent


def _plain(text: str) -> Fraction | None:
    found = next((one for form in _PLAIN if (one := form.fullmatch(text))), None)
    if found is None:
        return None
    parts = found.groupdict()
    whole = re.sub(r"\D", "", parts["whole"])
    part = parts.get("part") or ""
    return Fraction(int(whole + part or "0"), 10 ** len(part))
