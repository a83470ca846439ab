r"""One way to write an answer, so that equal answers are equal text.

- JSON: keys sorted, numbers by value.
- Markup (bold, code, `$…$`, `\text{…}`, `\,`, `\left`), capitals, extra spaces and a full stop go.
- Numbers by value: 1,234.50 and 1 234,5 are 1234.5; 2/4, \frac{1}{2} and ½ are 0.5; 1/3 stays.
- Signs of money, percent and degrees go: $12, 12 % and 12 are one answer.
- Other units stay, in one spelling: 5cm and 5 centimeters are "5 cm", and are not 5.
- Choices: (B), option B and "B) Paris" are "b".
- Lists: "1,2,3" is "1, 2, 3", each number by value; a single comma between digits belongs to one
  number, as in 3,5.
"""

from __future__ import annotations

import re
import unicodedata

from verifier_agent.answers.numerals import read_number, write_number
from verifier_agent.answers.structured import read_json
from verifier_agent.answers.units import LEFT_OUT, MONEY, unit

_MARKUP = re.compile(
    r"^\\[(\[]|\\[)\]]$|(?<!\\)\\[,;! ]|\\([$%])|\\(?:text|mathrm|mathbf|textbf|mbox)\{([^{}]*+)\}"
    r"|\\(?:left|right)(?![a-z])|\{(,)\}"
)
_CHOICE = re.compile(
    r"(?:option|choice) \(?(?P<named>[a-z])\)?+"
    r"|\((?P<boxed>[a-z])\)"
    r"|(?P<half>[a-j])\)"
    r"|\(?(?P<told>[a-j])\) (?!and\b|or\b)(?!.*\([a-z]\))[\w\"'$].*"
)
_SIGNED = re.compile(rf"(?P<sign>[-+]?) ?(?:[{MONEY}] ?(?P<inner>[-+]?))?+ ?(?P<rest>.*)")
_MEASURED = re.compile(
    r"(?P<number>(?:[^a-z\\]|\\[dtc]?frac)*[\d}\u00bc-\u00be\u2150-\u215e])(?P<space> ?)"
    rf"(?P<unit>[a-z\u00b5][a-z./ -]*(?:\^\{{?[23]\}}?|[\u00b2\u00b3])?|[{MONEY}])"
)
_OPEN = ("(", "[")
_COMMAS = re.compile(r"(?P<inside>(?<=\d),(?=\d))|[ ,]*,[ ,]*")
"""`inside` may be part of a number."""
_LONGEST = 1000
"""Characters; a longer answer is compared as it is, its markup is not looked at."""


def canonical(answer: str) -> str:
    """Return the one way to write `answer`. Doing it twice changes nothing more."""
    structured = read_json(answer.strip("` \n"))
    if structured is not None:
        return structured
    answer = _plain_characters(answer)
    if len(answer) > _LONGEST:
        return answer
    for _ in range(_LONGEST):
        before, answer = answer, _simplified(answer)
        if answer == before:
            break  # else what was removed can have brought further markup to the end
    return answer


def _plain_characters(answer: str) -> str:
    """Return `answer` in lower case, with single spaces, ASCII digits and ASCII minus signs."""
    folded = " ".join(answer.casefold().split()).replace("\N{MINUS SIGN}", "-")
    return re.sub(r"[^\D0-9]", lambda digit: str(unicodedata.decimal(digit[0])), folded)


def _simplified(answer: str) -> str:
    structured = read_json(answer)
    if structured is not None:
        return structured
    answer = answer.strip("*_`$ ").rstrip("*_`$. ")
    answer = _MARKUP.sub(lambda found: found[1] or found[2] or found[3] or "", answer)
    answer = " ".join(answer.split())
    choice = _CHOICE.fullmatch(answer)
    if choice:
        return next(letter for letter in choice.groups() if letter)
    return _measured(answer) or _listed(answer)


def _measured(answer: str) -> str | None:
    """Return a number, with its unit if it has one; None if `answer` is something else."""
    found = _SIGNED.fullmatch(answer)
    if found is None or (found["sign"] and found["inner"]):
        return None
    sign, rest = found["sign"] or found["inner"] or "", found["rest"]
    if rest[:1] in ("-", "+"):
        return None
    value = read_number(sign + LEFT_OUT.sub("", rest).strip())
    if value is not None:
        return write_number(value)
    measured = _MEASURED.fullmatch(rest)
    if measured is None or (value := read_number(sign + measured["number"])) is None:
        return None
    name = unit(measured["unit"], beside=not measured["space"])
    return None if name is None else f"{write_number(value)} {name}".rstrip()


def _listed(answer: str) -> str:
    """Return a list with a space behind each comma; by value, if it holds numbers only."""
    start, end = ("", "") if answer[:1] not in _OPEN else (answer[:1], answer[-1:])
    parts = re.split(" ?, ?", answer[len(start) : len(answer) - len(end)])
    values = [read_number(part) for part in parts]
    if None not in values and len(values) > 1:
        return start + ", ".join(write_number(value) for value in values if value is not None) + end
    return _COMMAS.sub(lambda found: found["inside"] or ", ", answer).strip()
