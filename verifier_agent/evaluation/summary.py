"""The figures of an evaluation: a fold over scored questions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from verifier_agent.calibration import SelectionFit, auroc
from verifier_agent.evaluation.figures import (
    accuracies,
    by_budget,
    by_difficulty,
    figures,
)
from verifier_agent.evaluation.metrics import (
    brier,
    brier_skill,
    calibration_error,
    calibration_error_by_mass,
    intervals,
    mean,
    reliability,
)
from verifier_agent.evaluation.scoring import BASELINES, Scored
from verifier_agent.evaluation.usage import mean_known

Plain = dict[str, Any]


def pairs(scored: Scored) -> list[tuple[float, int]]:
    """Return confidence and outcome of each run that has both."""
    return [
        (run.confidence, right)
        for run, right in zip(scored.runs, scored.right, strict=True)
        if right is not None and run.confidence is not None
    ]


@dataclass
class Summary:
    """The figures of an evaluation, taken in question by question.

    Seeds are averaged within each question first, so that errors and intervals are over
    questions: runs of one question are not independent.
    """

    seeds: int
    max_samples: int | None = None
    """The most that a run could draw; None: the most that one drew."""
    weighed_by: str | None = None
    """The scores that the baselines were given."""
    sureness: SelectionFit | None = None
    """What the confidences were calibrated by."""
    _questions: list[Scored] = field(default_factory=list)
    _most: int = 1
    _judged: list[tuple[float, int]] = field(default_factory=list)
    _outcomes: list[str] = field(default_factory=list)
    _bases: set[str] = field(default_factory=set)
    _answered: list[int] = field(default_factory=list)

    def see(self, scored: Scored) -> None:
        """Take in one more question."""
        self._questions.append(replace(scored, runs=(), right=(), rated=(), weighed=()))
        self._most = max(self._most, *(run.end.samples_used for run in scored.runs))
        self._judged += pairs(scored)
        self._outcomes += [run.outcome for run in scored.runs]
        self._bases |= {run.basis for run in scored.runs}
        self._answered += [
            right
            for run, right in zip(scored.runs, scored.right, strict=True)
            if right is not None and run.outcome != "gave_up"
        ]

    def plain(self) -> Plain:
        """Return the object that `evaluate` returns."""
        most, ends = self.max_samples or self._most, [q.end for q in self._questions]
        given = self.sureness
        return {
            "questions": len(ends),
            **figures(ends),
            "brier": brier(self._judged),
            "brier_skill": brier_skill(self._judged),
            "auroc": auroc(self._judged),
            "ece": calibration_error(self._judged),
            "ece_by_mass": calibration_error_by_mass(self._judged),
            "reliability": reliability(self._judged),
            "gave_up": self._outcomes.count("gave_up") / len(self._outcomes),
            "answered_accuracy": mean(self._answered),
            "by_budget": by_budget(self._questions, most),
            "by_difficulty": by_difficulty(self._questions, most),
            "baselines": {name: self._baseline(name) for name in BASELINES},
            "differences": self._differences(),
            "labelled": len(accuracies(ends)),
            "seeds": self.seeds,
            "outcomes": {o: self._outcomes.count(o) for o in sorted(set(self._outcomes))},
            "basis": sorted(self._bases),
            "calibration": given and repr(given.confidence),
            "weighed_by": self.weighed_by,
        }

    def _baseline(self, name: str) -> Any:
        points = [question.baselines[name] for question in self._questions]
        accuracy = mean(accuracies(points))
        if name != "adaptive_consistency":
            return accuracy
        return {"accuracy": accuracy, "mean_samples": mean_known([p.samples for p in points])}

    def _differences(self) -> dict[str, Plain]:
        """Return policy minus baseline, with its paired bootstrap interval over questions."""
        differences = {
            name: [
                end - baseline
                for question in self._questions
                if (end := question.end.accuracy) is not None
                and (baseline := question.baselines[name].accuracy) is not None
            ]
            for name in BASELINES
        }
        known = {name: values for name, values in differences.items() if values}
        ends = intervals(known)
        return {
            name: {"accuracy": mean(values), "interval": list(ends[name]) if ends else None}
            for name, values in known.items()
        }
