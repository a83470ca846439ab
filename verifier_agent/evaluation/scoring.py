"""The scorer: the only place where runs and the labels of their questions meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from verifier_agent.calibration import Evidence
from verifier_agent.evaluation.baselines import (
    adaptive_consistency,
    best,
    majority,
    weighted,
)
from verifier_agent.evaluation.measured import Measured, Point
from verifier_agent.evaluation.metrics import mean
from verifier_agent.evaluation.recordings.pools import Question, Sample
from verifier_agent.evaluation.usage import Usage, mean_known, mean_usage

BASELINES = ("first", "majority", "weighted", "best", "adaptive_consistency", "oracle")


@dataclass(frozen=True, slots=True)
class Means:
    """What one strategy did with one question, on average over its seeds."""

    accuracy: float | None
    """None without labels."""
    samples: float | None
    """None if there was nothing to draw from."""
    tokens: float | None = None
    usage: Usage | None = None
    """None for a baseline."""


Weighed = tuple[Evidence, int]
"""What a run showed for the answer it would choose, and 1 if that is right, else 0."""


@dataclass(frozen=True, slots=True)
class Rated:
    """What one verifier said of one recorded answer, and whether that was right."""

    verifier: str
    generator: str | None
    """Who wrote the answer; None where the pool does not say."""
    answer: str | None
    score: float
    right: int


@dataclass(frozen=True, slots=True)
class Scored:
    """One question: its runs, how they did, and how the baselines did with the same draws."""

    id: str
    runs: tuple[Measured, ...]
    right: tuple[int | None, ...]
    """Of each run, 1 or 0; None without labels. A run that chose nothing is wrong."""
    level: int | str | None
    share: float | None
    """Of the samples that are right; None without labels."""
    end: Means
    curve: tuple[Means, ...]
    baselines: Mapping[str, Means]
    rated: tuple[Rated, ...] = ()
    """By the verifiers that judge each answer by itself, in the first of the runs."""
    weighed: tuple[tuple[Weighed, ...], ...] = ()
    """Of each run: at its end, then at each smaller limit that would have ended it earlier."""


def score(
    question: Question,
    runs: Sequence[Measured],
    drawn: Sequence[Sequence[int]],
    scores: Sequence[float | None] | None,
) -> Scored:
    """Compare what was chosen with the labels, and with what the baselines choose.

    Args:
        question: With its labels.
        runs: One for each seed.
        drawn: For each run, the samples that the baselines get, in the order drawn.
        scores: One for each sample, in [0, 1], for the baselines to weigh by; None: there are none.
    """
    labels = [sample.correct for sample in question.samples if sample.correct is not None]
    # a live run that ended early stands where it stood
    curve = zip_longest(*(run.curve for run in runs))
    return Scored(
        id=question.id,
        runs=tuple(runs),
        right=tuple(_right(question, run.end.sample) for run in runs),
        level=question.level,
        share=mean(labels) if question.labelled else None,
        end=_means(question, [run.end for run in runs]),
        curve=tuple(
            _means(question, [at or run.end for at, run in zip(points, runs, strict=True)])
            for points in curve
        ),
        baselines=_baselines(question, drawn, scores),
        rated=_rated(question, runs[0]) if question.labelled else (),
        weighed=tuple(_weighed(question, run) for run in runs) if question.labelled else (),
    )


def _rated(question: Question, run: Measured) -> tuple[Rated, ...]:
    return tuple(
        Rated(verifier, sample.model, sample.answer, score, sample.correct or 0)
        for verifier, place, score in run.scores
        for sample in [question.samples[place]]
    )


def _weighed(question: Question, run: Measured) -> tuple[Weighed, ...]:
    shorter = [point for point in run.curve if point.samples_used < run.end.samples_used]
    return tuple(
        (point.evidence, question.samples[point.sample].correct or 0)
        for point in (run.end, *shorter)
        if point.evidence is not None and point.sample is not None
    )


def _right(question: Question, sample: int | None) -> int | None:
    if not question.labelled:
        return None
    return 0 if sample is None else question.samples[sample].correct


def _means(question: Question, points: Sequence[Point]) -> Means:
    right = [r for r in (_right(question, p.sample) for p in points) if r is not None]
    return Means(
        accuracy=mean(right),
        samples=mean([p.samples_used for p in points]),
        tokens=mean_known([p.tokens for p in points]),
        usage=mean_usage([p.usage for p in points]),
    )


def _baselines(
    question: Question, drawn: Sequence[Sequence[int]], scores: Sequence[float | None] | None
) -> dict[str, Means]:
    """Return the means over all runs; a baseline that needs what is missing has no accuracy."""
    right: dict[str, list[int]] = {name: [] for name in BASELINES}
    used: dict[str, list[int]] = {name: [] for name in BASELINES}
    for places in filter(None, drawn):
        samples = [question.samples[i] for i in places]
        numbers = None if scores is None else [scores[i] for i in places]
        for name, (place, draws) in _choices(samples, numbers).items():
            used[name].append(draws)
            if question.labelled:
                right[name].append(samples[place].correct or 0)
        used["oracle"].append(len(samples))
        if question.labelled:
            right["oracle"].append(max(sample.correct or 0 for sample in samples))
    return {name: Means(mean(right[name]), mean(used[name])) for name in BASELINES}


def _choices(
    samples: Sequence[Sample], scores: Sequence[float | None] | None
) -> dict[str, tuple[int, int]]:
    """Return for each baseline which of the samples it chooses, and how many it draws."""
    n, unscored = len(samples), [(sample.answer, None) for sample in samples]
    chosen = {
        "first": (0, 1),
        "majority": (majority(unscored), n),
        "adaptive_consistency": adaptive_consistency(unscored),
    }
    if scores is not None:
        pairs = [(sample.answer, one) for sample, one in zip(samples, scores, strict=True)]
        chosen |= {"weighted": (weighted(pairs), n), "best": (best(pairs), n)}
    return chosen
