"""From a line of any model's text to tokens of arithmetic: numbers, signs, words, and the rest.

What is not understood stays in the list as an "unknown" token and makes the expression around it
unreadable: it is never skipped, since what is skipped could change a value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal[
    "number",
    "sign",
    "open",
    "close",
    "equals",
    "about",
    "percent",
    "money",
    "frac",
    "word",
    "mark",
    "unknown",
]

MOST_CHARACTERS = 2_000
MOST_TOKENS = 400
MOST_DIGITS = 40
"""Longer lines and longer numbers are not read: the work for one line stays small."""


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a line."""

    kind: Kind
    text: str
    start: int
    end: int
    glued: bool = False
    """True if no space stands before it."""
    value: Fraction = Fraction(0)
    """Of a number."""
    places: int = 0
    """Digits after a number's decimal point."""
    cut: bool = False
    """True for a number that goes on: "0.333..."."""


_TIDY: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # list markers and headings, also "a)", "(ii)", "1.", "> "
        (r"^\s*(?:(?:[-*+•>]|#+|\d{1,3}[.)]|[A-Za-z][.)]|\([A-Za-z0-9]{1,3}\)(?!\s*\())\s+)+", ""),
        (r"(?<=\d)(?:\{,\}|\\,|\\;|[\u00a0\u2009\u202f])(?=\d{3}(?!\d))", ","),
        (r"\\(?:text|mathrm|mbox|textrm|operatorname)\s*\{([^{}]*)\}", r" \1 "),
        (r"\\(?:left|right|big|Big|boxed|fbox|mathbf|textbf|displaystyle)(?![A-Za-z])", ""),
        (r"\\(?:quad|qquad)(?![A-Za-z])|\\[,;:! ()\[\]]|&|`|~(?=\s*$)", " "),
        (r"\\\\(?:\[[^\]]*\])?", " ; "),
        (r"\\(?:cdots|ldots|dots)(?![A-Za-z])", "…"),
        (r"\\(?:Rightarrow|rightarrow|implies|therefore|to)(?![A-Za-z])", "→"),
        (r"\\(?:cdot|times|ast)(?![A-Za-z])", "×"),
        (r"\\div(?![A-Za-z])", "÷"),
        (r"\\(?:approx|simeq|cong)(?![A-Za-z])|~=|=\s*[~≈]|≅|≃", "≈"),
        (r"\\[dt]frac(?![A-Za-z])", r"\\frac"),
        (r"\\([%$])", r"\1"),
        (r"(?<=[\d)])\*\*(?=[\d(])|(?<=[\d)]) \*\* (?=[\d(])", "^"),
        (r"\*\*+", " "),
        # "3 x 4" and "3x4" are products; "0x10" is a number of another base
        (r"(?<=\d)(?<!(?<![\w.])0)[xX](?=\d)", "×"),
        (r"(?<=[\d)%]) [xX] (?=[\d($.-])", " × "),
        (r"(?i)(?<=\d) ?percent\b", "%"),
        (r"(?<=\d)⁄(?=\d)", "/"),
    )
)
_RAISED = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_RAISED_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")

_LABELS = (
    "step|case|part|day|week|month|year|question|problem|line|item|option|no|number|figure|"
    "table|chapter|round|stage|phase|level|equation|eq|page|section|method|trial|team|room|"
    "grade|class|version|line|group|box|row|column"
)
_LETTER = r"[^\W\d_]"
_TOKEN = re.compile(
    rf"""
    (?P<label>\b(?i:{_LABELS})\ ?[#.]?\ ?[0-9]+(?![\w.,:/]*[0-9]))
    |(?P<number>(?:[0-9]+(?:[.,:][0-9]+)*|\.[0-9]+)(?P<cut>\.{{2,}}|…)?)
    |(?P<frac>\\frac(?![A-Za-z]))
    |(?P<rate>/{_LETTER}{{2,}})
    |(?P<word>{_LETTER}(?:[\w'’]|-(?={_LETTER}))*(?:/{_LETTER}+)*)
    |(?P<mark>={{3,}}|[=:!<>]=+>?|=>|->|[<>≠≤≥→⇒⟹,;:.?!|"“”…—✅✓✔☑]+)
    |(?P<equals>=)
    |(?P<about>≈)
    |(?P<percent>%)
    |(?P<money>[$€£])
    |(?P<open>[(\[{{])
    |(?P<close>[)\]}}])
    |(?P<sign>(?:[+*×·⋅∙÷^−–-]|/(?!/)))
    |(?P<space>\s+)
    |(?P<unknown>\\[A-Za-z]*|_\w*|//+|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+")
_SIGNS = str.maketrans("×·⋅∙−–", "****--")


def tidy(line: str) -> str:
    """Return `line` with LaTeX, markdown and Unicode spellings of arithmetic in one form."""
    for pattern, replacement in _TIDY:
        line = pattern.sub(replacement, line)
    return _RAISED.sub(lambda match: "^" + match[0].translate(_RAISED_DIGITS), line)


def tokens_of(line: str) -> list[Token]:
    """Cut a tidy line into tokens; an empty list if the line is too long to be read."""
    if len(line) > MOST_CHARACTERS:
        return []
    made: list[Token] = []
    spaced = True
    for match in _TOKEN.finditer(line):
        if match.lastgroup == "space":
            spaced = True
            continue
        made.append(_token(match, glued=not spaced))
        spaced = False
    return made if len(made) <= MOST_TOKENS else []


def _token(match: re.Match[str], *, glued: bool) -> Token:
    text, start, end = match[0], match.start(), match.end()
    if match["number"]:
        return _number(match, glued=glued)
    if match["label"] or match["rate"]:
        return Token("word", text, start, end, glued)
    if match["mark"] == "==":
        return Token("equals", text, start, end, glued)
    kind: Kind = match.lastgroup  # type: ignore[assignment]
    return Token(kind, text.translate(_SIGNS) if kind == "sign" else text, start, end, glued)


def _number(match: re.Match[str], *, glued: bool) -> Token:
    start, end = match.start(), match.end()
    digits = match[0].removesuffix(match["cut"] or "")
    # "10:30", "1.2.3", "1,00,000": read whole or not at all
    if len(digits) > MOST_DIGITS or not _NUMBER.fullmatch(digits) or (glued and digits[0] == "."):
        return Token("unknown", match[0], start, end, glued)
    plain = digits.replace(",", "")
    return Token(
        "number",
        match[0],
        start,
        end,
        glued,
        value=Fraction(plain),
        places=len(plain.partition(".")[2]),
        cut=bool(match["cut"]),
    )
