r"""From the text of an answer to the key that votes are counted by.

Recognised, last one first: `\boxed{…}` (Hendrycks et al. 2021), `#### …` (Cobbe et al. 2021),
`Answer: …`, "the answer is …". A text with none of them has no key, and cannot be voted on.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_MARKED = re.compile(
    r"(?:^|\n)\s*####[ \t]*(?P<hashes>[^\n]+)"
    r"|\b(?:final[ \t]+)?answer(?:[ \t]+is)?[ \t]*(?:\*\*)?[ \t]*(?::|=|(?<=is))(?P<stated>[^\n]+)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-+]?\.\d+")


def answer_key(text: str) -> str | None:
    """Return the canonical answer stated in `text`, or None if it states none."""
    boxed = _last_boxed(text)
    if boxed is not None:
        return canonical(boxed) or None
    stated = None
    for match in _MARKED.finditer(text):
        stated = match["hashes"] or match["stated"]
    return (canonical(stated) or None) if stated is not None else None


def canonical(answer: str) -> str:
    """Normalise an answer: markup, units of money and a full stop removed; numbers by value."""
    answer = answer.strip().strip("*_`$").strip().rstrip(".").strip().strip("*_`$").strip()
    answer = re.sub(r"^\\\(|\\\)$|\\[,;! ]|\\text\{([^{}]*)\}", r"\1", answer)
    bare = answer.lstrip("$€£").rstrip("%").strip()
    if _NUMBER.fullmatch(bare):
        try:
            value = Decimal(bare.replace(",", ""))
        except InvalidOperation:  # too long for the decimal context
            return bare
        return f"{value.normalize():f}" if value else "0"
    return re.sub(r"\s+", " ", answer).casefold()


def _last_boxed(text: str) -> str | None:
    found = None
    for match in _BOXED.finditer(text):
        depth = 1
        for position in range(match.end(), len(text)):
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            if depth == 0:
                found = text[match.end() : position]
                break
    return found
