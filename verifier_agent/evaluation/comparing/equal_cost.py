"""A small model that draws more against a large one that draws once, at equal cost. Pure: numbers
in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verifier_agent.evaluation.metrics import intervals, mean, standard_error

Plain = dict[str, Any]

ROUNDING = 1e-9
"""Relative; sums of the same costs in another order are the same cost."""


@dataclass(frozen=True, slots=True)
class Track:
    """What a model does with one question if it may draw 1, 2, 3, … samples; means over orders."""

    accuracy: Sequence[float]
    """In [0, 1]."""
    cost: Sequence[float]
    """In one unit; it never falls."""
    samples: Sequence[float]
    """Those really drawn: fewer than allowed where a policy ended earlier."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both models on the same question."""

    small: Track
    large: Track


def contrast(pairs: Sequence[Pair]) -> Plain:
    """Return who is more accurate at equal cost on these questions, with what it rests on.

    The keys are explained in `docs/compare.md`. Equal cost is the most that one model can do
    without costing more on average than the other; what it then costs, as a share of what the
    other does, is `ratio`. Intervals are of the mean paired difference over questions, small minus
    large, with both numbers of samples held fast.
    """
    small = _points([pair.small for pair in pairs])
    large = _points([pair.large for pair in pairs])
    once, most = large[0], small[-1]
    equal, back = _affordable(small, once["cost"]), _affordable(large, most["cost"])
    first = next((p for p in small if p["accuracy"] >= once["accuracy"] * (1 - ROUNDING)), None)
    return {
        "questions": len(pairs),
        "small": small,
        "large": large,
        "equal_cost": equal and {**_beside(equal, once), **_difference(pairs, equal, once)},
        "first_match": first and _beside(first, once),
        "reverse": back and {**_beside(back, most), **_difference(pairs, most, back)},
    }


def _points(tracks: Sequence[Track]) -> list[Plain]:
    """Return the figures of a model over questions, for each number of samples it may draw.

    Numbers that no run makes use of, since its policy has ended by then, are left out.
    """
    columns = zip(
        zip(*(track.accuracy for track in tracks), strict=True),
        zip(*(track.cost for track in tracks), strict=True),
        zip(*(track.samples for track in tracks), strict=True),
        strict=True,
    )
    points: list[Plain] = [
        {
            "samples": n,
            "mean_samples": mean(drawn),
            "cost": mean(costs),
            "accuracy": mean(right),
            "accuracy_se": standard_error(right),
        }
        for n, (right, costs, drawn) in enumerate(columns, start=1)
    ]
    drawn_at_most = [point["mean_samples"] for point in points]
    return points[: 1 + drawn_at_most.index(drawn_at_most[-1])]


def _affordable(points: Sequence[Plain], limit: float) -> Plain | None:
    """Return the last point that costs at most `limit`; None if even the first costs more."""
    return next((p for p in reversed(points) if p["cost"] <= limit * (1 + ROUNDING)), None)


def _beside(point: Plain, other: Plain) -> Plain:
    return {**point, "ratio": point["cost"] / other["cost"] if other["cost"] else None}


def _difference(pairs: Sequence[Pair], small: Plain, large: Plain) -> Plain:
    """Return the difference in accuracy, small minus large, with its 95 % interval."""
    here, there = small["samples"] - 1, large["samples"] - 1
    differences = [pair.small.accuracy[here] - pair.large.accuracy[there] for pair in pairs]
    interval = intervals({"": differences}).get("")
    return {"difference": mean(differences), "interval": interval and list(interval)}
