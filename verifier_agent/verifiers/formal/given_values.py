"""The values that an answer gives to names: in JSON, or in what it says of each. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from verifier_agent.answers.numerals import read_number
from verifier_agent.answers.structured import exact_json
from verifier_agent.verifiers.formal.schema import stated_json
from verifier_agent.verifiers.mathematics.words import MULTIPLIERS

LONGEST = 100_000
"""Characters of an answer that are read, and of the values in it."""
_FRACTION = r"\\[dt]?frac\{\d+\}\{\d+\}"
_NUMBER = rf"[-+]?[ \t]*(?:{_FRACTION}|[\d.,/]*\d(?:[eE][-+]?\d+)?)"
_VALUE = (
    r"[ \t]*(?:[:=]?=|:|\bis\b)[ \t]*\\?\$?"
    rf"(?P<value>{_NUMBER}|[Tt]rue|[Ff]alse|\"[^\"\n]*\"|'[^'\n]*')"
)
_SIGNS = r"\\(?:cdot|times|div|pm|d?frac|sqrt|pi|%|ldots|dots)"
_WORDS = "|".join((*sorted(MULTIPLIERS), "more|less|fewer|greater|plus|minus|percent|mod|time"))
_GOES_ON = re.compile(
    r"\w|\.\d|\.{2,}|…|:\d|[ \t]+\d|,[ \t]+-?\d+(?![\d.]*[ \t]*\w*[ \t]*[=:])"
    rf"|[ \t]*(?:[-+*/^=(!%°√±\u00d7·⋅÷]|{_SIGNS}|[xX][ \t]+\d"
    rf"|(?:or|and|to|\u2013|\u2014)[ \t]+-?\d|(?:{_WORDS})s?\b)"
)
"""What makes the value a part of something longer, as in "x = 3y", "x = 50%" and "x is 3 more"."""
_WITHIN = re.compile(
    r"(?:[\w)}\]][ \t]*(?:[-+*/^\u00d7·⋅÷]|\\(?:cdot|times|div|pm)|plus|minus|times)[ \t]*"
    r"|(?:\d\}?|√)[ \t]*|[-\u2212!¬]|\\(?:sqrt|log|ln|sin|cos|tan|neg|lnot)[ \t]*"
    r"|\b(?:not|twice|double|triple|half|thrice|negative|(?<!value )(?<!values )of(?: the)?)[ \t]+"
    r")\Z"
)
"""What makes the name a part of something longer, as in "2 x = 6", "x + y = 10", "twice x is 6"."""
_PLAINER = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\\(?:boxed|text|mathrm|mathbf|textbf)\{([^{}]*)\}", r"\1"),
        (r"(?<![\w)])\*\*(?=\S)|(?<=\S)\*\*(?![\w(])|`", ""),
        (r"\$", ""),
        ("\u2212", "-"),
    )
)


def read_values(text: str, names: Sequence[str]) -> dict[str, Any]:
    """Return the values that an answer gives of these names; numbers are whole or fractions."""
    text = text[-LONGEST:]
    source = stated_json(text)
    found = None if source is None else exact_json(source)
    if isinstance(found, dict) and any(name in found for name in names):
        return {name: found[name] for name in names if name in found}
    for pattern, by in _PLAINER:
        text = pattern.sub(by, text)
    others = "|".join(map(re.escape, names))
    said = {name: _said(name, others, text) for name in names}
    return {name: value for name, value in said.items() if value is not None}


def _said(name: str, names: str, text: str) -> Any:
    """Return what a text says last of a name: a number, a truth value, or a quoted text."""
    listed = re.compile(rf"(?<!\w)(?:{names})[ \t]*(?:,|&|and|or)[ \t]*\Z")
    another = re.compile(rf"[ \t]*(?:{names})\b(?![ \t]*(?:[:=]|is\b))")
    value = None
    for found in re.finditer(rf"(?<![\w.\\]){re.escape(name)}{_VALUE}", text):
        before = text[max(0, found.start() - 40) : found.start()]
        if not _WITHIN.search(before) and not listed.search(before):
            goes_on = _GOES_ON.match(text, found.end()) or another.match(text, found.end())
            value = None if goes_on else found["value"]
    if value is None:
        return None
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value[1:-1] if value[0] in "\"'" else read_number(value)
