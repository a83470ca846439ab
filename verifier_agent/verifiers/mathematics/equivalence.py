"""Mathematical equivalence with a reference answer: true, false or unknown, and never a hang."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

from verifier_agent.answers import canonical, stated_answer
from verifier_agent.answers.numerals import read_number, write_number
from verifier_agent.errors import ConfigurationError, MissingExtra, VerifierUnavailable
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.mathematics.expressions import singular
from verifier_agent.verifiers.mathematics.notation import (
    doubt_of,
    in_order,
    misread,
    tidy,
    without_units,
)
from verifier_agent.verifiers.mathematics.words import (
    CONVERSIONS,
    MEASURES,
    MULTIPLIERS,
    OPERATIONS,
)
from verifier_agent.verifiers.workers.pool import Workers

LONGEST = 2_000
"""Characters of an answer; a longer one is not compared."""
_WRAPPED = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}")
_WORDS = re.compile(r"(?:[^\W\d_]{2,}|a(?= ))(?:[ '\u2019-]+[^\W\d_]+)*[.]?")
_OPPOSITES = ({"yes", "no"}, {"true", "false"}, {"even", "odd"})
"""Words of which one refutes the other; any others may be two names of one thing."""
_COMPUTING = OPERATIONS - MEASURES - {"cube", "square", "round"}
_MULTIPLYING = MULTIPLIERS - {"degree", "percentage", "point"}
"""Words (the second singular) that make another number of the one before them."""
_MEASURED = re.compile(
    r"(?P<number>[^a-z\\]*\d)(?: (?P<words>(?!(?:and|or)\b)[a-z](?:[a-z '/^-]|(?<=[a-z^])[23])*)|)"
)
_PERCENT = re.compile(r"%|\bper ?cent\b")
_BASED = re.compile(r"(?P<digits>[0-9a-z]+)_(?P<base>\d{1,2}|\{\d{1,2}\})")


class Equivalence:
    """Says of two answers whether they are the same mathematics, by math-verify (extra `math`).

    An instance is a function of two texts, in LaTeX or plain, and may be called from any thread:
    `Equivalence()("1/2", r"\\frac{2}{4}")` is True. None means that nobody knows: one of them is no
    mathematics, or comparing takes longer than `seconds`. The first is the reference: "x = 5" is
    an answer where 5 is expected.

    What is decided by the answer keys (`answers.canonical`) takes no time; the rest is compared in
    worker processes, of which the first takes seconds to start.
    """

    def __init__(self, *, seconds: float = 5.0, workers: int | None = None) -> None:
        if not 0 < seconds < 3600:
            raise ConfigurationError(f"seconds={seconds!r}: a number above 0 is needed")
        if importlib.util.find_spec("math_verify") is None:
            raise MissingExtra("mathematical equivalence", "math")
        self.seconds = seconds
        self.workers = Workers("math", most=workers)

    def __call__(self, reference: str, answer: str) -> bool | None:
        """Compare. Raises VerifierUnavailable if no worker can be started."""
        return self.explained(reference, answer)[0]

    def explained(self, reference: str, answer: str) -> tuple[bool | None, str]:
        """Compare; also return why nobody knows, or an empty text."""
        if max(len(reference), len(answer)) > LONGEST:
            return None, f"an answer of more than {LONGEST} characters is not compared"
        gold, given = tidy(reference), tidy(answer)
        quick = _by_key(gold, given)
        if quick is not None:
            return quick
        if why := misread(gold, given):
            return None, why
        gold, given = _numbers_alone(gold, given)
        asked = in_order(*without_units(gold, given))
        said = self.workers.ask(dict(zip(("gold", "answer"), asked, strict=True)), self.seconds)
        equal: bool | None = said.get("equal")
        doubt = "" if equal is None else doubt_of(gold, given, equal=equal)
        return (None, doubt) if doubt else (equal, str(said.get("unknown", "")))


def _by_key(reference: str, answer: str) -> tuple[bool | None, str] | None:
    """Return what needs no algebra: equal keys, whole numbers, bases, words; None for the rest."""
    expected, given = canonical(reference), canonical(answer)
    if not expected or not given:
        return None, "one of them is empty"
    if expected == given:
        return True, ""
    if any(_BASED.fullmatch(key) for key in (expected, given)):
        return _by_base(expected, given)
    right, told = _measured(expected), _measured(given)
    if right and told:
        share, other = (told[0], right[0]) if _PERCENT.search(answer) else (right[0], told[0])
        if share == 100 * other and any(map(_PERCENT.search, (reference, answer))):
            return True, ""
        known = _by_unit(right, told, answer if told[1] else reference)
        if known is not None:
            return known
    if {expected, given} in _OPPOSITES:
        return False, ""
    if all(_is_words(text) for text in (reference, answer)):
        return None, "both are words, which may mean the same"
    if any(_is_words(text) for text in (reference, answer)):
        return None, "one of them is words, the other is not"
    return None


def _by_unit(
    right: tuple[Fraction, str], told: tuple[Fraction, str], written: str
) -> tuple[bool | None, str] | None:
    """Compare numbers with units or none; `written` is one with a unit, as it stands."""
    words = right[1] or told[1]
    first = words.partition(" ")[0]
    if right[1] != told[1]:
        if right[1] and told[1]:
            return None, f"they have different units, {right[1]!r} and {told[1]!r}"
        computes = first in _COMPUTING and words != "times"
        if computes or singular(first) in _MULTIPLYING:
            return None, f"only one of them says {words!r}, which may change the number"
        if _may_be_variable(words, written):
            return None
    if right[0] == told[0]:
        return True, ""
    if right[1] != told[1] and (len(first) == 1 or singular(first) in MEASURES):
        small, large = sorted((abs(right[0]), abs(told[0])))
        if small and large / small in CONVERSIONS:
            return None, f"only one of them says {words!r}, and the other may count in another unit"
    if right[0].denominator == told[0].denominator == 1:
        return False, ""
    return None


def _may_be_variable(words: str, written: str) -> bool:
    """Return True for one letter beside a number, unless it stands for a word."""
    return len(words) == 1 and not re.search(r"[^\W\d_]{3}", written)


def _numbers_alone(reference: str, answer: str) -> tuple[str, str]:
    """Return numbers alone, where words beside them change neither."""
    right, told = (_measured(canonical(text)) for text in (reference, answer))
    shares = any(map(_PERCENT.search, (reference, answer)))
    if right is None or told is None or shares:
        return reference, answer
    written = answer if told[1] else reference
    if right[1] != told[1] and _may_be_variable(right[1] or told[1], written):
        return reference, answer
    return write_number(right[0]), write_number(told[0])


def _measured(key: str) -> tuple[Fraction, str] | None:
    """Return a number and the words behind it, which are its unit or say what is counted."""
    found = _MEASURED.fullmatch(key)
    value = read_number(found["number"]) if found else None
    return None if found is None or value is None else (value, found["words"] or "")


def _by_base(expected: str, given: str) -> tuple[bool | None, str]:
    """Compare numbers of which one states its base, as in 101_2."""
    right, told = _BASED.fullmatch(expected), _BASED.fullmatch(given)
    if right and told:
        try:
            values = [int(n["digits"], int(n["base"].strip("{}"))) for n in (right, told)]
        except ValueError:
            return None, "a number has digits that its base has not"
        return values[0] == values[1], ""
    if right and right["digits"] == given:
        return True, ""  # the base was asked for, and need not be said again
    return None, "only one of them states a base"


def _is_words(text: str) -> bool:
    """Read as mathematics, "no" and "on" would be the same product of two variables."""
    plain = _WRAPPED.sub(r"\1", text).strip(" $*`")
    return "\\" not in plain and _WORDS.fullmatch(plain) is not None


class MathEquivalence:
    """Compare a candidate's answer with `task.context["reference"]`, as mathematics. `hard`.

    score: 1.0 if they are the same by value or algebra ("1/2", "0.5" and "\\frac{2}{4}"; "x = 5"
    for 5), 0.0 if not. No score, and an error, where that is not known: one of them is no
    mathematics, or may mean something else than it would as mathematics (a date, a range, a time,
    words in it), one alone has a unit or a word that may make another number of it ("2 dozen"), one
    may be a rounding of the other, or comparing them takes too long; and where a text states no
    answer. The feedback says that the answer is wrong, and not what would be right.

    Args:
        seconds: For one comparison; then the worker is ended, and the score missing.
        workers: Processes that compare at a time; None: one per processor, at most 4.
        name: The verifier's name in the record.
    """

    hard = True
    relational = False
    per_candidate = False

    def __init__(
        self, *, seconds: float = 5.0, workers: int | None = None, name: str = "math"
    ) -> None:
        self.equivalence = Equivalence(seconds=seconds, workers=workers)
        self.name = name

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Compare each candidate's answer, in threads."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Compare each candidate's answer."""
        given = task.context.get("reference")
        if given is None or isinstance(given, bool) or not isinstance(given, str | int | float):
            error = f"context['reference'] is {given!r}: a text or a number is needed"
            return [self._unknown(c, error) for c in candidates]
        reference = stated_answer(str(given)) or str(given)
        answers = [stated_answer(c.text) or c.answer for c in candidates]
        unique = list(dict.fromkeys(a for a in answers if a is not None))
        with ThreadPoolExecutor(self.equivalence.workers.most) as threads:
            compared = functools.partial(self._compared, reference)
            known = dict(zip(unique, threads.map(compared, unique), strict=True))
        return [
            self._unknown(c, "the text states no answer")
            if answer is None
            else self._verdict(c, answer, *known[answer])
            for c, answer in zip(candidates, answers, strict=True)
        ]

    def _compared(self, reference: str, answer: str) -> tuple[bool | None, str]:
        try:
            return self.equivalence.explained(reference, answer)
        except VerifierUnavailable as error:
            return None, str(error)

    def _verdict(self, candidate: Candidate, answer: str, equal: bool | None, why: str) -> Verdict:
        if equal is None:
            return self._unknown(candidate, f"not known to be equal to the reference: {why}")
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=float(equal),
            feedback="" if equal else f"The answer {answer!r} is wrong.",
            evidence={"answer": answer, "equal": equal},
            hard=True,
        )

    def _unknown(self, candidate: Candidate, error: str) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, error=error)
