"""The figures of an evaluation: a fold over scored questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from verifier_agent.evaluation.calibrating import Platt
from verifier_agent.evaluation.metrics import (
    auroc,
    brier,
    calibration_error,
    intervals,
    mean,
    standard_error,
)
from verifier_agent.evaluation.pools import Survey
from verifier_agent.evaluation.replay import Replay
from verifier_agent.evaluation.scoring import BASELINES, Means, Scored
from verifier_agent.evaluation.workers import baseline_scores

Plain = dict[str, Any]


def sure(confidence: float | None, calibration: Platt | None) -> float | None:
    """Return the confidence that counts: the calibrated one, where there is a calibration."""
    return confidence if confidence is None or calibration is None else calibration(confidence)


def pairs(scored: Scored, calibration: Platt | None) -> list[tuple[float, int]]:
    """Return confidence and outcome of each run that has both."""
    return [
        (known, right)
        for run, right in zip(scored.runs, scored.right, strict=True)
        if right is not None and (known := sure(run.confidence, calibration)) is not None
    ]


@dataclass
class Summary:
    """The figures of an evaluation, taken in question by question.

    Seeds are averaged within each question first, so that errors and intervals are over
    questions: runs of one question are not independent.
    """

    settings: Replay
    survey: Survey
    limits: list[int]
    calibration: Platt | None = None
    _ends: list[Means] = field(default_factory=list)
    _curves: list[tuple[Means, ...]] = field(default_factory=list)
    _baselines: dict[str, list[Means]] = field(default_factory=lambda: {n: [] for n in BASELINES})
    _judged: list[tuple[float, int]] = field(default_factory=list)
    _outcomes: list[str] = field(default_factory=list)
    _bases: set[str] = field(default_factory=set)

    def see(self, scored: Scored) -> None:
        """Take in one more question."""
        self._ends.append(scored.end)
        self._curves.append((*scored.curve, scored.end))
        for name, means in scored.baselines.items():
            self._baselines[name].append(means)
        self._judged += pairs(scored, self.calibration)
        self._outcomes += [run.outcome for run in scored.runs]
        self._bases |= {run.basis for run in scored.runs}

    def plain(self) -> Plain:
        """Return the object that `evaluate` returns."""
        most = self.settings.max_samples
        right = _accuracies(self._ends)
        by_budget = [
            {"max_samples": limit, **_figures(points)}
            for limit, points in zip(
                (*self.limits, most), zip(*self._curves, strict=True), strict=True
            )
        ]
        given = self.calibration
        source = baseline_scores(self.settings, self.survey)
        return {
            "questions": len(self._ends),
            **_figures(self._ends),
            "brier": brier(self._judged),
            "auroc": auroc(self._judged),
            "ece": calibration_error(self._judged),
            "gave_up": self._outcomes.count("gave_up") / len(self._outcomes),
            "by_budget": by_budget,
            "baselines": {name: self._baseline(name) for name in BASELINES},
            "differences": self._differences(),
            "labelled": len(right),
            "seeds": self.settings.seeds,
            "outcomes": {o: self._outcomes.count(o) for o in sorted(set(self._outcomes))},
            "basis": sorted(self._bases) if given is None else ["P(correct)"],
            "calibration": given and {"slope": given.slope, "intercept": given.intercept},
            "weighed_by": None if source is None else source.name,
        }

    def _baseline(self, name: str) -> Any:
        points = self._baselines[name]
        accuracy = mean(_accuracies(points))
        if name != "adaptive_consistency":
            return accuracy
        return {"accuracy": accuracy, "mean_samples": mean([p.samples for p in points])}

    def _differences(self) -> dict[str, Plain]:
        """Return policy minus baseline, with its paired bootstrap interval over questions."""
        differences = {
            name: [
                end.accuracy - point.accuracy
                for end, point in zip(self._ends, points, strict=True)
                if end.accuracy is not None and point.accuracy is not None
            ]
            for name, points in self._baselines.items()
        }
        known = {name: values for name, values in differences.items() if values}
        ends = intervals(known)
        return {
            name: {"accuracy": mean(values), "interval": list(ends[name]) if ends else None}
            for name, values in known.items()
        }


def _accuracies(points: Sequence[Means]) -> list[float]:
    return [point.accuracy for point in points if point.accuracy is not None]


def _figures(points: Sequence[Means]) -> Plain:
    right = _accuracies(points)
    tokens = [point.tokens for point in points if point.tokens is not None]
    return {
        "accuracy": mean(right),
        "accuracy_se": standard_error(right),
        "mean_samples": mean([point.samples for point in points]),
        # a mean over the known ones alone would be no one's mean
        "mean_tokens": mean(tokens) if len(tokens) == len(points) else None,
    }
