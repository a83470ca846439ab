"""The command `tune`: from a labelled pool to a file that says where compute goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from verifier_agent.evaluation import Replay, Tuning, tune
from verifier_agent.evaluation.recordings.writing import check_out, write_text
from verifier_agent.integrations.cli.asking import errors_in_words
from verifier_agent.integrations.cli.counting import progress
from verifier_agent.integrations.cli.evaluated import number, percent, table
from verifier_agent.integrations.cli.options import (
    JsonOfFile,
    LabelledPool,
    MaxSamples,
    Out,
    PoolVerifiers,
    Seeds,
    chosen_verifiers,
)
from verifier_agent.integrations.cli.shown import clip
from verifier_agent.search import Policy, Tuned
from verifier_agent.search.tuned import Unit

WIDTH = 100
"""Characters of a policy that are shown; the file has all of it."""


def tune_on_pool(
    pool: LabelledPool,
    out: Out = Path("policy.json"),
    verifier: PoolVerifiers = None,
    selector: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTOR",
            help="How the answer is chosen.",
            show_default="by reliability with several models; vote, or weighted_vote with scores",
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="POLICY",
            help="What there is to choose from, the one to beat first; may be given several times.",
            show_default="a menu, see docs/tuning.md",
        ),
    ] = None,
    calls: Annotated[
        list[int] | None,
        typer.Option(
            help="The most calls of a run; a column of the table for each.",
            show_default="4, 8, 16, …, as far as the pool goes",
        ),
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(
            help="What one unit costs, in right answers.", show_default="0.002 per sample"
        ),
    ] = None,
    unit: Annotated[Unit, typer.Option(help="What is paid for.")] = "samples",
    one_model: Annotated[
        bool, typer.Option("--one-model", help="Take the models that the pool names for one.")
    ] = False,
    max_samples: MaxSamples = None,
    seeds: Seeds = 3,
    folds: Annotated[int, typer.Option(help="Parts that are held out, one after the other.")] = 5,
    as_json: JsonOfFile = False,
) -> None:
    """Learn on the labelled POOL where compute pays, by difficulty and budget, for --policy."""
    with errors_in_words():
        check_out(out, [pool])
        settings = Replay(
            selector=selector,
            verifier=chosen_verifiers(verifier or ["agreement"]),
            max_samples=max_samples,
            seeds=seeds,
        )
        tuning = Tuning(
            policies=tuple(policy or ()),
            budgets=tuple(calls or ()),
            price=price,
            unit=unit,
            folds=folds,
            arms=not one_model,
        )
        with progress() as tell:
            found = tune(pool, settings, tuning, tell=tell)
        plain = json.dumps(found.to_dict(), indent=1)
        write_text(out, f"{plain}\n")
    if as_json:
        typer.echo(plain)
        return
    console = Console(soft_wrap=True, highlight=False)
    for line in (*_lines(found.policy), f"chosen by {_short(found.selector)}"):
        console.print(line, markup=False)
    console.print()
    console.print(_gains(found))
    console.print("Gains are points on questions that were held out, with 95 % bounds.")
    console.print(f"\nWritten to {out}; use it with --policy {out}")


def _lines(policy: Policy) -> Iterator[str]:
    """Yield the cells of a table of policies, a line for each; any other policy as it is."""
    if policy.name != "table":
        yield _short(policy)
        return
    given = policy.arguments
    for at, row in enumerate(given["cells"]):
        if given["difficulty"] is not None:
            yield f"{given['difficulty']!r} {_bounds(given['above'], at)}"
        for budget, cell in zip(given["budgets"], row, strict=True):
            yield f"{budget:>6} calls  {_short(cell)}"


def _bounds(above: tuple[float, ...], row: int) -> str:
    return f"at most {above[row]:g}" if row < len(above) else f"above {above[-1]:g}"


def _short(spec: object) -> str:
    """Return the text of a policy or selector; what is known of many models is long."""
    return clip(repr(spec), WIDTH)


def _gains(found: Tuned) -> Table:
    unit = found.unit
    rows = table("calls", "right", "before", unit, "before", "gain", "gain less price")
    for gain in found.gains:
        low, high = (100 * bound for bound in gain.value[1:])
        rows.add_row(
            str(gain.budget),
            percent(gain.accuracy),
            percent(gain.plain_accuracy),
            number(gain.cost, 2),
            number(gain.plain_cost, 2),
            f"{100 * gain.difference[0]:+.2f}",
            f"{100 * gain.value[0]:+.2f} [{low:+.2f}, {high:+.2f}]",
        )
    return rows
