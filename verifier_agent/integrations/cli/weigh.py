"""The command `weigh`: from a pool to a file that says how much each verifier counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from verifier_agent.evaluation import weigh_verifiers
from verifier_agent.evaluation.recordings.writing import check_out, write_text
from verifier_agent.integrations.cli.asking import errors_in_words
from verifier_agent.integrations.cli.counting import progress
from verifier_agent.integrations.cli.evaluated import percent
from verifier_agent.integrations.cli.options import JsonOfFile, Out, ScoredPool
from verifier_agent.weighting import SHARE, Method, Weights


def weigh_pool(
    pool: ScoredPool,
    out: Out = Path("weights.json"),
    verifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="scores:NAME, tests, arithmetic, agreement, embedded-prm; several times, cheap "
            "ones first.",
            show_default="all recorded scores",
        ),
    ] = None,
    method: Annotated[
        Method, typer.Option(help="How weights are found: see docs/ensembles.md.")
    ] = "latent",
    labels: Annotated[
        int | None,
        typer.Option(help="For labels: how many questions.", show_default="all labelled ones"),
    ] = None,
    share: Annotated[
        float, typer.Option(help="Without labels: how many answers are right, about.")
    ] = SHARE,
    seed: Annotated[int, typer.Option(help="Of the questions whose labels are used.")] = 0,
    as_json: JsonOfFile = False,
) -> None:
    """Fit how much the word of each verifier counts on POOL, for --verifier weighted:FILE."""
    with errors_in_words():
        check_out(out, [pool])
        with progress() as tell:
            found = weigh_verifiers(
                pool,
                verifier or (),
                method=method,
                labels=labels,
                share=share,
                seed=seed,
                tell=tell,
            )
        plain = json.dumps(found.to_dict(), indent=1)
        write_text(out, f"{plain}\n")
    if as_json:
        typer.echo(plain)
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(str(found), markup=False)
    if found.figures:
        console.print(f"\n{_worth(found)}", markup=False)
    console.print(f"\nWritten to {out}; use it as --verifier weighted:{out}", markup=False)


def _worth(found: Weights) -> str:
    figures = found.figures
    low, high = (100 * (figures[end] or 0.0) for end in ("gain_low", "gain_high"))
    return (
        f"The best by these weights is right on {percent(figures['accuracy'])} of "
        f"{figures['questions']:.0f} questions they were not fitted on; by the plain mean on "
        f"{percent(figures['mean'])} ({100 * (figures['gain'] or 0.0):+.1f} points, 95 % interval "
        f"{low:+.1f} to {high:+.1f}); by the best verifier alone on "
        f"{percent(figures['best_alone'])}"
    )
