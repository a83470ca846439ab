"""Verifiers that were made up: what they say of answers whose labels are known."""

from __future__ import annotations

import random

from verifier_agent.weighting import Scored, Weights, best_right

NAMES = ["sharp", "fair", "also fair", "taste a", "taste b", "taste c"]


def made(questions: int, seed: int = 0, answers: int = 8) -> list[Scored]:
    """Return questions with one right answer of eight: three verifiers that know something of it,
    each with errors of its own, and three that know little and have one taste in common."""
    dice = random.Random(seed)
    found = []
    for _ in range(questions):
        right = dice.randrange(answers)
        labels = [int(at == right) for at in range(answers)]
        scores = []
        for label in labels:
            taste = dice.gauss(0, 1)
            said = [knows * label + dice.gauss(0, 1) for knows in (2.5, 1.6, 1.6)]
            said += [0.3 * label + taste + dice.gauss(0, 0.8) for _ in range(3)]
            scores.append([0.5 + number / 12 for number in said])
        found.append(Scored(scores=scores, labels=labels))
    return found


def unlabelled(questions: list[Scored]) -> list[Scored]:
    return [Scored(scores=one.scores) for one in questions]


def accuracy(weights: Weights, questions: list[Scored], names: list[str] = NAMES) -> float:
    """Return how often the answer with the highest weighted score is right."""
    rights = [
        best_right([weights.log_odds(dict(zip(names, s, strict=True))) for s in one.scores], labels)
        for one in questions
        if (labels := one.labels) is not None
    ]
    return sum(rights) / len(rights)


def by_mean(questions: list[Scored]) -> float:
    """Return the same of the plain mean."""
    rights = [
        best_right([sum(s) / len(s) for s in one.scores], labels)  # type: ignore[arg-type]
        for one in questions
        if (labels := one.labels) is not None
    ]
    return sum(rights) / len(rights)
