"""Pictures of evaluations, as Vega-Lite charts of Altair, and as files of SVG or HTML."""

from verifier_agent.evaluation.plots.charts import (
    draw_accuracy,
    draw_by_difficulty,
    draw_calibration,
)
from verifier_agent.evaluation.plots.page import write_chart

__all__ = ["draw_accuracy", "draw_by_difficulty", "draw_calibration", "write_chart"]
