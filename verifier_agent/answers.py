r"""From the text of an answer to the key that votes are counted by.

Recognised, last one first: `\boxed{…}` (Hendrycks et al. 2021), `#### …` (Cobbe et al. 2021),
`Answer: …`, "the answer is …". A text with none of them has no key, and cannot be voted on.
"""

from __future__ import annotations

import re
import unicodedata

# The texts come from models and can be long and strange, so all patterns take linear time: a
# possessive quantifier (`*+`, `?+`) never goes back over what it has passed.
_BRACES = re.compile(r"\\[{}]|(?P<box>\\(?:boxed|fbox)\s*+\{)|(?P<open>\{)|(?P<close>\})")
_MARKER = re.compile(
    r"(?:^[ \t]*+####"
    r"|\banswer(?:[ \t]++is\b)?+[ \t]*+(?:\*\*)?+[ \t]*+[:=](?:[ \t]*+\*\*)?+"
    r"|\banswer[ \t]++is\b)(?=[ \t]*+\S)",
    re.IGNORECASE | re.MULTILINE,
)
_MARKUP = re.compile(r"^\\\(|\\\)$|\\[,;! ]|\\([$%])|\\text\{([^{}]*+)\}")
_NUMBER = re.compile(
    r"(?P<sign>[-+]?)(?P<whole>\d{1,3}(?:,\d{3})++|\d*+)(?:\.(?P<part>\d++))?+", re.ASCII
)
_LONGEST = 1000
"""Characters; a longer answer is compared as it is, its markup is not looked at."""


def answer_key(text: str) -> str | None:
    """Return the canonical answer stated in `text`, or None if it states none."""
    stated = _last_boxed(text)
    if stated is None:
        *_, last = None, *_MARKER.finditer(text)
        stated = None if last is None else text[last.end() :].partition("\n")[0]
    return (canonical(stated) or None) if stated is not None else None


def canonical(answer: str) -> str:
    """Normalise an answer: markup, units of money and a full stop removed; numbers by value.

    Normalising twice changes nothing more.
    """
    answer = _plain_characters(answer)
    if len(answer) > _LONGEST:
        return answer
    while (simpler := _simplified(answer)) != answer:
        answer = simpler  # what is removed can bring further markup to the end
    return answer


def _plain_characters(answer: str) -> str:
    """Return `answer` in lower case, with single spaces, ASCII digits and ASCII minus signs."""
    folded = " ".join(answer.casefold().split()).replace("\N{MINUS SIGN}", "-")
    return re.sub(r"[^\D0-9]", lambda digit: str(unicodedata.decimal(digit[0])), folded)


def _simplified(answer: str) -> str:
    answer = answer.strip("*_`$ ").rstrip("*_`$. ")
    answer = _MARKUP.sub(lambda found: found[1] or found[2] or "", answer)
    answer = " ".join(answer.split())
    bare = answer.lstrip("$€£ ").rstrip("% ")
    number = _NUMBER.fullmatch(bare)
    if number is None or not (number["whole"] or number["part"]):
        return answer
    # by text, not by arithmetic: no digit of a long number may be lost
    whole = number["whole"].replace(",", "").lstrip("0") or "0"
    part = (number["part"] or "").rstrip("0")
    value = f"{whole}.{part}" if part else whole
    return f"-{value}" if number["sign"] == "-" and value != "0" else value


def _last_boxed(text: str) -> str | None:
    """Return the content of the box that opens last among those that are closed."""
    found: tuple[int, int] | None = None
    opened: list[int | None] = []  # where a box's content starts; None for another brace
    for brace in _BRACES.finditer(text):
        if brace["box"]:
            opened.append(brace.end())
        elif brace["open"]:
            opened.append(None)
        elif brace["close"] and opened:
            start = opened.pop()
            if start is not None and (found is None or start > found[0]):
                found = (start, brace.start())
    return None if found is None else text[found[0] : found[1]]
