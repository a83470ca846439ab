"""The command `plot`: pictures of what `eval --json` printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.integrations.cli.asking import errors_in_words

KINDS = ("accuracy", "calibration", "difficulty")


def plot_results(
    results: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT", help="A file that `eval --json` wrote; NAME=FILE shows it as NAME."
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Ends in .html or .svg.")],
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="accuracy, calibration or difficulty.")
    ] = "accuracy",
    x: Annotated[
        str | None,
        typer.Option(
            "--x",
            metavar="QUANTITY",
            help="What accuracy is drawn against: tokens, samples, usd, joules, flops.",
            show_default="tokens",
        ),
    ] = None,
) -> None:
    """Draw results of `eval --json`: accuracy by compute, calibration, or by difficulty."""
    with errors_in_words():
        if kind not in KINDS:
            raise ConfigurationError(f"kind={kind!r} is not known{nearest(kind, KINDS)}")
        if kind == "calibration" and x is not None:
            raise ConfigurationError(f"x={x!r}: calibration is drawn by confidence; leave --x out")
        files = read_names(results)
        # the rest of the command line works without the extra
        from verifier_agent.evaluation import plots

        if kind == "calibration":
            plots.write_chart(plots.draw_calibration(files), out)
        elif kind == "difficulty":
            plots.write_chart(plots.draw_by_difficulty(files, x or "tokens"), out)
        else:
            plots.write_chart(plots.draw_accuracy(files, x or "tokens"), out)


def read_names(results: Sequence[str]) -> dict[str, Path]:
    """Return files by name, read from "NAME=FILE" or "FILE", which is named by its stem.

    Raises ConfigurationError for an empty name or file, and for a name given twice.
    """
    files: dict[str, Path] = {}
    for text in results:
        name, separator, path = text.partition("=")
        if not separator or Path(text).exists():  # a file may have "=" in its name
            name, path = Path(text).stem, text
        if not name or not path:
            raise ConfigurationError(f"result {text!r}: give FILE or NAME=FILE")
        if name in files:
            raise ConfigurationError(f"result {text!r}: {name!r} is there already; give NAME=FILE")
        files[name] = Path(path)
    return files
