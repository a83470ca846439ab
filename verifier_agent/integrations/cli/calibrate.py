"""The command `calibrate`: from a labelled pool to a file that says what scores are worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from verifier_agent.calibration import Calibration, Method
from verifier_agent.evaluation import Replay, calibrate
from verifier_agent.evaluation.recordings.writing import check_out, write_text
from verifier_agent.integrations.cli.asking import errors_in_words
from verifier_agent.integrations.cli.counting import cores, progress
from verifier_agent.integrations.cli.evaluated import number, percent, table
from verifier_agent.integrations.cli.options import (
    JsonOfFile,
    LabelledPool,
    MaxSamples,
    Out,
    PoolVerifiers,
    Processes,
    Seeds,
    chosen_verifiers,
)


def calibrate_pool(
    pool: LabelledPool,
    out: Out = Path("calibration.json"),
    verifier: PoolVerifiers = None,
    selector: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SELECTOR",
            help="Whose confidence: vote, weighted_vote, best; may be given several times.",
            show_default="vote, or weighted_vote with scores",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="What runs are like; a bound on the risk holds for these.",
            show_default="draw until 95 % sure of the majority",
        ),
    ] = None,
    max_samples: MaxSamples = None,
    seeds: Seeds = 5,
    method: Annotated[
        Method, typer.Option(help="How scores are fitted: see docs/calibration.md.")
    ] = "platt",
    jobs: Processes = None,
    as_json: JsonOfFile = False,
) -> None:
    """Fit what scores and votes are worth on the labelled POOL, for --calibration."""
    with errors_in_words():
        check_out(out, [pool])
        settings = Replay(
            policy=policy,
            verifier=chosen_verifiers(verifier or ["agreement"]),
            max_samples=max_samples,
            seeds=seeds,
        )
        with progress() as tell:
            found = calibrate(
                pool,
                settings,
                selectors=selector or (),
                method=method,
                jobs=cores() if jobs is None else jobs,
                tell=tell,
            )
        plain = json.dumps(found.to_dict(), indent=1)
        write_text(out, f"{plain}\n")
    if as_json:
        typer.echo(plain)
        return
    console = Console(soft_wrap=True, highlight=False)
    if found.scores:
        console.print(_scores(found))
        console.print()
    console.print(_selections(found))
    console.print(f"\nWritten to {out}; use it with --calibration {out}")


def _scores(found: Calibration) -> Table:
    rows = table("verifier", "generator", "answers", "right", "auroc", "J", "at", "vote offset")
    for fit in found.scores:
        rows.add_row(
            fit.verifier,
            fit.generator or "all",
            str(fit.answers),
            percent(fit.right / fit.answers),
            number(fit.auroc),
            number(fit.j, 2),
            number(fit.cut, 2),
            "" if fit.offset is None else number(fit.offset, 2),
        )
    return rows


def _selections(found: Calibration) -> Table:
    rows = table("selector", "questions", "accuracy", "auroc", "brier skill", "ece", "judged by")
    for fit in found.selections:
        rows.add_row(
            fit.selector,
            number(fit.figures["questions"], 0),
            percent(fit.figures["accuracy"]),
            number(fit.figures["auroc"]),
            number(fit.figures["brier_skill"]),
            number(fit.figures["ece_by_mass"]),
            ", ".join(fit.verifiers) or "nobody",
        )
    return rows
