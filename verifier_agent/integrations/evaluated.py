"""The figures of an evaluation, as tables on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from verifier_agent.integrations.shown import dollars, joules

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
    sure = f"brier {_number(found['brier'])}, auroc {_number(found['auroc'])}, "
    sure += f"ece {_number(found['ece'])} ({' / '.join(found['basis'])})"
    outcomes = ", ".join(f"{name} {count}" for name, count in found["outcomes"].items())
    return [
        ("Questions", f"{found['questions']}{seeds}; {found['labelled']} with labels"),
        ("Accuracy", _percent(found["accuracy"], found["accuracy_se"])),
        ("Samples", _number(found["mean_samples"], 1)),
        ("Tokens", _number(found["mean_tokens"], 0)),
        ("Used", _used(found["ledger"])),
        ("Confidence", sure),
        ("Ended", outcomes),
    ]


def _used(ledger: Plain) -> str:
    """Say what a run used on average, as far as it is known."""
    tokens = ", ".join(
        f"{name} {_number(ledger[f'{name}_tokens'], 0)}"
        for name in ("generated", "prompt", "cached", "verifier")
        if ledger[f"{name}_tokens"] is not None
    )
    words = [f"tokens: {tokens}"] if tokens else []
    if ledger["calls"] is not None:
        words.append(f"calls {_number(ledger['calls'], 1)}")
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
    table = _table("difficulty", "questions", "accuracy", "samples", "majority", "oracle")
    for group in groups:
        table.add_row(
            group["difficulty"],
            str(group["questions"]),
            _percent(group["accuracy"], group["accuracy_se"]),
            _number(group["mean_samples"], 1),
            _percent(group["baselines"]["majority"]),
            _percent(group["baselines"]["oracle"]),
        )
    return table


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
