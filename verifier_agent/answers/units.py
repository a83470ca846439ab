"""Units behind a number: one way to write the common ones."""

from __future__ import annotations

import re

LEFT_OUT = re.compile(r" ?(?:%|\u00b0|\^ ?\\circ|\^\{ ?\\circ ?\}|percent|per cent|degrees?)$")
"""A percent or degree sign says how a number is meant, not which: 12 % and 12 are one answer."""
MONEY = "$€£¥"
_MONEY_WORDS = {"dollar", "dollars", "usd", "euro", "euros", "eur", "pound sterling", "gbp"}
_SYMBOLS = {
    "m": "meter meters metre metres",
    "cm": "centimeter centimeters centimetre centimetres",
    "mm": "millimeter millimeters millimetre millimetres",
    "km": "kilometer kilometers kilometre kilometres",
    "mi": "mile miles",
    "ft": "foot feet",
    "in": "inch inches",
    "g": "gram grams gramme grammes",
    "mg": "milligram milligrams",
    "kg": "kilogram kilograms kilo kilos",
    "lb": "lbs",
    "l": "liter liters litre litres",
    "ml": "milliliter milliliters millilitre millilitres",
    "s": "second seconds sec secs",
    "min": "minute minutes mins",
    "h": "hour hours hr hrs",
    "ms": "millisecond milliseconds",
    "km/h": "kmh kph",
    "mph": "",
    "kwh": "",
    "hz": "hertz",
    "khz": "kilohertz",
    "mb": "megabyte megabytes",
    "gb": "gigabyte gigabytes",
}
_SYMBOL = {word: symbol for symbol, words in _SYMBOLS.items() for word in (symbol, *words.split())}
_POWERS = {"\u00b2": "^2", "\u00b3": "^3", "^{2}": "^2", "^{3}": "^3"}
_NAMED_POWERS = {"square": "^2", "sq": "^2", "sq.": "^2", "cubic": "^3", "cu": "^3"}


def unit(words: str, *, beside: bool) -> str | None:
    """Return the one form of a unit; "" for money, None if these words are no unit.

    `beside`: they stand beside the number without a space, where only a known unit is one.
    """
    for sign, power in _POWERS.items():
        words = words.replace(sign, power)
    if words in _MONEY_WORDS or words in MONEY:
        return ""
    first, _, rest = words.partition(" ")
    if rest and first in _NAMED_POWERS:
        words = rest + _NAMED_POWERS[first]
    name, caret, power = words.partition("^")
    if name in _SYMBOL and power in ("", "2", "3"):
        return _SYMBOL[name] + caret + power
    return None if beside else words
