"""Accuracy of the embedded family by difficulty and compute, written into docs/benchmarks.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from typing import Any

from tests.bench.documents import DOCS, WIDTH, write_section
from tests.bench.embedded_pool import SAMPLES, recorded
from tests.bench.speed import say
from verifier_agent.embedded import (
    LEVELS,
    examples,
)
from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.evaluation.plots import draw_by_difficulty, write_chart

QUESTIONS_PER_LEVEL = 100
ORDERS = 8
"""So often is every question replayed, its samples drawn in another order."""
SELECTORS = {
    "majority vote": ("vote", None),
    "vote weighted by the reward model": ("weighted_vote", ["scores:prm"]),
}
Plain = dict[str, Any]


def by_difficulty() -> None:
    """Record samples of levels 1 to 5 once, replay both selectors, write the table and the plot."""
    problems = [
        p for level in list(LEVELS)[:5] for p in examples(level=level, count=QUESTIONS_PER_LEVEL)
    ]
    with TemporaryDirectory() as folder:
        pool = Path(folder) / "pool.jsonl"
        pool.write_text("".join(json.dumps(recorded(problem)) + "\n" for problem in problems))
        found = {
            name: evaluate(
                pool,
                Replay(
                    policy=f"best_of({SAMPLES})", selector=selector, verifier=named, seeds=ORDERS
                ),
            )
            for name, (selector, named) in SELECTORS.items()
        }
    table = "".join(f"{line}\n" for line in lines(found))
    say(table)
    write_chart(draw_by_difficulty(found, x="flops"), DOCS / "embedded-curves.svg")
    write_section("curves", table)


def lines(found: Mapping[str, Plain]) -> Iterator[str]:
    """Yield the table of both selectors: levels down, samples across."""
    first = next(iter(found.values()))
    yield fill(
        f"{QUESTIONS_PER_LEVEL} held-out questions of each level, {SAMPLES} samples of each at "
        f"temperature 1, drawn in {ORDERS} orders; % right ± standard error over questions, by the "
        f"number of samples used. Oracle: any of the {SAMPLES} is right.",
        WIDTH,
    )
    yield ""
    budgets = [point["max_samples"] for point in first["by_budget"]]
    yield "| level | selection | " + " | ".join(map(str, budgets)) + " | oracle |"
    yield "|---|---|" + "---|" * (len(budgets) + 1)
    names = [level["difficulty"] for level in first["by_difficulty"]]
    for place, name in enumerate([*names, f"{names[0]} to {names[-1]}"]):
        for selection, result in found.items():
            curve = result["by_difficulty"][place] if place < len(names) else result
            cells = [
                f"{100 * p['accuracy']:.1f} ± {100 * p['accuracy_se']:.1f}"
                for p in curve["by_budget"]
            ]
            oracle = f"{100 * curve['baselines']['oracle']:.1f}"
            yield f"| {name} | {selection} | " + " | ".join([*cells, oracle]) + " |"
    yield ""
    yield from compared(found)


def compared(found: Mapping[str, Plain]) -> Iterator[str]:
    """Yield what weighing the votes brings, and what it takes."""
    plain, weighted = found.values()
    gain = weighted["differences"]["majority"]
    low, high = (100 * end for end in gain["interval"])
    more = weighted["ledger"]["flops"] / plain["ledger"]["flops"]
    yield fill(
        f"With {SAMPLES} samples the weights bring {100 * gain['accuracy']:+.1f} points, 95 % "
        f"interval [{low:+.1f}, {high:+.1f}] (paired bootstrap over questions), for {more:.2f} "
        "times the operations. Each sample counts as a call of its own, its prompt included, and "
        "each verdict with all that it reads.",
        WIDTH,
    )
