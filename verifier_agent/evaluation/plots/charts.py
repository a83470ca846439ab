"""The charts: accuracy against what it took, calibration, and accuracy by difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.evaluation.plots.measures import Line, choose_measure
from verifier_agent.evaluation.plots.panels import GREY, Frame, coloured
from verifier_agent.evaluation.plots.results import Named, Results, read_results

try:
    import altair as alt
except ImportError as error:
    raise MissingExtra("drawing", "plots") from error

BASELINES = ("first", "majority", "weighted", "best", "adaptive_consistency", "oracle")
ENDS = ("first", "oracle")
"""Where runs begin, and what no choosing goes above; small panels have no room for more."""
BANDS = "Bands: 95%, which is 1.96 standard errors over questions to either side."
DASHED = "Dashed: baselines, from the same draws."
COLUMNS = 3
STYLE = alt.Config(
    font="sans-serif",
    view=alt.ViewConfig(stroke=None),
    title=alt.TitleConfig(fontSize=15, subtitleFontSize=11, subtitleColor=GREY, subtitlePadding=5),
    axis=alt.AxisConfig(
        gridColor="#ececec",
        domainColor="#b0b0b0",
        tickColor="#b0b0b0",
        labelColor="#333333",
        labelOverlap="greedy",
        labelSeparation=5,
        labelFontSize=11,
        titleColor="#333333",
        titleFontSize=11,
        titleFontWeight="normal",
    ),
    legend=alt.LegendConfig(orient="top", labelFontSize=12, labelLimit=400),
)
AnyChart = TypeVar("AnyChart", alt.LayerChart, alt.ConcatChart, alt.VConcatChart)


def draw_accuracy(results: Results, x: str = "tokens") -> alt.LayerChart:
    """Draw accuracy by what it took: a line and its 95 % band per result, baselines dashed.

    Tokens are all there were where every result knows them, else the generated ones, and the
    axis says which.

    Args:
        results: By the name to show, what `evaluate` returned, or the file that holds it.
        x: "tokens", "samples", "usd", "joules" or "flops"; means per question.

    Raises:
        ConfigurationError: A result has not what is drawn; it says which, and how to get it.
    """
    lines = [Line(r.name, f"{r.source}: ", r.result) for r in read_results(results)]
    frame = Frame(choose_measure(x, lines), lines, list(results), BASELINES, 540, 340)
    return styled(frame.panel(lines), "Accuracy by compute", f"{BANDS} {DASHED}")


def draw_by_difficulty(results: Results, x: str = "tokens") -> alt.ConcatChart:
    """Draw what `draw_accuracy` draws, in a panel for each difficulty, on the same axes.

    Raises ConfigurationError as it does, and where results differ in their difficulties.
    """
    read = read_results(results)
    lines = {
        name: [
            Line(r.name, f"{r.source}: by_difficulty.{place}.", r.result.by_difficulty[place])
            for r in read
        ]
        for place, name in enumerate(_difficulties(read))
    }
    every = [line for panel in lines.values() for line in panel]
    frame = Frame(choose_measure(x, every), every, list(results), ENDS, 200, 180)
    panels = [
        frame.panel(those, f"difficulty {name} ({those[0].curve.questions} questions)")
        for name, those in lines.items()
    ]
    chart = alt.concat(*panels, columns=COLUMNS, spacing=24)
    return styled(chart, "Accuracy by compute and difficulty", f"{BANDS} {DASHED}")


def _difficulties(read: Sequence[Named]) -> list[str]:
    """Return the difficulties that all results have, in their order."""
    first, *others = [
        {level.difficulty: level.questions for level in r.result.by_difficulty} for r in read
    ]
    if not first:
        raise ConfigurationError(
            f"{read[0].source}: by_difficulty is empty; evaluate a pool whose questions carry "
            "`level`, or whose samples carry `correct`"
        )
    for one, other in zip(read[1:], others, strict=True):
        if list(other.items()) != list(first.items()):
            raise ConfigurationError(
                f"{one.source}: by_difficulty has (by number of questions) {other}, "
                f"{read[0].source} has {first}; draw results on the same questions"
            )
    return list(first)


def draw_calibration(results: Results) -> alt.LayerChart:
    """Draw how often runs were right by how sure they were; the diagonal is perfect calibration.

    The area of a point is in proportion to the runs that it stands for. Raises
    ConfigurationError for a result without any run that has both a confidence and a label.
    """
    rows = [row for one in read_results(results) for row in _reliability(one)]
    share = alt.Scale(domain=[0, 1])
    percent = alt.Axis(format="~%", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("confidence:Q", title="mean confidence", scale=share, axis=percent),
        y=alt.Y("accuracy:Q", title="share that was right", scale=share, axis=percent),
        color=coloured(list(results)),
    )
    area = alt.Scale(domain=[0, max(row["count"] for row in rows)], range=[0, 700])
    ends = alt.InlineData(values=[{"confidence": end, "accuracy": end} for end in (0, 1)])
    diagonal = alt.Chart(ends).mark_line(color=GREY, strokeDash=[4, 3], strokeWidth=1)
    diagonal = diagonal.encode(x="confidence:Q", y="accuracy:Q")
    dots = base.mark_point(filled=True, opacity=0.8).encode(
        size=alt.Size("count:Q", title="runs", scale=area, legend=alt.Legend(orient="right")),
        tooltip=[
            alt.Tooltip("result:N"),
            alt.Tooltip("confidence:Q", format=".1%"),
            alt.Tooltip("accuracy:Q", format=".1%"),
            alt.Tooltip("count:Q", title="runs", format=","),
        ],
    )
    line = base.mark_line(strokeWidth=1.5, opacity=0.6)
    return styled(
        alt.LayerChart(layer=[diagonal, line, dots], width=360, height=360),
        "Calibration",
        "Dashed: perfect. Runs in ten bins of confidence; areas by their number.",
    )


def _reliability(one: Named) -> list[dict[str, Any]]:
    if not one.result.reliability:
        raise ConfigurationError(
            f"{one.source}: reliability is empty; evaluate a pool whose samples carry `correct`, "
            "with a selector that says how sure it is"
        )
    return [{"result": one.name, **held.model_dump()} for held in one.result.reliability]


def styled(chart: AnyChart, title: str, caption: str) -> AnyChart:
    """Return the chart with its title, and with the looks that all have."""
    return chart.properties(
        title=alt.TitleParams(title, subtitle=caption, anchor="start", offset=12),
        background="white",
        padding=16,
        config=STYLE,
    )
