"""What a text says around an example that takes it back: reports of bugs, corrections, doubts."""

from __future__ import annotations

import re

_DOUBT = re.compile(
    r"n't\b|\b(?:not|never|no longer|bugs?|wrong(?:ly)?|incorrect(?:ly)?|instead|current(?:ly)?|"
    r"actual(?:ly)?|but|however|mistakes?|broken|fail(?:s|ed|ing)?|errors?|raises?|unless|suppose|"
    r"assum\w+|except|unexpected|counter-?examples?|invalid|before|old|previous(?:ly)?|used to|"
    r"either|possibl[ey]|might|could|sometimes|I (?:get|got|see)|my)\b",
    re.IGNORECASE,
)
_TAKES_BACK = re.compile(
    r"[ \t]*(?:#|//|[-*>])*[ \t]*(?:\b(?:but|however|instead|whereas|expect(?:s|ed)?|desired|"
    r"wanted|should|wrong|incorrect|fails?|broken|bugs?|not|currently|actual(?:ly)?)\b|"
    r"(?:it|this|that|these|those|they|which|both|i|we|the (?:right|correct|expected|desired|"
    r"result|output|answer|value|bug|problem))\b"
    r".*(?:n't\b|\b(?:should|must|ought|expect\w*|want\w*|need\w*|(?:in)?correct\w*|"
    r"right|wrong\w*|bugs?|mistakes?|broken|fail\w*|errors?|instead|now|currently)\b))",
    re.IGNORECASE,
)
_FAR = 1_000
"""Characters above and below an example in which a doubt about it is looked for."""
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_NOTHING_BACK = re.compile(
    r"\b(?:prints?|printed|printing)\b(?!\()|\bin[- ]place\b|\breturns? (?:nothing|anything)\b",
    re.IGNORECASE,
)
_REPORT = re.compile(r"\b(?:[Dd]ebug(?:ging)?|[Ff]ix(?:es|ing)?|[Bb]ugs?|[Bb]uggy|Traceback)\b")


def reports_a_bug(text: str) -> bool:
    """Return True if a text speaks of a program that errs: what it shows may be the error."""
    return _REPORT.search(text) is not None


def gives_nothing_back(text: str) -> bool:
    """Return True if a text speaks of a function that prints, or changes what it is given."""
    return _NOTHING_BACK.search(text) is not None


def is_taken_back(text: str, begin: int, end: int, name: str) -> bool:
    """Return True if what stands around [begin, end), an example of `name`, puts it in doubt.

    That is the rest of its lines, the last line above that ends in a colon, and the first sentence
    below that is no example itself. A comment behind it explains it, unless it begins with a doubt.
    """
    first = text.rfind("\n", 0, begin) + 1
    last = text.find("\n", end)
    last = len(text) if last < 0 else last
    before, after = text[first:begin], text[end:last].lstrip(" `),.;")
    is_comment = after.startswith(("#", "//"))
    around = before if is_comment else f"{before} . {after}"
    return bool(
        _DOUBT.search(around)
        or (is_comment and _TAKES_BACK.match(after))
        or _DOUBT.search(_heading(text[max(0, first - _FAR) : first]))
        or _TAKES_BACK.match(_sentence_below(text[last : last + _FAR], name))
    )


def _heading(text: str) -> str:
    """Return the last line that ends in a colon; "" where there is none."""
    for line in reversed(text.split("\n")):
        if line.rstrip().endswith(":") and _LETTERS.search(line):
            return line
    return ""


def _sentence_below(text: str, name: str) -> str:
    """Return the first line that has words and is no example; "" where there is none."""
    example = re.compile(
        rf".*\b{re.escape(name)}[ \t]?\(|[ \t*#>-]*(?:in|out)puts?[*]*[ \t]*[:=]", re.I
    )
    for line in text.split("\n"):
        if _LETTERS.search(line) and not example.match(line):
            return line
    return ""
