"""What accuracy is drawn against: samples, tokens, dollars, joules, operations; per question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.evaluation.plots.results import Curve, Point


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity per question."""

    key: str
    """Where it stands in an entry of `by_budget`."""
    title: str
    """With its unit."""
    format: str
    """How its numbers are written: a format of d3."""
    remedy: str = ""
    """What to do where it is unknown."""
    doubles: bool = False
    """Read in powers of two, not of ten."""

    def of(self, point: Point) -> float | None:
        """Return the quantity; None if it is unknown."""
        found: Any = point
        for name in self.key.split("."):
            found = getattr(found, name)
        return None if found is None else float(found)

    def ticks(self, low: float, high: float, most: int) -> list[float]:
        """Return round numbers for a logarithmic axis, at most so many where that can be."""
        ladders = POWERS_OF_TWO if self.doubles else POWERS_OF_TEN
        for base, digits in ladders:
            powers = range(math.floor(math.log(low, base)), math.ceil(math.log(high, base)) + 1)
            steps = [digit * base**power for power in powers for digit in digits]
            found = [step for step in steps if low <= step <= high]
            if len(found) <= most:
                break
        return found


POWERS_OF_TWO = ((2.0, (1,)), (4.0, (1,)), (16.0, (1,)))
POWERS_OF_TEN = ((10.0, (1, 2, 5)), (10.0, (1,)), (1000.0, (1,)))
RECORD = "evaluate a pool whose samples carry"
# fmt: off
MEASURES: dict[str, tuple[Measure, ...]] = {
    "tokens": (
        Measure("ledger.total_tokens", "all tokens per question", "~s"),
        Measure("mean_tokens", "generated tokens per question", "~s",
                f"{RECORD} `tokens`, or draw against samples"),
    ),
    "samples": (Measure("mean_samples", "samples per question", "~r",
                        "draw against something else", doubles=True),),
    "usd": (Measure("ledger.usd", "US dollars per question", "$~g",
                    f"{RECORD} `cost` with `usd`, or a model with --price"),),
    "joules": (Measure("ledger.joules", "joules per question (estimate, upper end)", "~s",
                       f"{RECORD} `cost` with `joules`, or a model with --parameters"),),
    "flops": (Measure("ledger.flops", "floating-point operations per question", "~s",
                      f"{RECORD} `cost` with `flops`, or a model with --parameters"),),
}
# fmt: on
"""By the word for it. Of several, the first that is known at every point is drawn."""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve to draw: the name it is shown by, and where it came from."""

    name: str
    where: str
    """The start of its keys, for the words of an error."""
    curve: Curve


def choose_measure(x: str, lines: Sequence[Line]) -> Measure:
    """Return what `x` means for these curves.

    Raises ConfigurationError for an unknown `x`, for an accuracy or a quantity that is unknown at
    some point, and for a quantity that is 0 at all of them.
    """
    if x not in MEASURES:
        raise ConfigurationError(f"x={x!r} is nothing to draw against{nearest(x, MEASURES)}")
    points = [
        (f"{line.where}by_budget.{place}", point)
        for line in lines
        for place, point in enumerate(line.curve.by_budget)
    ]
    for where, point in points:
        if point.accuracy is None:
            raise ConfigurationError(f"{where}.accuracy is unknown; {RECORD} `correct`")
    *better, last = MEASURES[x]
    for chosen in better:
        if all(chosen.of(point) is not None for _, point in points):
            return chosen
    for where, point in points:
        if last.of(point) is None:
            raise ConfigurationError(f"{where}.{last.key} is unknown; {last.remedy}")
    if not any(last.of(point) for _, point in points):
        raise ConfigurationError(
            f"{points[0][0]}.{last.key} is 0, as at every point: draw against something else"
        )
    return last
