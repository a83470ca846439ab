"""A comparison, as tables on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from verifier_agent.integrations.cli.evaluated import difference, number, percent, table
from verifier_agent.integrations.cli.shown import count, dollars, joules, printable

Plain = dict[str, Any]

ROLES = ("small", "large")
UNITS = {"flops": "FLOPs", "usd": "dollars", "joules": "joules (estimate, upper end)"}
OWN_RESULTS = (
    "by the small model's own samples, which flatters it in bin 1 and wrongs it in bin 5; "
    "--held-out does not"
)


def print_comparison(found: Plain) -> None:
    """Print what `compare` returned, in words."""
    console = Console(soft_wrap=True, highlight=False)
    for label, words in _lines(found):
        console.print(Text.assemble((f"{label:<12}", "bold"), printable(words)))
    groups = [{"difficulty": "all", **found["overall"]}, *found["by_difficulty"]]
    for rows in (_at_equal_cost(groups), _the_other_way(groups)):
        console.print()
        console.print(rows)


def _lines(found: Plain) -> list[tuple[str, str]]:
    once = _amount(found["overall"]["large"][0]["cost"], found["unit"])
    lines = [
        ("Questions", _questions(found)),
        *((role.capitalize(), _side(found[role])) for role in ROLES),
        ("Equal in", f"{UNITS[found['unit']]}; the large model once takes {once} per question"),
    ]
    unread = [role for role in ROLES if not found[role]["prompts"]]
    if unread:
        whose = " and the ".join(unread)
        lines.append(("Not counted", f"prompts of the {whose} model: their tokens are unknown"))
    if found["bins"] == "share":
        lines.append(("Difficulty", OWN_RESULTS))
    return lines


def _questions(found: Plain) -> str:
    left = found["left_out"]
    words = [f"{left[role]} only in the {role} model's pool" for role in left if left[role]]
    return "; left out: ".join([str(found["questions"]), *([", ".join(words)] if words else [])])


def _side(side: Plain) -> str:
    models = ", ".join(side["models"]) or "unnamed"
    orders = "in the file's order" if side["in_order"] else f"in {count(side['seeds'], 'order')}"
    judged = f", judged by {', '.join(side['verifiers'])}" if side["verifiers"] else ""
    return (
        f"{models}: {side['policy']}{judged}, chosen by {side['selector']}; "
        f"up to {count(side['max_samples'], 'sample')} {orders}"
    )


def _at_equal_cost(groups: list[Plain]) -> Table:
    """Return what the small model reaches if it may spend what the large one takes once."""
    rows = table(
        "difficulty", "large\nonce", "small", "samples", "cost",
        "small minus large,\n95 % interval", "as good\nat",
    )  # fmt: skip
    for group in groups:
        once, equal, first = group["large"][0], group["equal_cost"], group["first_match"]
        rows.add_row(
            _named(group),
            percent(once["accuracy"]),
            *_reached(equal, group["small"][0], once),
            "never" if first is None else _times(first["ratio"]),
        )
    return rows


def _the_other_way(groups: list[Plain]) -> Table:
    """Return what the large model reaches if it may spend what the small one takes at most."""
    rows = table(
        "difficulty", "small\nat most", "large", "samples", "cost",
        "small minus large,\n95 % interval", "samples\nof small",
    )  # fmt: skip
    for group in groups:
        most, back = group["small"][-1], group["reverse"]
        rows.add_row(
            _named(group),
            percent(most["accuracy"]),
            *_reached(back, group["large"][0], most),
            number(most["mean_samples"], 1),
        )
    return rows


def _reached(point: Plain | None, least: Plain, other: Plain) -> tuple[str, str, str, str]:
    """Return accuracy, samples, relative cost and difference at equal cost.

    Where even the `least` costs more than the `other` model, what it would cost.
    """
    if point is None:
        return "too dear", "1.0", _times(other["cost"] and least["cost"] / other["cost"]), ""
    return (
        percent(point["accuracy"]),
        number(point["mean_samples"], 1),
        _times(point["ratio"]),
        difference(point["difference"], point["interval"]),
    )


def _named(group: Plain) -> str:
    return f"{group['difficulty']} ({group['questions']})"


def _times(ratio: float | None) -> str:
    return "unknown" if ratio is None else f"{ratio:.4g}x"


def _amount(cost: float, unit: str) -> str:
    return {"usd": dollars, "joules": joules}.get(unit, "{:.2g}".format)(cost)
