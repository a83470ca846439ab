"""The chart of a comparison: a small model by what it may draw, against a large one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from verifier_agent.errors import MissingExtra
from verifier_agent.evaluation.plots.charts import BANDS, COLUMNS, styled
from verifier_agent.evaluation.plots.measures import Line, choose_measure
from verifier_agent.evaluation.plots.panels import GREY, Frame
from verifier_agent.evaluation.plots.results import Curve

try:
    import altair as alt
except ImportError as error:
    raise MissingExtra("drawing", "plots") from error

Plain = Mapping[str, Any]
GUIDES = "Dashed: the large model once, and what that costs."


def draw_comparison(found: Plain) -> alt.VConcatChart:
    """Draw what `compare` returned: accuracy by cost of both models, overall and by difficulty.

    Of a curve, the points at 1, 2, 4, … samples are drawn, those at equal cost, and the last.
    """
    names = [_name(found, role) for role in ("small", "large")]
    groups = [found["overall"], *found["by_difficulty"]]
    lines = [_lines(group, names, found["unit"]) for group in groups]
    every = [line for pair in lines for line in pair]
    measure = choose_measure(found["unit"], every)
    sizes = (620, 320), (200, 180)
    top, small = (Frame(measure, every, names, ("once",), *size) for size in sizes)
    panels = [
        _guided(small, pair, group, f"difficulty {group['difficulty']}")
        for group, pair in zip(groups[1:], lines[1:], strict=True)
    ]
    parts: list[alt.LayerChart | alt.ConcatChart] = [_guided(top, lines[0], groups[0], "overall")]
    if panels:
        parts.append(alt.concat(*panels, columns=COLUMNS, spacing=24))
    chart = alt.vconcat(*parts, spacing=28)
    return styled(chart, "Accuracy at equal cost", f"{BANDS} {GUIDES}")


def _name(found: Plain, role: str) -> str:
    models = ", ".join(found[role]["models"])
    return f"{role}: {models}" if models else role


def _lines(group: Plain, names: Sequence[str], unit: str) -> list[Line]:
    once = {"once": group["large"][0]["accuracy"]}
    shown = {
        "small": (_some(group["small"], group["equal_cost"]), {}),
        "large": (_some(group["large"], group["reverse"]), once),
    }
    return [
        Line(name, f"{role}: ", _curve(group["questions"], points, baselines, unit))
        for name, (role, (points, baselines)) in zip(names, shown.items(), strict=True)
    ]


def _some(points: Sequence[Plain], equal: Plain | None) -> list[Plain]:
    kept = {2**power for power in range(len(points).bit_length())} | {len(points)}
    kept |= {equal["samples"]} if equal else set()
    return [point for point in points if point["samples"] in kept]


def _curve(
    questions: int, points: Iterable[Plain], baselines: Mapping[str, float], unit: str
) -> Curve:
    by_budget = [
        {
            "max_samples": point["samples"],
            "accuracy": point["accuracy"],
            "accuracy_se": point["accuracy_se"],
            "mean_samples": point["mean_samples"],
            "mean_tokens": None,
            "ledger": {unit: point["cost"]},
        }
        for point in points
    ]
    return Curve.model_validate(
        {"questions": questions, "by_budget": by_budget, "baselines": baselines}
    )


def _guided(frame: Frame, lines: Sequence[Line], group: Plain, heading: str) -> alt.LayerChart:
    """Draw a panel, with a line up at the cost of the large model once."""
    panel = frame.panel(lines, f"{heading} ({group['questions']} questions)")
    cost = alt.InlineData(values=[{"x": group["large"][0]["cost"]}])
    guide = alt.Chart(cost).mark_rule(color=GREY, strokeDash=[2, 3], strokeWidth=1)
    panel.layer = [*panel.layer, guide.encode(x=alt.X("x:Q", title=frame.measure.title))]
    return panel
