"""A free reader of word problems: an answer that cannot be one is refuted, whatever led to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from verifier_agent.values import Candidate, Task, Verdict

_NUMBER = re.compile(r"(?P<sign>-?)(?P<whole>\d*)(?:\.(?P<decimals>\d+))?(?P<over>/\d+)?")
_SENTENCE = re.compile(r"(?<=[.?!])\s+")
_ASKS = re.compile(r"\b(?:how (?:many|much|old|long|far|fast)|number of|what)\b")
_COUNTS = re.compile(
    r"\b(?:how many|number of)(?: of)?(?: (?:more|fewer|less|total|full|additional|extra|different"
    r"|whole|new|other|the|his|her|their|these|those))* (?P<what>[\w-]+)"
)
_AGES = re.compile(r"\bhow old\b|\bages?\b")
_PERCENT = re.compile(r"\bwhat percent(?:age)?\b")
_MEASURES = re.compile(
    r"(?:hour|minute|second|day|week|month|year|decade|mile|kilometer|km|met(?:er|re)|foot|feet|inch"
    r"|inche|yard|centimeter|cm|mm|acre|pound|lb|ounce|oz|gram|kilogram|kg|ton|tonne|gallon|quart"
    r"|pint|cup|lit(?:er|re)|milliliter|ml|(?:table|tea)?spoon(?:ful)?|calorie|degree|percent"
    r"|percentage|point|time|dollar|cent|euro|square|cubic|gigabyte|gb|megabyte|mb|unit|serving)s?"
)
"""What can be had in parts; anything else that is counted comes whole."""
_BELOW_ZERO = re.compile(
    r"\b(?:temperatures?|degrees?|below|altitude|elevation|balance|profit|loss|debt|net|change"
    r"|negative|integers?|coordinates?|slope)\b"
)
_NO_WORD_PROBLEM = re.compile(
    r"=|(?<![\w)])[-\u2212]\d|\bwhat is [-(\d]"
    r"|\b(?:value of|equation|expression|solve|evaluate|intercept|roots?|function"
    r"|polynomial|determinant|derivative|integral|vector)\b"
)
"""A question of mathematics itself, where anything may be below zero."""
_RATE = re.compile(r"\b(?:average|mean|expected|per|probability|chance)\b")
"""What is shared out in the mind only: 2.5 apples a day."""
_INEXACT = re.compile(
    r"\b(?:round(?:ed|ing)?|approximate(?:ly)?|nearest|decimals?|pi|average|mean|probability|chance)\b"
)
_FINEST = 2
"""Decimals of what comes out even in a word problem: of money, and of measured things."""


class Plausible:
    """Refute answers to word problems that cannot be right, from question and answer alone.

    Its rules, for a question in English that asks for one number:

    - below zero, unless the question speaks of what can be (temperatures, losses, integers), or is
      one of mathematics itself (an equation, a negative number);
    - a part of something that comes whole: people, cakes, years of age; unless it is an average or
      so many per something;
    - more than two decimals, where nothing asks to round: it does not come out even;
    - a percentage below 1 that is written as a share.

    Such an answer scores 0.0 and loses its vote, with `feedback` that says why. It is not `hard`:
    these are rules of how such problems are made, and no proof; where all answers break them, all
    vote again. Any other answer gets 1.0, and `evidence["refutes"]` says that this means nothing:
    another verifier's score counts as if it stood alone. Answers that are no single number, and
    questions that ask for none, are not judged. It costs nothing.
    """

    name = "plausible"
    hard = False
    refutes = True
    relational = False
    per_candidate = False

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Read each candidate's answer."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Read each candidate's answer."""
        question = task.question.casefold()
        return [self._verdict(question, candidate) for candidate in candidates]

    def _verdict(self, question: str, candidate: Candidate) -> Verdict:
        objection = objection_to(candidate.answer, question) if candidate.done else None
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=1.0 if objection is None else 0.0,
            feedback=objection or "",
            evidence={"refutes": True},
        )


def objection_to(answer: str | None, question: str) -> str | None:
    """Say why `answer` cannot be the one to `question`, in lower case; None if it may be."""
    number = None if answer is None else _NUMBER.fullmatch(answer)
    asked = _asked(question)
    if number is None or asked is None:
        return None
    decimals = len(number["decimals"] or "")
    below = _BELOW_ZERO.search(question) or _NO_WORD_PROBLEM.search(question)
    if number["sign"] and not below:
        return f"{answer} is below zero, which this cannot be."
    if not decimals and not number["over"]:
        return None
    if decimals > _FINEST and not _INEXACT.search(question):
        return f"{answer} does not come out even."
    whole = not _RATE.search(asked)
    counted = _COUNTS.search(asked)
    if counted and whole and not _MEASURES.fullmatch(counted["what"]):
        return f"{answer} is no whole number of {counted['what']}."
    if whole and _AGES.search(asked):
        return f"{answer} is no whole number of years."
    if _PERCENT.search(asked) and not number["over"] and float(number[0]) < 1:
        return f"{answer} is a share, and a percentage was asked for."
    return None


def _asked(question: str) -> str | None:
    """Return the last sentence that asks for a number; None if none does."""
    asking = [part for part in _SENTENCE.split(question) if _ASKS.search(part)]
    precise = [part for part in asking if "how m" in part]
    return (precise or asking or [None])[-1]
