"""How answers are written: in one notation for a parser of LaTeX, which takes all for mathematics,
and what it would take for something else. Pure."""

from __future__ import annotations

import re

from verifier_agent.answers.units import unit
from verifier_agent.verifiers.mathematics.expressions import singular
from verifier_agent.verifiers.mathematics.words import GLUED_UNITS, MEASURES

_NAMES = re.compile(
    r"(?<![a-zA-Z\\])(arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|csc|cot|log|ln|exp|pi|theta"
    r"|alpha|beta|gamma|delta|lambda|omega|infty)(?![a-zA-Z])"
)
"""Words that LaTeX writes with a backslash; without, each is a product of its letters."""
_LATEX = re.compile(r"\\(?:text\w*|math\w+|mbox|operatorname|begin|end)\s*\{[^{}]*\}|\\[a-zA-Z]+")
_PROSE = re.compile(
    r"(?!(?:and|sqrt)\b)[a-zA-Z]{3,}"
    rf"|(?<![a-zA-Z])(?:{'|'.join(sorted(GLUED_UNITS))}|to|of|by|in|at|on|is|no)(?![a-zA-Z])"
)
"""Words and units: three letters or more, and the short ones that are no product of variables."""
_ONE_FORM = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\\(?:left|right)\.|\\(?:left|right|[Bb]igg?[lr]?)(?![a-zA-Z])", ""),
        (r"\\langle(?![a-zA-Z])|⟨", "("),
        (r"\\rangle(?![a-zA-Z])|⟩", ")"),
        (r"\\varnothing(?![a-zA-Z])|∅", r"\\emptyset "),
        (r"√ ?(\d+|[a-z](?![a-z]))", r"\\sqrt{\1}"),
        (r"(?:√ ?|(?<![a-zA-Z\\])sqrt ?)\(([^()]*)\)", r"\\sqrt{\1}"),
        ("∞", r"\\infty "),
        ("°", r"^\\circ "),
        ("\N{UNION}", r"\\cup "),
        ("∩", r"\\cap "),
        ("~", " "),
        (r"^([^,]*);([^,]*)$", r"\1,\2"),
        (r"^([-\d./ ]+)=( ?[a-zA-Z] ?)$", r"\2=\1"),
        ("²", "^{2}"),
        ("³", "^{3}"),
        # a sign behind a power alone is all that is read of it
        (r"\^(-[a-zA-Z0-9]+)", r"^{\1}"),
    )
)
"""What a parser of LaTeX does not know, or reads in part, and how it is written there."""
_REPEATING = re.compile(
    r"(?P<whole>\d*)\.(?P<part>\d*)\\(?:overline|bar)\s*\{?(?P<repeated>\d+)\}?"
)
_MIXED_SHARE = re.compile(
    r"(?P<whole>\d+) ?\\[dt]?frac\{(?P<above>\d+)\}\{(?P<below>\d+)\}(?= ?\\?%)"
)
_DASHED = re.compile(r"\d+(?:(?: ?[-\u2013\u2014] ?)\d+)+")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?")
_DATED = re.compile(
    r"(?<![\d*+^])\d+([-\u2013\u2014/])\d+\1\d+(?![\d*+^])|\d{1,2}(?::\d\d)* ?[ap]\.? ?m\b\.?",
    re.IGNORECASE,
)
_BROKEN_OFF = re.compile(r"[-+*/^=<>(\[{]\Z")
_LIST = re.compile(r"\[.*\]", re.DOTALL)
_TUPLE = re.compile(r"[(\[].*[)\]]", re.DOTALL)
_TEXT = re.compile(r"\\(?:text|mathrm|mbox)\s*\{([^{}]*)\}")
_MEASURED = re.compile(
    r"(?P<number>.*[\d}) ]) *\b"
    r"(?P<unit>(?:square |cubic )?(?P<name>[a-zA-Z]+)(?:\^?\{?[23]\}?)?)\.?",
    re.DOTALL,
)
_LETTERS = ("g", "h", "l", "m", "s")
"""Units that are variables, unless they are set as text."""
_CASES = re.compile(r"\\begin\{(?:cases|align|array|gather)|\\\{[^{}]*(?::|\||\\mid)")
_NAMED = re.compile(r"\s*([a-zA-Z](?:_\w|_\{\w+\})?) ?= ?([^=]+)")
_AND = re.compile(r",|;|\band\b|\\text\s*\{[ ,]*and *\}")
_BARE = re.compile(r"[^()\[\]{}=<>]*,[^()\[\]{}=<>]*")
_AMBIGUOUS = (
    (re.compile(r"/ ?\d+ ?(?:[a-zA-Z(]|\\(?!circ|[%\\]))"), "1/2x has two meanings"),
    (re.compile(r"\d,\d+ ?\\?[a-zA-Z]"), "a comma may be a decimal one"),
    (
        re.compile(r"\\text\w*\{(?! *(?:and|or) *\})[^{}]*[a-zA-Z]{2,}[^{}]*\} ?\d"),
        "words stand between numbers",
    ),
    (re.compile(r"\d,\d{3}(?!\d).*[,)]|[(,].*\d,\d{3}(?!\d)"), "a comma may be one of thousands"),
    (
        re.compile(r"\d ?['\"\u2032\u2033]|^(?!.*\\begin).*&"),
        "a sign may be another than one of mathematics",
    ),
)
"""What has more than one reading, of which a parser takes one."""
_FUNCTION = re.compile(r"[a-zA-Z] ?\([a-z]\) ?=")
_BASIS = re.compile(r"\\(?:hat|mathbf|vec|boldsymbol|overrightarrow|bm)(?![a-z])")
_ANGLE = re.compile(r"\\circ(?![a-z])|degrees?")
_IN_RADIANS = re.compile(r"\\(?:pi|arc|sin|cos|tan|sec|csc|cot)")


def tidy(text: str) -> str:
    """Return an answer without what a parser of LaTeX stumbles over."""
    for pattern, by in _ONE_FORM:
        text = pattern.sub(by, text)
    if not _is_prose(_NAMES.sub("", text)):
        text = _NAMES.sub(r"\\\1", text)
    return _MIXED_SHARE.sub(_as_improper, _REPEATING.sub(_as_fraction, text))


def _as_fraction(found: re.Match[str]) -> str:
    """Write 0.1\\overline{6} as a fraction."""
    whole, part, repeated = found["whole"] or "0", found["part"], found["repeated"]
    nines = 10 ** len(repeated) - 1
    above = int(whole + part + repeated) - int(whole + part)
    return rf"\frac{{{above}}}{{{nines * 10 ** len(part)}}}"


def _as_improper(found: re.Match[str]) -> str:
    """Write 33\\frac{1}{3}, of which a percent sign takes but the 33, as one fraction."""
    whole, above, below = (int(found[name]) for name in ("whole", "above", "below"))
    return rf"\frac{{{whole * below + above}}}{{{below}}}"


def _is_prose(text: str) -> bool:
    """Return True if there is a word, or a unit, that would be a product of variables."""
    return _PROSE.search(_LATEX.sub(" ", text)) is not None


def without_units(reference: str, answer: str) -> tuple[str, str]:
    """Return both, without the units at their ends."""
    first, second = (_number_and_unit(text)[0] for text in (reference, answer))
    return first, second


def _number_and_unit(text: str) -> tuple[str, str]:
    """Return what stands before a unit, and the unit in one spelling; without one, all of it."""
    found = _MEASURED.fullmatch(_TEXT.sub(r" \1", text).strip(" $"))
    if found is None:
        return text, ""
    name = found["name"]
    if singular(name) in MEASURES or (name in _LETTERS and _TEXT.search(text)):
        return found["number"], unit(found["unit"].casefold(), beside=False) or found["unit"]
    return text, ""


def in_order(reference: str, answer: str) -> tuple[str, str]:
    """Return both; values that only one of them names as a tuple, by the order of their names."""
    named = [_named(text) for text in (reference, answer)]
    if bool(named[0]) == bool(named[1]):
        return reference, answer
    first, second = (
        f"({', '.join(values[name] for name in sorted(values))})"
        if values
        else f"({text})"
        if _BARE.fullmatch(text)
        else text
        for values, text in zip(named, (reference, answer), strict=True)
    )
    return first, second


def _named(text: str) -> dict[str, str]:
    """Return the values of two names or more in "x = 1, y = 2"; empty for anything else."""
    found = [_NAMED.fullmatch(part) for part in _AND.split(text.strip(" $"))]
    values = {one[1]: one[2] for one in found if one}
    return values if 1 < len(values) == len(found) else {}


def misread(reference: str, answer: str) -> str:
    """Say what in two different answers cannot be read as mathematics; or nothing."""
    pair = (reference.strip(" $"), answer.strip(" $"))
    if any(map(_DATED.search, pair)):
        return "one of them may be a date or a time"
    if any(map(_BROKEN_OFF.search, pair)):
        return "one of them breaks off"
    if any(map(_CASES.search, pair)):
        return "one of them is a system of equations, or a set by its property"
    units = [_number_and_unit(text)[1] for text in pair]
    if all(units) and units[0] != units[1]:
        return f"they have different units, {units[0]!r} and {units[1]!r}"
    for pattern, why in ((_DASHED, "ranges"), (_CLOCK, "times")):
        if all(map(pattern.fullmatch, pair)):
            return f"both may be {why}"
    return ""


def doubt_of(reference: str, answer: str, *, equal: bool) -> str:
    """Say why what a parser of LaTeX found may be otherwise; or nothing."""
    pair = (reference.strip(" $"), answer.strip(" $"))
    if equal:
        counts = {text.count(",") for text in pair if _BARE.fullmatch(text)}
        return "one of them has a value more often" if len(counts) > 1 else ""
    if any(map(_is_prose, pair)):
        return "one of them has words in it"
    for pattern, why in _AMBIGUOUS:
        if any(map(pattern.search, pair)):
            return why
    if any(pattern.fullmatch(text) for pattern in (_DASHED, _CLOCK) for text in pair):
        return "one of them may be a range or a time"
    if all("=" in text for text in pair) and len({_FUNCTION.match(t) is None for t in pair}) > 1:
        return "only one of them is written as a function"
    if len({_BASIS.search(text) is None for text in pair}) > 1:
        return "only one of them is written as a vector"
    if any(map(_ANGLE.search, pair)) and any(map(_IN_RADIANS.search, pair)):
        return "one of them may be in radians"
    for one, other in (pair, pair[::-1]):
        if _LIST.fullmatch(one) and "," in other and not _TUPLE.fullmatch(other):
            return "one of them may be a list or an interval"
    names = [list(_named(text)) for text in pair]
    if any(names) != all(names) and any(each != sorted(each) for each in names):
        return "which value belongs to which name is not said"
    return ""
