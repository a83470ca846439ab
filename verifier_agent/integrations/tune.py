"""The command `tune`: from a labelled pool to a file that says where compute goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation import Replay, Tuning, tune
from verifier_agent.evaluation.writing import check_out
from verifier_agent.integrations.asking import errors_in_words
from verifier_agent.integrations.counting import progress
from verifier_agent.integrations.evaluate import NO_VERIFIER
from verifier_agent.integrations.evaluated import number, percent, table
from verifier_agent.integrations.shown import clip
from verifier_agent.search import Policy, Tuned
from verifier_agent.search.tuned import Unit

WIDTH = 80
"""Characters of a policy that are shown; the file has all of it."""


def tune_on_pool(
    pool: Annotated[
        Path, typer.Argument(metavar="POOL", help="Labelled answers; see docs/pools.md.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")] = Path(
        "policy.json"
    ),
    verifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Who judges: scores:NAME, tests, embedded-prm, agreement, none; may be given "
            "several times.",
            show_default="agreement",
        ),
    ] = None,
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
    max_samples: Annotated[
        int | None, typer.Option(help="The most a run may draw.", show_default="all there are")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs per question.")] = 3,
    folds: Annotated[int, typer.Option(help="Parts that are held out, one after the other.")] = 5,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what is written, and nothing else.")
    ] = False,
) -> None:
    """Learn on the labelled POOL where compute pays, by difficulty and budget, for --policy."""
    with errors_in_words():
        check_out(out, [pool])
        settings = Replay(
            selector=selector,
            verifier=[name for name in verifier or ["agreement"] if name != NO_VERIFIER],
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
        try:
            out.write_text(f"{plain}\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"out={str(out)!r}: {error.strerror or error}") from None
    if as_json:
        typer.echo(plain)
        return
    console = Console(soft_wrap=True, highlight=False)
    console.print(_cells(found.policy))
    console.print(f"\nchosen by {_short(found.selector)}\n")
    console.print(_gains(found))
    console.print(f"\nWritten to {out}; use it with --policy {out}")


def _cells(policy: Policy) -> Table:
    """Return the table of policies; of one that is none, its only cell."""
    if policy.name != "table":
        only = table("policy")
        only.add_row(_short(policy))
        return only
    given = policy.arguments
    columns = [f"{budget} calls" for budget in given["budgets"]]
    rows = table("" if given["difficulty"] is None else repr(given["difficulty"]), *columns)
    for at, row in enumerate(given["cells"]):
        rows.add_row(_bounds(given["above"], at), *map(_short, row))
    return rows


def _bounds(above: tuple[float, ...], row: int) -> str:
    if row < len(above):
        return f"at most {above[row]:g}"
    return f"above {above[-1]:g}" if above else ""


def _short(spec: object) -> str:
    """Return the text of a policy or selector; what is known of many models is long."""
    return clip(repr(spec), WIDTH)


def _gains(found: Tuned) -> Table:
    rows = table(
        "calls", "accuracy", found.unit, "before", found.unit, "gain", f"gain less {found.unit}"
    )
    for gain in found.gains:
        rows.add_row(
            str(gain.budget),
            percent(gain.accuracy),
            number(gain.cost, 2),
            percent(gain.plain_accuracy),
            number(gain.plain_cost, 2),
            _points(gain.difference),
            _points(gain.value),
        )
    return rows


def _points(found: tuple[float, float, float]) -> str:
    mean, low, high = (100 * value for value in found)
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"
