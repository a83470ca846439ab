r"""Where in a text its answer is stated.

A box comes first, wherever it stands: `\boxed{…}` (Hendrycks et al. 2021) or `\fbox{…}`, the last
one that is closed, all of it. Without a box the last marker counts: `#### …` (Cobbe et al. 2021),
`Answer: …`, `Answer = …`, "the answer is …"; in any case of letters, bold or not. What it states is

- the rest of its line, or the next line with more than markup if the marker ends its own;
- up to the end of the sentence (a stop, then a space and a capital letter: 3.5 and St. Louis stay
  whole) and up to a reason ("because …", "since …", ", which …");
- without a remark in parentheses, if that follows on a number or on bold text: "**10** (ten)".

A marker that is denied or only supposed states nothing: "there is no answer: …", "5 isn't the
answer: …", "the answer is not 5", "if the answer is 5". A text without a box and without a marker
that states something has no key, and cannot be voted on; unless it is JSON and nothing else.
"""

from __future__ import annotations

import re

from verifier_agent.answers.canonical import canonical
from verifier_agent.answers.structured import whole_json

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


def answer_key(text: str) -> str | None:
    """Return the canonical answer stated in `text`, or None if it states none.

    A text that is nothing but a JSON object or array, fenced or not, states itself.
    """
    return canonical(_stated(text)) or whole_json(text)


def stated_answer(text: str) -> str | None:
    """Return the answer stated in `text` as it stands there, for a comparison that reads LaTeX.

    None if it states none.
    """
    stated = _stated(text)
    return stated if canonical(stated) else whole_json(text)


def _stated(text: str) -> str:
    boxed = _last_boxed(text)
    return _last_stated(text) if boxed is None else boxed


def last_line_key(text: str) -> str | None:
    """Return the canonical answer stated in `text`; where none is, its last line that has words."""
    stated = answer_key(text)
    if stated is not None:
        return stated
    lines = (canonical(line) for line in reversed(text.splitlines()))
    return next((line for line in lines if line), None)


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
    if remark and (remark["bold"] or re.fullmatch(r"-?[0-9./]+", canonical(remark["number"]))):
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
