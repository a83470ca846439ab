"""Options that several commands share, and the verifiers that are named by them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

NO_VERIFIER = "none"

MODEL = typer.Option(metavar="NAME", help='"embedded", "openai:NAME" or "PROVIDER:NAME".')
LabelledPool = Annotated[
    Path, typer.Argument(metavar="POOL", help="Labelled answers; see docs/pools.md.")
]
ScoredPool = Annotated[
    Path, typer.Argument(metavar="POOL", help="Answers with scores; see docs/pools.md.")
]
PoolVerifiers = Annotated[
    list[str] | None,
    typer.Option(
        "--verifier",
        metavar="NAME",
        help="Who judges: scores:NAME, tests, embedded-prm, agreement, none; may be given "
        "several times.",
        show_default="agreement",
    ),
]
MaxSamples = Annotated[
    int | None, typer.Option(help="The most a run may draw.", show_default="all there are")
]
Seeds = Annotated[int, typer.Option(help="Runs per question.")]
Processes = Annotated[
    int | None, typer.Option(help="Processes to work in.", show_default="one per core")
]
Out = Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")]
JsonOfFile = Annotated[
    bool, typer.Option("--json", help="Print what is written, and nothing else.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def chosen_verifiers(names: Sequence[str]) -> list[str]:
    """Return the names without "none", which says that nobody judges."""
    return [name for name in names if name != NO_VERIFIER]
