r"""From the text of an answer to the key that votes are counted by.

A box comes first, wherever it stands: `\boxed{…}` (Hendrycks et al. 2021) or `\fbox{…}`, the last
one that is closed, all of it. Without a box the last marker counts: `#### …` (Cobbe et al. 2021),
`Answer: …`, `Answer = …`, "the answer is …"; in any case of letters, bold or not. What it states is

- the rest of its line, or the next line with more than markup if the marker ends its own;
- up to the end of the sentence (a stop, then a space and a capital letter: 3.5 and St. Louis stay
  whole) and up to a reason ("because …", "since …", ", which …");
- without a remark in parentheses, if that follows on a number or on bold text: "**10** (ten)".

A marker that is denied or only supposed states nothing: "there is no answer: …", "5 isn't the
answer: …", "the answer is not 5", "if the answer is 5". A text without a box and without a marker
that states something has no key, and cannot be voted on.
"""

from __future__ import annotations

import re
import unicodedata

# The texts come from models and can be long and strange, so all patterns take linear time: a
# possessive quantifier (`*+`, `?+`) never goes back over what it has passed.
_BRACES = re.compile(r"\\[{}]|(?P<box>\\(?:boxed|fbox)\s*+\{)|(?P<open>\{)|(?P<close>\})")
_MARKER = re.compile(
    r"(?:^[ \t]*+####(?!#)"
    r"|(?P<denied>(?:(?<!or )(?<!/)\bno|\b(?:not|never|cannot|if|whether)|n['\u2019]t)[ \t]++"
    r"(?:(?:the|an?|my|your|our|this|that|final|right|correct|exact|clear|single|unique|definite"
    r"|valid|real|possible)[ \t]++)*+)?+"
    r"\banswer(?:(?:[ \t]++is\b)?+[ \t]*+(?:\*\*)?+[ \t]*+[:=](?:[ \t]*+\*\*)?+"
    r"|[ \t]++is\b(?![ \t]++(?:not|never)\b)))(?=\s*+\S)",
    re.IGNORECASE | re.MULTILINE,
)
_MATTER = re.compile(r"(?!\\\[)[^\s*_`$\[]")
"""What is neither space nor the opening of a formula or of code: an answer has some of it."""
_STOP = re.compile(
    r"(?<!\bSt)(?<!\bMt)(?<!\bFt)(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bProf)"
    r"(?<![A-Z]\. [A-Z])(?!\. [A-Z]\.)[.!?]"
    r"(?P<after>[*_`$)\]\"'\u201d\u2019]*+ [*_\"'(\u201c\u2018]*+)(?=\S)"
)
_REASON = re.compile(r"(?:[,;:]| [-\u2013\u2014])? \(?(?:because|since)\b|, which\b", re.IGNORECASE)
_REMARK = re.compile(
    r"(?P<bold>(?:\*\*)?+[^*]++\*\*) ?\(.*"
    r"|(?P<number>\S++) \((?!mod\b)[^\W\d_]{2,}+(?:[ -][^\W\d_]++)*+\)\W*+"
)
_MARKUP = re.compile(r"^\\[(\[]|\\[)\]]$|\\[,;! ]|\\([$%])|\\text\{([^{}]*+)\}")
_NUMBER = re.compile(
    r"(?P<sign>[-+]?)(?P<whole>\d{1,3}(?:,\d{3})++|\d*+)(?:\.(?P<part>\d++))?+", re.ASCII
)
_LONGEST = 1000
"""Characters; a longer answer is compared as it is, its markup is not looked at."""


def answer_key(text: str) -> str | None:
    """Return the canonical answer stated in `text`, or None if it states none."""
    stated = _last_boxed(text)
    if stated is None:
        stated = _last_stated(text)
    return canonical(stated) or None


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


def _last_stated(text: str) -> str:
    """Return what the last marker states that is not denied; empty if there is none."""
    *_, end = -1, *(found.end() for found in _MARKER.finditer(text) if not found["denied"])
    if end < 0:
        return ""
    matter = _MATTER.search(text, end)
    if matter is None:
        return ""
    start = max(end, text.rfind("\n", end, matter.start()) + 1)
    line = " ".join(text[start:].partition("\n")[0].split())
    for stop in _STOP.finditer(line):
        if line[stop.end()].isupper():
            line = line[: stop.start("after")]
            break
    if reason := _REASON.search(line):
        line = line[: reason.start()]
    remark = _REMARK.fullmatch(line)
    if remark and (remark["bold"] or re.fullmatch(r"-?[0-9.]+", canonical(remark["number"]))):
        line = remark["bold"] or remark["number"]
    return line


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
