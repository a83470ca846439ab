"""A chart as a file: SVG, or one HTML page that needs nothing beside itself."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.evaluation.recordings.writing import write_text

try:
    import altair as alt
    import vl_convert
except ImportError as error:
    raise MissingExtra("drawing", "plots") from error

SVG, HTML = ".svg", ".html"
EXPOSED = "window.vegaEmbed = vegaEmbed;"
# whatever a chart may hold, the page may reach nothing; Vega makes its functions with eval
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' \
'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ margin: 2rem; background: white; }}</style>
</head>
<body>
<div id="chart"></div>
<script>{library}</script>
<script>
vegaEmbed("#chart", {spec}, {{renderer: "svg", actions: {{export: true, source: false, compiled: \
false, editor: false}}}});
</script>
</body>
</html>
"""


def check_ending(out: Path | str) -> None:
    """Raise ConfigurationError unless `out` ends in ".svg" or ".html"."""
    if Path(out).suffix.lower() not in (SVG, HTML):
        raise ConfigurationError(f"out={str(out)!r}: a name that ends in {HTML} or {SVG} is needed")


def write_chart(chart: alt.TopLevelMixin, out: Path | str) -> None:
    """Write a chart to `out`: ".svg", or ".html", which shows values under the pointer too.

    Raises ConfigurationError for another ending, and for a file that cannot be written.
    """
    check_ending(out)
    path = Path(out)
    write_text(path, (_svg if path.suffix.lower() == SVG else _html)(chart.to_dict(), path.stem))


def _svg(spec: dict[str, Any], _: str) -> str:
    return vl_convert.vegalite_to_svg(spec)


def _html(spec: dict[str, Any], title: str) -> str:
    # a "<" in a name could end the script that it stands in
    safe = json.dumps(spec).replace("<", "\\u003c")
    return PAGE.format(
        title=html.escape(title),
        library=vl_convert.javascript_bundle(EXPOSED),
        spec=safe,
    )
