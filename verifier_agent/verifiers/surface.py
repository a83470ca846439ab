"""What can be read off an answer without a model: its words, and how it handles numbers. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal
from zlib import crc32

from verifier_agent.answers import answer_key
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers.mathematics.steps import ArithmeticSteps, steps_of

BUCKETS = 1 << 14
"""Places that words are hashed to (Weinberger et al. 2009)."""
VERSION: Literal[1] = 1
"""Of what is read; weights of another version mean nothing here."""
_WORDS = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[^\w\s]")
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_ARITHMETIC = ArithmeticSteps()

MEASURES = (
    "one",
    "equations read",
    "share of steps whose equations hold",
    "a false equation",
    "steps",
    "characters",
    "numbers of the question that are used",
    "numbers that come from nowhere",
    "last number is a result",
    "states an answer",
    "repeats a step",
    "complete",
)
"""What the first features are; those after them are hashed words."""

Features = dict[int, float]
"""By place, without zeros."""


def features(task: Task, candidates: Sequence[Candidate]) -> list[Features]:
    """Return the features of each answer to a question: measures first, then hashed words."""
    arithmetic = _ARITHMETIC.verify_sync(task, candidates)
    asked = Counter(_NUMBERS.findall(task.question.replace(",", "")))
    words = _words(task.question)
    found = []
    for candidate, checked in zip(candidates, arithmetic, strict=True):
        measured = _measures(candidate, asked, checked.steps, bool(checked.evidence.get("false")))
        places = {at: value for at, value in enumerate(measured) if value}
        found.append(places | _hashed(candidate.text, words))
    return found


def _measures(
    candidate: Candidate, asked: Counter[str], checked: Sequence[float | None], false: bool
) -> Sequence[float]:
    steps = steps_of(candidate.text)
    read = [score for score in checked if score is not None]
    numbers = _NUMBERS.findall(candidate.text.replace(",", ""))
    own = [n for n in numbers if n not in asked]
    results = {found.group(1) for found in re.finditer(r"=\s*\$?(\d+(?:\.\d+)?)", candidate.text)}
    stray = sum(n not in results for n in own)
    answer = answer_key(candidate.text)
    return (
        1.0,
        float(bool(read)),
        sum(read) / len(read) if read else 0.0,
        float(false),
        math.log1p(len(steps)) / 3,
        math.log1p(len(candidate.text)) / 6,
        sum(n in numbers for n in asked) / len(asked) if asked else 0.0,
        math.log1p(stray),
        float(bool(numbers) and numbers[-1] in results),
        float(answer is not None),
        float(len(set(steps)) < len(steps)),
        float(candidate.done),
    )


def _hashed(text: str, asked: frozenset[str]) -> Features:
    """Return words, pairs and triples at their hashed places, with a weight of 1 together."""
    counts: Counter[int] = Counter()
    for line in steps_of(text):
        words = [_shape(word, asked) for word in _WORDS.findall(line)]
        for gram in (*words, *(f"{a} {b}" for a, b in pairwise(words)), *_triples(words)):
            counts[len(MEASURES) + crc32(gram.encode("utf-8", "replace")) % BUCKETS] += 1
    # a word said ten times is not ten words
    damped = {at: math.log1p(n) for at, n in counts.items()}
    size = math.sqrt(sum(value * value for value in damped.values())) or 1.0
    return {at: value / size for at, value in damped.items()}


def _triples(words: Sequence[str]) -> Iterable[str]:
    return (" ".join(words[at : at + 3]) for at in range(len(words) - 2))


def _shape(word: str, asked: frozenset[str]) -> str:
    """Return a word as it counts: a number by its length, and by whether the question has it."""
    if word[0].isdigit():
        return f"{'asked' if word in asked else 'new'}{min(len(word), 4)}"
    low = word.lower()
    return f"{low}?" if low in asked else low


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORDS.findall(text))
