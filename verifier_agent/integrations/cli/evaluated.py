"""The figures of an evaluation, as tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from verifier_agent.integrations.cli.shown import dollars, joules

Plain = dict[str, Any]


def print_figures(found: Plain) -> None:
    """Print what `evaluate` returned, in words."""
    console = Console(soft_wrap=True, highlight=False)
    for label, words in _lines(found):
        console.print(Text.assemble((f"{label:<12}", "bold"), words))
    console.print()
    console.print(_curve(found["by_budget"]))
    console.print()
    console.print(_against(found))
    if found["by_difficulty"]:
        console.print()
        console.print(_by_difficulty(found["by_difficulty"]))


def _lines(found: Plain) -> list[tuple[str, str]]:
    seeds = "" if found["seeds"] == 1 else f", {found['seeds']} times each"
    sure = f"brier {number(found['brier'])}, auroc {number(found['auroc'])}, "
    sure += f"ece {number(found['ece'])} ({' / '.join(found['basis'])})"
    outcomes = ", ".join(f"{name} {count}" for name, count in found["outcomes"].items())
    return [
        ("Questions", f"{found['questions']}{seeds}; {found['labelled']} with labels"),
        ("Accuracy", percent(found["accuracy"], found["accuracy_se"])),
        ("Samples", number(found["mean_samples"], 1)),
        ("Tokens", number(found["mean_tokens"], 0)),
        ("Used", _used(found["ledger"])),
        ("Confidence", sure),
        ("Ended", outcomes),
    ]


def _used(ledger: Plain) -> str:
    """Say what a run used on average, as far as it is known."""
    tokens = ", ".join(
        f"{name} {number(ledger[f'{name}_tokens'], 0)}"
        for name in ("generated", "prompt", "cached", "verifier")
        if ledger[f"{name}_tokens"] is not None
    )
    words = [f"tokens: {tokens}"] if tokens else []
    if ledger["calls"] is not None:
        words.append(f"calls {number(ledger['calls'], 1)}")
    if ledger["usd"]:
        words.append(dollars(ledger["usd"]))
    if ledger["flops"] is not None:
        words.append(f"{ledger['flops']:.2g} FLOPs")
    if ledger["joules"] is not None:
        words.append(f"{joules(ledger['least_joules'])} to {joules(ledger['joules'])} J")
    if ledger["seconds"] is not None:
        words.append(f"{ledger['seconds']:.1f} s")
    return "; ".join(words) or "unknown"


def _by_difficulty(groups: list[Plain]) -> Table:
    rows = table("difficulty", "questions", "accuracy", "samples", "majority", "oracle")
    for group in groups:
        rows.add_row(
            group["difficulty"],
            str(group["questions"]),
            percent(group["accuracy"], group["accuracy_se"]),
            number(group["mean_samples"], 1),
            percent(group["baselines"]["majority"]),
            percent(group["baselines"]["oracle"]),
        )
    return rows


def _curve(points: list[Plain]) -> Table:
    rows = table("at most", "accuracy", "samples", "tokens")
    for point in points:
        rows.add_row(
            str(point["max_samples"]),
            percent(point["accuracy"], point["accuracy_se"]),
            number(point["mean_samples"], 1),
            number(point["mean_tokens"], 0),
        )
    return rows


def _against(found: Plain) -> Table:
    rows = table("baseline", "accuracy", "samples", "policy minus baseline, 95 % interval")
    for name, figures in found["baselines"].items():
        alone = not isinstance(figures, dict)
        given = found["differences"].get(name)
        rows.add_row(
            name.replace("_", " "),
            percent(figures if alone else figures["accuracy"]),
            "" if alone else number(figures["mean_samples"], 1),
            "unknown" if given is None else difference(given["accuracy"], given["interval"]),
        )
    return rows


def difference(accuracy: float, interval: Sequence[float] | None) -> str:
    """Write a difference of accuracies in points, with its interval where there is one."""
    words = f"{100 * accuracy:+.1f}"
    if interval is None:
        return words
    low, high = interval
    return f"{words} [{100 * low:+.1f}, {100 * high:+.1f}]"


def table(*names: str) -> Table:
    """Return an empty table: the first column to the left, the others to the right."""
    made = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for place, name in enumerate(names):
        made.add_column(name, justify="right" if place else "left", no_wrap=True)
    return made


def number(value: float | None, digits: int = 3) -> str:
    """Write a number, or that it is unknown."""
    return "unknown" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, error: float | None = None) -> str:
    """Write a share in percent, with its standard error where there is one."""
    if value is None:
        return "unknown"
    return f"{100 * value:.1f} %" + ("" if error is None else f" ± {100 * error:.1f}")
