"""One panel: lines of accuracy with their bands, over baselines as dashed lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.evaluation.plots.measures import Line, Measure

try:
    import altair as alt
except ImportError as error:
    raise MissingExtra("drawing", "plots") from error

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by the colour-blind too (Okabe and Ito 2008); less their yellow, faint on white."""
GREY = "#6b6b6b"
Z = 1.96
"""Standard errors to either side in a 95 % band, by the normal distribution."""
NEAR = 0.2
"""An axis of accuracy that would begin below this begins at 0."""
LABEL_HEIGHT, LABEL_WIDTH = 13, 45
"""Pixels that a label takes, with some air."""
Row = dict[str, Any]


def coloured(names: Sequence[str]) -> alt.Color:
    """Return a colour for each result, with the legend; raises ConfigurationError for too many."""
    if len(names) > len(PALETTE):
        raise ConfigurationError(
            f"{len(names)} results in one plot cannot be told apart; draw at most {len(PALETTE)}"
        )
    scale = alt.Scale(domain=list(names), range=list(PALETTE[: len(names)]))
    legend = alt.Legend(title=None, symbolType="circle", symbolOpacity=1, symbolSize=80)
    return alt.Color("result:N", scale=scale, legend=legend)


def rows(line: Line, measure: Measure) -> Iterator[Row]:
    """Yield the points of a line, in shares; a band is None where its error is unknown."""
    for point in line.curve.by_budget:
        middle, error = point.accuracy, point.accuracy_se
        if middle is None:
            continue
        yield {
            "result": line.name,
            "x": measure.of(point),
            "accuracy": middle,
            "low": None if error is None else middle - Z * error,
            "high": None if error is None else middle + Z * error,
            "error": None if error is None else Z * error,
            "samples": point.max_samples,
        }


def references(lines: Sequence[Line], baselines: Sequence[str]) -> Iterator[Row]:
    """Yield the baselines that are known; once, and of no result, where all results agree."""
    for name in baselines:
        known = {
            line.name: value
            for line in lines
            if (value := line.curve.baselines.get(name)) is not None
        }
        if len(known) == len(lines) and max(known.values()) - min(known.values()) < 1e-9:
            known = {"": next(iter(known.values()))}
        for result, value in known.items():
            label = f"{name.replace('_', ' ')} {value:.1%}"
            yield {"result": result, "baseline": name, "accuracy": value, "label": label}


def apart(values: Sequence[float], gap: float, top: float) -> list[float]:
    """Return heights for labels at these values, in the same order of height, `gap` apart."""
    placed = list(values)
    order = sorted(range(len(placed)), key=lambda place: placed[place])
    for below, above in pairwise(order):
        placed[above] = max(placed[above], placed[below] + gap)
    ceiling = top
    for place in reversed(order):
        placed[place] = min(placed[place], ceiling)
        ceiling = placed[place] - gap
    return placed


@dataclass(frozen=True)
class Frame:
    """What all panels of a chart share, so that they can be compared by eye."""

    measure: Measure
    lines: Sequence[Line]
    """Those of all panels."""
    names: Sequence[str]
    """Those of the results."""
    baselines: Sequence[str]
    width: int
    height: int

    def panel(self, lines: Sequence[Line], heading: str = "") -> alt.LayerChart:
        """Draw some of the lines."""
        points = [row for line in lines for row in rows(line, self.measure)]
        base = alt.Chart(alt.InlineData(values=points)).encode(
            x=self._across(), color=coloured(self.names)
        )
        band = base.mark_area(opacity=0.15, clip=True).encode(y=self._up("low"), y2="high:Q")
        # a point that stands alone has no area
        bars = base.mark_rule(opacity=0.3, clip=True).encode(y=self._up("low"), y2="high:Q")
        line = base.mark_line(strokeWidth=2).encode(y=self._up("accuracy"))
        dots = base.mark_point(filled=True, size=36, opacity=1).encode(
            y=self._up("accuracy"),
            tooltip=[
                alt.Tooltip("result:N"),
                alt.Tooltip("samples:Q", title="at most samples"),
                alt.Tooltip("x:Q", title=self.measure.title, format=",.4~r"),
                alt.Tooltip("accuracy:Q", format=".1%"),
                alt.Tooltip("error:Q", title="±", format=".1%"),
            ],
        )
        title = alt.TitleParams(heading, fontSize=12, offset=8)
        return alt.LayerChart(
            layer=[band, bars, *self._dashes(lines), line, dots],
            width=self.width,
            height=self.height,
            title=title,
        )

    def _dashes(self, lines: Sequence[Line]) -> Iterator[alt.Chart]:
        """Draw baselines: those of all results in grey, others in the colour of their result."""
        low, high = self._span()
        marked = list(references(lines, self.baselines))
        gap = LABEL_HEIGHT / self.height * (high - low)
        for row, at in zip(
            marked, apart([row["accuracy"] for row in marked], gap, high), strict=True
        ):
            row["at"] = at
        for shared in (True, False):
            shown = [row for row in marked if (row["result"] == "") == shared]
            if not shown:
                continue
            base = alt.Chart(alt.InlineData(values=shown)).encode(
                color=alt.value(GREY) if shared else coloured(self.names)
            )
            yield base.mark_rule(strokeDash=[4, 3], strokeWidth=1).encode(y=self._up("accuracy"))
            yield base.mark_text(align="left", fontSize=11).encode(
                x=alt.value(self.width + 6), y=self._up("at"), text="label:N"
            )

    def _across(self) -> alt.X:
        found = [self.measure.of(p) or 0.0 for line in self.lines for p in line.curve.by_budget]
        low, high = min(found), max(found)
        if low > 0:
            margin = max((high / low) ** 0.03, 1.05)
            low, high = low / margin, high * margin
            scale = alt.Scale(type="log", domain=[low, high], nice=False)
            values = self.measure.ticks(low, high, most=self.width // LABEL_WIDTH)
        else:  # somewhere nothing was spent, which no logarithm shows
            scale, values = alt.Scale(domain=[0, high]), []
        axis = alt.Axis(
            format=self.measure.format,
            grid=False,
            values=values if len(values) > 1 else alt.Undefined,
        )
        return alt.X("x:Q", title=self.measure.title, scale=scale, axis=axis)

    def _up(self, field: str) -> alt.Y:
        scale = alt.Scale(domain=list(self._span()), nice=False, zero=False)
        return alt.Y(f"{field}:Q", title="accuracy", scale=scale, axis=alt.Axis(format="~%"))

    def _span(self) -> tuple[float, float]:
        """Return the ends of the axis of accuracy, in steps of 5 %, bands included."""
        seen = [row["accuracy"] for row in references(self.lines, self.baselines)]
        for line in self.lines:
            for row in rows(line, self.measure):
                seen += [row[end] for end in ("low", "accuracy", "high") if row[end] is not None]
        low = math.floor(20 * min(seen) - 0.2) / 20
        high = math.ceil(20 * max(seen) + 0.2) / 20
        return 0.0 if low < NEAR else low, min(1.0, high)
