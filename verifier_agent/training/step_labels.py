"""Which parts of which lines of a solution are right: exact, and local.

Every line is judged against the question and against what stands in earlier lines, right or not,
so that lines after an error are labelled too. For training, tests and scoring; no model or verifier
asks it anything at inference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FIRST = re.compile(r"(\w+) has (\d+) \w+\.")
_RELATION = re.compile(
    r"(?P<person>\w+) has (?:(?P<half>half) as many|(?P<times>\d+) times as many|"
    r"(?P<more>\d+) more|(?P<fewer>\d+) fewer) \w+ (?:as|than) (?P<before>\w+)\."
)
_ASKED = re.compile(r"How many \w+ does (\w+) have\?")
_SUM = re.compile(r"(\d+) ([-+*/]) (\d+)")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line: what stands up to the next "=" or to the line's end."""

    text: str
    expected: str | None
    """What should stand there; None where nothing could be right."""

    @property
    def right(self) -> bool:
        """Whether it is what it should be."""
        return self.text == self.expected


@dataclass(frozen=True, slots=True)
class Line:
    """A labelled line."""

    parts: tuple[Part, ...]
    complete: bool
    """Whether it has as many parts as it should, at its place."""

    @property
    def right(self) -> bool:
        """Whether all of it is right."""
        return self.complete and all(part.right for part in self.parts)


class Story:
    """A question of the family, read back from its text."""

    def __init__(self, question: str) -> None:
        first, asked = _FIRST.match(question), _ASKED.search(question)
        if first is None or asked is None:
            raise ValueError(f"not a question of the family: {question!r}")
        self.asked = asked.group(1)
        self.stated = {first.group(1): first.group(2)}
        """Who has how many, as far as it was said: by the question, then by lines."""
        self.before: dict[str, str] = {}
        self.expressions: dict[str, str] = {}
        for match in _RELATION.finditer(question):
            person, before = match["person"], match["before"]
            self.before[person] = before
            if match["times"]:
                self.expressions[person] = f"{match['times']} * {before}"
            elif match["half"]:
                self.expressions[person] = f"{before} / 2"
            else:
                sign = "+" if match["more"] else "-"
                self.expressions[person] = f"{before} {sign} {match['more'] or match['fewer']}"

    def label(self, text: str) -> list[Part]:
        """Label a line that is no answer, and remember what it states."""
        person, *rest = _split(text)
        fits = self.before.get(person) in self.stated and person not in self.stated
        parts = [Part(person, person if fits else None)]
        if rest:
            parts.append(Part(rest[0], self.expressions.get(person)))
        if len(rest) > 1:
            parts.append(Part(rest[1], self._substituted(rest[0])))
        if len(rest) > 2:
            parts.append(Part(rest[2], _value(rest[1])))
        parts += [Part(extra, None) for extra in rest[3:]]
        if rest and rest[-1].isdigit():
            self.stated[person] = rest[-1]
        return parts

    def _substituted(self, expression: str) -> str | None:
        words = expression.split(" ")
        if len(words) != 3:
            return None
        words = [self.stated.get(w, w if w.isdigit() or w in "+-*/" else "") for w in words]
        return " ".join(words) if all(words) else None


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split("=")]


def _value(expression: str) -> str | None:
    match = _SUM.fullmatch(expression)
    if match is None:
        return None
    a, sign, b = int(match[1]), match[2], int(match[3])
    if sign == "/":
        return str(a // b) if b and a % b == 0 else None
    value = a + b if sign == "+" else a - b if sign == "-" else a * b
    return str(value) if value >= 0 else None


def label(question: str, solution: str, ended: bool = True) -> list[Line]:
    """Label each non-blank line of a solution, or of a partial one (`ended=False`).

    Raises ValueError for a question that is not of the family.
    """
    story = Story(question)
    texts = [text for text in solution.split("\n") if text.strip()]
    lines: list[Line] = []
    answered = False
    for number, text in enumerate(texts):
        last = ended and number == len(texts) - 1
        if text.startswith("Answer"):
            known = story.stated.get(story.asked)
            first, *rest = _split(text)
            part = Part(first, None if known is None or answered else f"Answer: {known}")
            extra = tuple(Part(other, None) for other in rest)
            lines.append(Line((part, *extra), complete=last or not ended))
            answered = True
        else:
            parts = story.label(text)
            lines.append(Line(tuple(parts), len(parts) == 4 and not last and not answered))
    return lines
