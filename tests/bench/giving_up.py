"""Whether failures tell how many more will follow: wrong answers to the game of 24."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.bench.blind import name_of
from tests.bench.documents import write_section
from verifier_agent.evaluation.recordings.pools import Question, read_pool

RESAMPLES = 2000
Feature = Callable[[Question, Sequence[Any]], float]


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+", text))


FEATURES: dict[str, Feature] = {
    "share of distinct answers": lambda q, wrong: len({s.answer for s in wrong}) / len(wrong),
    "share of the commonest answer": lambda q, wrong: (
        Counter(s.answer for s in wrong).most_common(1)[0][1] / len(wrong)
    ),
    "share that uses the numbers": lambda q, wrong: np.mean(
        [numbers(s.answer or "") == numbers(q.question) for s in wrong]
    ),
    "length of the text": lambda q, wrong: np.mean([len(s.text) for s in wrong]),
    "largest number": lambda q, wrong: max(map(int, numbers(q.question))),
    "different numbers": lambda q, wrong: len(set(numbers(q.question))),
}
"""What can be seen of a question and its wrong answers."""


def giving_up(*pools: str) -> None:
    """Correlate features of the wrong answers with how often the others are right."""
    lines = [
        "| pool | feature of what failed | rank correlation with being solved |",
        "|---|---|---|",
    ]
    for pool in pools:
        questions = list(read_pool(pool))
        solved = ranks([np.mean([s.correct or 0 for s in q.samples]) for q in questions])
        for name, feature in FEATURES.items():
            seen = ranks([float(feature(q, failed(q))) for q in questions])
            low, high = bounds(seen, solved)
            found = f"{np.corrcoef(seen, solved)[0, 1]:+.2f} [{low:+.2f}, {high:+.2f}]"
            lines.append(f"| {name_of(pool)} | {name} | {found} |")
    text = "\n".join(lines)
    write_section("giving up", text)
    sys.stdout.write(text + "\n")


def failed(question: Question) -> list[Any]:
    return [s for s in question.samples if not s.correct]


def ranks(values: Sequence[float]) -> np.ndarray:
    """Return the ranks of values, those of equal ones in the mean."""
    array = np.asarray(values, dtype=float)
    return np.array([(array < v).sum() + (array == v).sum() / 2 for v in array])


def bounds(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the 95 % bounds of a correlation, by bootstrap over questions."""
    dice, found = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        kept = dice.integers(0, len(one), len(one))
        if np.ptp(one[kept]) and np.ptp(other[kept]):
            found.append(np.corrcoef(one[kept], other[kept])[0, 1])
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
