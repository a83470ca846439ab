"""The command `eval`: any policy, verifier and selector on a pool of recorded answers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.evaluation.evaluating import Tell
from verifier_agent.integrations.asking import errors_in_words

NO_VERIFIER = "none"
Plain = dict[str, Any]


def evaluate_pool(
    pool: Annotated[
        Path, typer.Option(metavar="FILE", help="Recorded answers; see docs/pools.md.")
    ],
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help='Where compute goes, for instance "best_of(16)".',
            show_default="draw until 95 % sure of the majority",
        ),
    ] = None,
    selector: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTOR",
            help="How the answer is chosen: best, vote, weighted_vote.",
            show_default="vote, or weighted_vote with scores",
        ),
    ] = None,
    verifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="agreement, arithmetic, embedded-prm, scores:NAME, tests, or none; may be given "
            "several times.",
            show_default="agreement",
        ),
    ] = None,
    max_samples: Annotated[
        int | None, typer.Option(help="The most a run may draw.", show_default="all there are")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs per question, each in another order.")] = 1,
    in_order: Annotated[
        bool, typer.Option("--in-order", help="Draw samples in the order of the file.")
    ] = False,
    calibrate_on: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Fit confidence on this labelled pool first."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JSON line per question and seed.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Processes to work in.", show_default="one per core")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Replay recorded answers through the real graph, without calling a model."""
    with errors_in_words():
        named = [name for name in verifier or ["agreement"] if name != NO_VERIFIER]
        settings = Replay(
            policy=policy,
            selector=selector,
            verifier=named,
            max_samples=max_samples,
            seeds=seeds,
            in_order=in_order,
        )
        with _progress() as tell:
            found = evaluate(
                pool,
                settings,
                calibrate_on=calibrate_on,
                out=out,
                jobs=_cores() if jobs is None else jobs,
                tell=tell,
            )
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _print(found)


def _cores() -> int:
    # what this process may use, which in a container is less than the machine has
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _progress() -> Iterator[Tell | None]:
    """Draw a bar on stderr while there is a terminal; else show nothing."""
    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield None
        return
    columns = (TextColumn("questions"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("replay", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _print(found: Plain) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for label, words in _lines(found):
        console.print(Text.assemble((f"{label:<12}", "bold"), words))
    console.print()
    console.print(_curve(found["by_budget"]))
    console.print()
    console.print(_against(found))


def _lines(found: Plain) -> list[tuple[str, str]]:
    seeds = "" if found["seeds"] == 1 else f", {found['seeds']} times each"
    sure = f"brier {_number(found['brier'])}, auroc {_number(found['auroc'])}, "
    sure += f"ece {_number(found['ece'])} ({' / '.join(found['basis'])})"
    outcomes = ", ".join(f"{name} {count}" for name, count in found["outcomes"].items())
    return [
        ("Questions", f"{found['questions']}{seeds}; {found['labelled']} with labels"),
        ("Accuracy", _percent(found["accuracy"], found["accuracy_se"])),
        ("Samples", _number(found["mean_samples"], 1)),
        ("Tokens", _number(found["mean_tokens"], 0)),
        ("Confidence", sure),
        ("Ended", outcomes),
    ]


def _curve(points: list[Plain]) -> Table:
    table = _table("at most", "accuracy", "samples", "tokens")
    for point in points:
        table.add_row(
            str(point["max_samples"]),
            _percent(point["accuracy"], point["accuracy_se"]),
            _number(point["mean_samples"], 1),
            _number(point["mean_tokens"], 0),
        )
    return table


def _against(found: Plain) -> Table:
    table = _table("baseline", "accuracy", "samples", "policy minus baseline, 95 % interval")
    for name, figures in found["baselines"].items():
        alone = not isinstance(figures, dict)
        given = found["differences"].get(name)
        table.add_row(
            name.replace("_", " "),
            _percent(figures if alone else figures["accuracy"]),
            "" if alone else _number(figures["mean_samples"], 1),
            "unknown" if given is None else _difference(given),
        )
    return table


def _difference(given: Plain) -> str:
    words = f"{100 * given['accuracy']:+.1f}"
    if given["interval"] is None:
        return words
    low, high = given["interval"]
    return f"{words} [{100 * low:+.1f}, {100 * high:+.1f}]"


def _table(*names: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for place, name in enumerate(names):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    return table


def _number(value: float | None, digits: int = 3) -> str:
    return "unknown" if value is None else f"{value:,.{digits}f}"


def _percent(value: float | None, error: float | None = None) -> str:
    if value is None:
        return "unknown"
    return f"{100 * value:.1f} %" + ("" if error is None else f" ± {100 * error:.1f}")
