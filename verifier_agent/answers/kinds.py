"""Keys for tasks whose answers are all of one kind: a number, one of a few choices."""

from __future__ import annotations

import re
from dataclasses import dataclass

from verifier_agent.answers.canonical import canonical
from verifier_agent.answers.numerals import read_number, write_number
from verifier_agent.answers.stated import answer_key
from verifier_agent.errors import ConfigurationError

_NUMBER = re.compile(
    r"(?<![\w.,])[-+\u2212]?[$€£¥]?"
    r"(?:\\frac\{\d++\}\{\d++\}|\d++(?:[.,'_\u2019/]\d++)*+(?:e[-+]?\d++)?+)(?![\d/])",
    re.ASCII,
)


def number_key(text: str) -> str | None:
    """Return the number that `text` answers with, units left out; None if there is no number.

    The last one in the stated answer ("x = 5 cm" is 5); where none is stated, the last one of all.
    """
    stated = answer_key(text)
    for where in (stated, text) if stated else (text,):
        value = read_number(where)
        if value is not None:
            return write_number(value)
        for found in reversed(_NUMBER.findall(where)):
            value = read_number(re.sub("[$€£¥]", "", found.replace("\u2212", "-")))
            if value is not None:
                return write_number(value)
    return None


@dataclass(frozen=True, slots=True)
class ChoiceKey:
    """A key for questions with choices: `answer=ChoiceKey("ABCD")`.

    Calling it returns the letter, in lower case, that a text answers with, or None: from the stated
    answer, or where nothing is stated, the last of "(B)", "option B", and a line that is or begins
    with one letter as in "B" or "B) …".
    """

    letters: str = "ABCD"

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Za-z]+", self.letters):
            raise ConfigurationError(f"letters={self.letters!r}: give letters, such as 'ABCD'")

    def __call__(self, text: str) -> str | None:
        """Return the letter that `text` answers with, or None."""
        letter = f"[{self.letters.upper()}]"
        low = f"[{self.letters}{self.letters.swapcase()}]"
        stated = answer_key(text)
        if stated is not None:
            found = re.match(rf"[(\[]?({low})(?:[)\].:,]|$| [-\u2013\u2014] )", stated)
            return canonical(found[1]) if found else None
        said = re.findall(
            rf"\(({letter})\)|\b[Oo]ption ({letter})\b|^[^\w\n]*+({letter})(?:[).:]|[^\w\n]*$)",
            text,
            re.MULTILINE,
        )
        return canonical("".join(said[-1])) if said else None
