"""The scorer: the only place where replayed runs and the labels of their questions meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier_agent.evaluation.baselines import (
    adaptive_consistency,
    best,
    majority,
    weighted,
)
from verifier_agent.evaluation.metrics import mean
from verifier_agent.evaluation.pools import Question
from verifier_agent.evaluation.recorded import Recorded
from verifier_agent.evaluation.recorded_scores import Source
from verifier_agent.evaluation.replay import Point, Replayed

BASELINES = ("first", "majority", "weighted", "best", "adaptive_consistency", "oracle")


@dataclass(frozen=True, slots=True)
class Means:
    """What one strategy did with one question, on average over its seeds."""

    accuracy: float | None
    """None without labels."""
    samples: float
    tokens: float | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """One question: its runs, how they did, and how the baselines did with the same draws."""

    runs: tuple[Replayed, ...]
    right: tuple[int | None, ...]
    """Of each run, 1 or 0; None without labels. A run that chose nothing is wrong."""
    end: Means
    curve: tuple[Means, ...]
    baselines: Mapping[str, Means]


def score(
    question: Question,
    recorded: Recorded,
    runs: Sequence[Replayed],
    max_samples: int,
    scores: Source | None,
) -> Scored:
    """Compare what was chosen with the labels; the baselines weigh by `scores`."""
    return Scored(
        runs=tuple(runs),
        right=tuple(_right(question, run.end.sample) for run in runs),
        end=_means(question, [run.end for run in runs]),
        curve=tuple(
            _means(question, points) for points in zip(*(r.curve for r in runs), strict=True)
        ),
        baselines=_baselines(question, recorded, [r.seed for r in runs], max_samples, scores),
    )


def _right(question: Question, sample: int | None) -> int | None:
    if not question.labelled:
        return None
    return 0 if sample is None else question.samples[sample].correct


def _means(question: Question, points: Sequence[Point]) -> Means:
    right = [r for r in (_right(question, p.sample) for p in points) if r is not None]
    tokens = [p.tokens for p in points if p.tokens is not None]
    return Means(
        accuracy=mean(right),
        samples=sum(p.samples_used for p in points) / len(points),
        tokens=mean(tokens) if len(tokens) == len(points) else None,
    )


def _baselines(
    question: Question,
    recorded: Recorded,
    seeds: Sequence[int],
    max_samples: int,
    scores: Source | None,
) -> dict[str, Means]:
    """Return the baselines over the same seeds; those that need scores only where there are any."""
    right: dict[str, list[int]] = {name: [] for name in BASELINES}
    used: list[int] = []
    for seed in seeds:
        places = recorded.drawn(seed)[:max_samples]
        drawn = [question.samples[i] for i in places]
        numbers = [None if scores is None else scores.score(recorded.answers[i]) for i in places]
        pairs = [(sample.answer, number) for sample, number in zip(drawn, numbers, strict=True)]
        chosen = {"first": 0, "majority": majority([(key, None) for key, _ in pairs])}
        if scores is not None:
            chosen |= {"weighted": weighted(pairs), "best": best(pairs)}
        unscored = [(key, None) for key, _ in pairs]
        chosen["adaptive_consistency"], draws = adaptive_consistency(unscored)
        used.append(draws)
        if question.labelled:
            for name, place in chosen.items():
                right[name].append(drawn[place].correct or 0)
            right["oracle"].append(max(sample.correct or 0 for sample in drawn))
    n = float(min(max_samples, len(question.samples)))
    samples = {"first": 1.0, "adaptive_consistency": sum(used) / len(used)}
    return {name: Means(mean(right[name]), samples.get(name, n)) for name in BASELINES}
