"""The command `calibrate`: from a labelled pool to a file that says what scores are worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from verifier_agent.calibration import Calibration, Method
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Replay, calibrate
from verifier_agent.evaluation.writing import check_out
from verifier_agent.integrations.asking import errors_in_words
from verifier_agent.integrations.counting import cores, progress
from verifier_agent.integrations.evaluate import NO_VERIFIER
from verifier_agent.integrations.evaluated import number, percent, table


def calibrate_pool(
    pool: Annotated[
        Path, typer.Argument(metavar="POOL", help="Labelled answers; see docs/pools.md.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")] = Path(
        "calibration.json"
    ),
    verifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Whose scores: scores:NAME, tests, embedded-prm, agreement, none; may be given "
            "several times.",
            show_default="agreement",
        ),
    ] = None,
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
    max_samples: Annotated[
        int | None, typer.Option(help="The most a run may draw.", show_default="all there are")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs per question.")] = 5,
    method: Annotated[
        Method, typer.Option(help="How scores are fitted: see docs/calibration.md.")
    ] = "platt",
    jobs: Annotated[
        int | None, typer.Option(help="Processes to work in.", show_default="one per core")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what is written, and nothing else.")
    ] = False,
) -> None:
    """Fit what scores and votes are worth on the labelled POOL, for --calibration."""
    with errors_in_words():
        check_out(out, [pool])
        settings = Replay(
            policy=policy,
            verifier=[name for name in verifier or ["agreement"] if name != NO_VERIFIER],
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
        try:
            out.write_text(f"{plain}\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"out={str(out)!r}: {error.strerror or error}") from None
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
