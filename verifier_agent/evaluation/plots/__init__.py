"""Pictures of evaluations, as Vega-Lite charts of Altair, and as files of SVG or HTML."""

from verifier_agent.evaluation.plots.charts import (
    draw_accuracy,
    draw_by_difficulty,
    draw_calibration,
)
from verifier_agent.evaluation.plots.comparison import draw_comparison
from verifier_agent.evaluation.plots.page import check_ending, write_chart

__all__ = [
    "check_ending",
    "draw_accuracy",
    "draw_by_difficulty",
    "draw_calibration",
    "draw_comparison",
    "write_chart",
]
