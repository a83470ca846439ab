"""What tuning brings on recorded pools, on questions that it was not learned on."""

from __future__ import annotations

import sys

from tests.bench.documents import write_section
from verifier_agent.evaluation import Replay, Tuning, tune
from verifier_agent.search import Policy
from verifier_agent.search.tuned import Gain

ORDERS = 20
SETTINGS = Replay(verifier=None, seeds=ORDERS)
TUNING = Tuning(arms=False)


def tuning(*pools: str) -> None:
    """Tune on each pool, its models taken for one; report the gains by budget."""
    lines = [
        "| pool | calls at most | % right, plain | draws | % right, tuned | draws | gain, points "
        "| gain less price, points |",
        "|---|---|---|---|---|---|---|---|",
    ]
    tables = []
    for pool in pools:
        name = pool.rpartition("/")[2].partition(".")[0]
        found = tune(pool, SETTINGS, TUNING)
        lines += [f"| {name} | {row(gain)} |" for gain in found.gains]
        tables.append(f"{name}, learned on all questions: {described(found.policy)}")
    text = "\n".join([*lines, "", *(f"- {line}" for line in tables)])
    write_section("tuning", text)
    sys.stdout.write(f"{text}\n")


def row(gain: Gain) -> str:
    return (
        f"{gain.budget} | {gain.plain_accuracy:.1%} | {gain.plain_cost:.2f} "
        f"| {gain.accuracy:.1%} | {gain.cost:.2f} "
        f"| {points(gain.difference)} | {points(gain.value)}"
    )


def points(found: tuple[float, float, float]) -> str:
    mean, low, high = (100 * value for value in found)
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"


def described(policy: Policy) -> str:
    """Return a table of policies in words; any other policy as it is written."""
    if policy.name != "table":
        return f"`{policy!r}`"
    given = policy.arguments
    rows = [", ".join(f"`{cell!r}`" for cell in cells) for cells in given["cells"]]
    if given["difficulty"] is None:
        return f"by budget {rows[0]}"
    return f"by budget, and by `{given['difficulty']!r}` above {given['above']}: " + "; ".join(rows)
