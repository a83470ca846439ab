"""A small verifier taught by a dear one: fitted to its scores, measured where it was not.

Distillation (Hinton, Vinyals and Dean 2015), as Weaver's (2506.18203) of its ensemble.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier_agent.calibration import named
from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.evaluation import Question, read_pool
from verifier_agent.evaluation.metrics import intervals, mean
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.recordings.writing import Tell
from verifier_agent.evaluation.replaying.recorded import Recorded
from verifier_agent.evaluation.weighing import Judges, shown
from verifier_agent.verifiers import VerifierLike
from verifier_agent.verifiers.distilled import SIZE, Student, packed
from verifier_agent.verifiers.surface import MEASURES, Features, features
from verifier_agent.weighting import Scored, best_right

STEPS = 200
RATE = 0.05
PENALTY = (1e-5, 1e-4)
"""On the squares of the weights of measures and of words, per answer; 1e-5 to 3e-4 make no
difference on the embedded family."""
FEWEST = 20
"""Questions to be taught on, and to be measured on."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One question: what can be read off its answers, and what the teacher said of them."""

    read: Sequence[Features]
    said: Scored
    flops: float | None
    """Of the teacher's verdict on one answer."""


def distill(
    pool: Path | str,
    teacher: VerifierLike,
    *,
    held_out: float = 0.3,
    seed: int = 0,
    tell: Tell | None = None,
) -> Student:
    """Return a small verifier that was taught what `teacher` says of the answers of a pool.

    It is fitted to the teacher's scores, never to labels, on some of the questions, and compared
    with the teacher on the others: `Student.sheet` says what it keeps there. Where the pool has
    labels that is a share of the teacher's selection accuracy; in any case how often both would
    choose the same answer.

    Args:
        pool: A file in the pool format, with texts; a few hundred questions or more.
        teacher: "scores:NAME" for recorded scores, "weighted:FILE" for an ensemble of them, or
            what judges without a call.
        held_out: The share of questions that it is measured on.
        seed: Of which these are.
        tell: Called after each question that was read with how many are, of how many.

    Raises:
        ConfigurationError: A bad pool, a teacher that it has not, or too few questions.
        MissingExtra: numpy is not installed; the student itself does without.
    """
    if not 0.0 < held_out < 1.0:
        raise ConfigurationError(f"held_out={held_out!r}: a number between 0 and 1 is needed")
    survey = Survey.of(pool)
    judges = Judges.of([teacher], survey)
    lessons = []
    for question in read_pool(pool):
        lessons.append(_lesson(question, judges))
        if tell is not None:
            tell(len(lessons), survey.questions)
    random.Random(f"held out:{seed}").shuffle(lessons)
    cut = round(held_out * len(lessons))
    tests, taught = lessons[:cut], lessons[cut:]
    if min(len(tests), len(taught)) < FEWEST:
        raise ConfigurationError(
            f"{pool}: {len(taught)} questions to be taught on and {len(tests)} to be measured on "
            f"are too few: {FEWEST} of each are needed"
        )
    weights = fit(taught)
    sheet = {
        "teacher": named(judges.verifiers[0].name),
        "pool": Path(pool).name,
        "taught_on": len(taught),
        **measured(weights, tests),
    }
    return Student(weights=packed(weights), sheet=sheet)


def _lesson(question: Question, judges: Judges) -> Lesson:
    recorded = Recorded.of(question)
    flops = [
        cost.flops
        for at in recorded.places
        if (cost := question.samples[at].verifier_cost) is not None and cost.flops is not None
    ]
    known = mean(flops) if len(flops) == len(recorded.places) else None
    return Lesson(features(*shown(recorded)), judges.scored(question), known)


def fit(lessons: Sequence[Lesson]) -> list[float]:
    """Return the weights whose estimates are nearest to the teacher's scores, by cross-entropy.

    Logistic regression with a quadratic penalty, by Adam (Kingma and Ba 2015) on all answers at
    once: the same weights each time. Answers that the teacher did not score teach nothing.
    """
    try:
        import numpy as np
    except ImportError:
        raise MissingExtra("teaching a verifier", "embedded") from None
    answers = [
        (read, scores[0])
        for lesson in lessons
        for read, scores in zip(lesson.read, lesson.said.scores, strict=True)
        if scores[0] is not None
    ]
    if not answers:
        raise ConfigurationError("the teacher scored none of the answers")
    places = np.array([at for read, _ in answers for at in read])  # (feature of an answer,)
    values = np.array([value for read, _ in answers for value in read.values()])
    rows = np.repeat(np.arange(len(answers)), [len(read) for read, _ in answers])
    wanted = np.array([score for _, score in answers])  # (answer,)
    penalty = np.full(SIZE, PENALTY[1])
    penalty[: len(MEASURES)] = PENALTY[0]
    weights, first, second = np.zeros((3, SIZE))
    for step in range(1, STEPS + 1):
        odds = np.bincount(rows, weights[places] * values, len(answers))
        gaps = 1 / (1 + np.exp(-np.clip(odds, -500, 500))) - wanted
        slope = np.bincount(places, gaps[rows] * values, SIZE) / len(answers) + penalty * weights
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope**2
        size = np.sqrt(second / (1 - 0.99**step)) + 1e-8
        # the rate falls to a tenth, so that the last steps settle
        weights -= RATE * (1 - 0.9 * step / STEPS) * first / (1 - 0.9**step) / size
    return [float(weight) for weight in weights]


def measured(weights: Sequence[float], lessons: Sequence[Lesson]) -> dict[str, Any]:
    """Return what the student keeps of the teacher on these questions, and at which cost."""
    chosen = [_chosen(weights, lesson) for lesson in lessons]
    labelled = [one for one in chosen if "teacher" in one]
    counts = [len(read) for lesson in lessons for read in lesson.read]
    flops = [lesson.flops for lesson in lessons if lesson.flops is not None]
    own = 2 * (mean(counts) or 0.0)
    theirs = mean(flops) if len(flops) == len(lessons) else None
    sheet: dict[str, Any] = {
        "measured_on": len(lessons),
        "same_choice": mean([one["same"] for one in chosen]),
        # of weighing what was read; reading it is no arithmetic on floats
        "student_flops": own,
        "teacher_flops": theirs,
        "cost_share": own / theirs if theirs else None,
    }
    if not labelled:
        return sheet
    by = {name: [one[name] for one in labelled] for name in ("first", "teacher", "student", "any")}
    sheet |= {f"{name}_accuracy": mean(values) for name, values in by.items()}
    teacher, student = sheet["teacher_accuracy"], sheet["student_accuracy"]
    gaps = [s - t for s, t in zip(by["student"], by["teacher"], strict=True)]
    low, high = intervals({"": gaps}).get("", (None, None))
    return sheet | {
        "kept": student / teacher if teacher else None,
        "difference": student - teacher,
        "difference_low": low,
        "difference_high": high,
    }


def _chosen(weights: Sequence[float], lesson: Lesson) -> Mapping[str, float]:
    """Return how right the teacher's and the student's choice are, and if they are the same."""
    theirs = [scores[0] for scores in lesson.said.scores]
    odds = [sum(weights[at] * value for at, value in read.items()) for read in lesson.read]
    best = odds.index(max(odds))
    given = [score for score in theirs if score is not None]
    found = {"same": float(bool(given) and theirs[best] == max(given))}
    labels = lesson.said.labels
    if labels is None:
        return found
    return found | {
        "first": sum(labels) / len(labels),
        "teacher": best_right(theirs, labels),
        "student": best_right(odds, labels),
        "any": float(any(labels)),
    }
