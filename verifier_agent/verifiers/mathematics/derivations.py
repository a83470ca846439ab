"""Finds the equations with variables in a text, and which of them is said to follow from which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from verifier_agent.verifiers.mathematics.equations import POINTED
from verifier_agent.verifiers.mathematics.words import (
    DERIVING,
    DOUBTFUL_AFTER,
    DOUBTFUL_BEFORE,
    MEASURES,
    MULTIPLIERS,
    ROUNDING,
    TAKEN_BACK,
)

LONGEST_LINE = 500
"""Characters; a longer line is prose, or hostile."""
MOST = 100
"""Equations that are read of a text."""
_MATH = re.compile(
    r"\\frac(?![a-z])|\d[\d,]*(?:\.\d+)?(?!\w*[A-Za-z]{2})|(?<![A-Za-z\\])[A-Za-z](?:_\w(?!\w))?(?![A-Za-z'])"
    r"|[-+*/^(){}=]"
)
_ARROW = re.compile(r"(?:\\Rightarrow|\\implies|\\Longrightarrow|\\to|\\rightarrow|[=-]+>|[⇒→⟹])")
_WORDS = re.compile(r"[A-Za-z']{2,}")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_FILLERS = (
    (re.compile(r"\\[dt]frac"), r"\\frac"),
    (re.compile(r"\\(?:cdot|times)(?![a-z])|[×·⋅∙]"), "*"),
    (re.compile(r"\\div(?![a-z])|÷"), "/"),
    (re.compile(r"[−–]"), "-"),
    (
        re.compile(r"\\(?:left|right|,|;|!|quad|qquad|displaystyle)(?![a-z])|\\[\[\]()]|\$|\*\*|&"),
        " ",
    ),
    (re.compile(r"\\\\\s*$"), " "),
)
_LABEL = re.compile(r"^\s*(?:[-*•>#]+\s+)*(?:step\s+\d+\s*[:.)]|\d+[.)](?=\s))?\s*", re.IGNORECASE)
_APPLIED = re.compile(r"[fghFGHP]\s*\(|[A-Za-z]\s*\(\s*-?\s*(?:[A-Za-z]|\d+(?:\.\d+)?)\s*\)")
"""A function of something: f(x), P(3)."""
_OTHERWISE = re.compile(
    r"(?i)\b(?:or|if|case|suppose|let|assume|another|other|second|instead|check|try|guess|unless|either"
    r"|no solutions?|no real|undefined|contradict\w*|inconsistent|parallel|set|substitut\w*|plug\w*"
    r"|where|define\w*|denote|represent\w*|question|problem|given|system)\b|[≠≈<>≤≥±?]|\\(?:pm|approx|neq|le|ge)"
)
"""A line with such a word may show an equation that follows from nothing before it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An equation with variables, as it stands in a text."""

    line: int
    text: str
    left: str
    right: str
    plain: bool
    """Only words of a derivation are around it."""
    ends: bool
    """It ends its line."""
    joined: bool
    """An arrow or a chain of equations leads to it from the one before, in its line."""

    @property
    def solved(self) -> bool:
        """True for "x = 3"."""
        return re.fullmatch(r"[A-Za-z](?:_\w)?", self.left) is not None and not re.search(
            "[A-Za-z]", self.right
        )


@dataclass(frozen=True, slots=True)
class Pair:
    """An equation, and the one that it is said to follow from, if any."""

    after: Shown
    before: Shown | None
    strict: bool
    """True if "does not follow" is a fault; else only what follows is known."""


def shown_equations(lines: Sequence[str], *, careful: bool = True) -> list[Shown]:
    """Return the equations with variables, in order; it never raises.

    Careful: without those that the words beside them may change.
    """
    found: list[Shown] = []
    for number, line in enumerate(lines):
        if len(line) <= LONGEST_LINE and "=" in line and len(found) < MOST:
            found += _of_line(number, line, careful)
    return found[:MOST]


def pairs_of(lines: Sequence[str]) -> list[Pair]:
    """Return each equation with the one before it, where that is in its line or the one above."""
    shown = shown_equations(lines)
    pairs = []
    for number, after in enumerate(shown):
        before = shown[number - 1] if number else None
        near = before is not None and after.line - before.line <= 1
        if not near or before is None:
            pairs.append(Pair(after, None, strict=False))
            continue
        derived = after.joined or (
            after.line == before.line + 1 and before.ends and after.plain and not before.solved
        )
        sure = before.plain and after.plain and derived
        pairs.append(Pair(after, before, strict=sure))
    return pairs


def _of_line(number: int, line: str, careful: bool) -> list[Shown]:
    text = _LABEL.sub("", line)
    for pattern, by in _FILLERS:
        text = pattern.sub(by, text)
    text = _THOUSANDS.sub("", text)
    doubtful = any(re.search(one, line) for one in (_OTHERWISE, TAKEN_BACK, ROUNDING, POINTED))
    plain = not doubtful and all(
        word.lower() in DERIVING for word in _WORDS.findall(re.sub(r"\\[a-z]+", " ", text))
    )
    found: list[Shown] = []
    parts = _ARROW.split(text)
    for place, part in enumerate(parts):
        for run, alone in _runs(part, careful):
            sides = [side.strip() for side in run.split("=")]
            if not all(sides):
                continue
            for at, (left, right) in enumerate(pairwise(sides)):
                if _has_variable(left + " " + right):
                    joined = bool(found) and (at > 0 or place > 0)
                    last = alone and place == len(parts) - 1 and at == len(sides) - 2
                    # a chain a = b = c says a = b and b = c, neither of which follows
                    found.append(
                        Shown(
                            line=number,
                            text=f"{left} = {right}",
                            left=left,
                            right=right,
                            plain=plain,
                            ends=last,
                            joined=joined and at == 0,
                        )
                    )
    return found


def _runs(text: str, careful: bool) -> list[tuple[str, bool]]:
    """Return the stretches of mathematics with a sign of equality; and whether each ends `text`."""
    found: list[tuple[str, bool]] = []
    start = end = None
    for token in (*_MATH.finditer(text), None):
        if token is not None and (end is None or not text[end : token.start()].strip()):
            start, end = token.start() if start is None else start, token.end()
            continue
        if start is not None and end is not None and "=" in text[start:end]:
            before, after = text[:start].rstrip(), text[end:].lstrip()
            if text[start] not in "+*/^)}" and (not careful or _is_whole(before, after)):
                found.append((text[start:end], not after.strip(" .:;,!")))
        if token is not None:
            start, end = token.start(), token.end()
    return found


def _has_variable(text: str) -> bool:
    """Return True if a letter stands for a number, and none for a function."""
    plain = text.replace("\\frac", "")
    return re.search("[A-Za-z]", plain) is not None and not _APPLIED.search(plain)


def _is_whole(before: str, after: str) -> bool:
    """Return True if neither what stands before nor what stands after changes the equation."""
    previous = re.search(r"(\\?[A-Za-z']{2,})$", before)
    if previous is not None:
        word = previous[1].lower()
        if word.startswith("\\") or word in DOUBTFUL_BEFORE - {"and"}:
            return False
    if before and previous is None and before[-1] not in ".:;,!?)":
        return False
    following = re.match(r"[A-Za-z']{2,}", after)
    if following is not None:
        word = following[0].lower()
        return word not in DOUBTFUL_AFTER | MULTIPLIERS | MEASURES and word.rstrip("s") not in (
            MULTIPLIERS | MEASURES
        )
    return not after or after[0] in ".:;,!?)"
