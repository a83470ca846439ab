"""Accuracy against tokens of all strategies on the embedded models, by difficulty.

    python -m tests.bench strategies FOLDER

keeps what every strategy did in FOLDER, and writes pictures, a table and what the literature says
into the docs. Run again, it goes on where it was.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from tests.bench.documents import DOCS, WIDTH, write_section
from tests.bench.speed import say
from tests.bench.strategy_set import (
    CLAIMS,
    MODELS,
    REFERENCE,
    STRATEGIES,
    Strategy,
    likelihood,
)
from verifier_agent.embedded import examples
from verifier_agent.evaluation import Live, evaluate_live
from verifier_agent.evaluation.metrics import intervals, mean
from verifier_agent.evaluation.plots import draw_by_difficulty, write_chart

LEVELS = (1, 2, 3, 4, 5)
PER_LEVEL = 12
PROBLEMS_SEED = 2027
SEEDS = 5
BUDGET = {"calls": 100_000}
"""Out of the way: what ends a run is its policy."""
VERIFIERS: Mapping[str, Any] = {"prm": "embedded-prm", "likelihood": likelihood, "": None}

Plain = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """What one strategy did at one size."""

    strategy: Strategy
    policy: str
    result: Plain
    right: Mapping[str, float]
    """Of each question, the share of the seeds that were right."""
    level: Mapping[str, int]

    @property
    def generated(self) -> float:
        """Generated tokens a question."""
        return float(self.result["ledger"]["generated_tokens"])

    def over(self, other: Done, levels: Sequence[int] = LEVELS) -> tuple[float, float, float]:
        """Return the paired difference in points, and its 95 % interval by question."""
        kept = [name for name in self.right if self.level[name] in levels]
        paired = {"d": [100 * (self.right[name] - other.right[name]) for name in kept]}
        low, high = intervals(paired)["d"]
        return mean(paired["d"]) or 0.0, low, high


def strategies(folder: str = ".training/strategies") -> None:
    """Run what has not been run, draw each family of strategies, write table and claims."""
    done = ran(Path(folder))
    families = list(dict.fromkeys(one.family for one in STRATEGIES if one != REFERENCE))
    for family in families:
        drawn = {
            one.name: curve(done[one.name], done[REFERENCE.name])
            for one in STRATEGIES
            if one == REFERENCE or one.family == family
        }
        name = f"strategies-{family.replace(' ', '-')}.svg"
        write_chart(draw_by_difficulty(drawn, x="tokens"), DOCS / name)
    text = "".join(f"{line}\n" for line in (*pictures(families), *table(done), *shapes(done)))
    say(text)
    write_section("strategies", text)


def ran(folder: Path) -> dict[str, list[Done]]:
    """Return what every strategy did at each of its sizes; run what the folder does not hold."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = [p for n in LEVELS for p in examples(n, PER_LEVEL, seed=PROBLEMS_SEED, split="test")]
    data = folder / "data.jsonl"
    entries = [
        {"id": p.question, "question": p.question, "gold": p.answer, "level": p.level}
        for p in problems
    ]
    data.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    level = {p.question: p.level for p in problems}
    labels = {p.question: p.answer for p in problems}
    done: dict[str, list[Done]] = {}
    for strategy in STRATEGIES:
        for policy in strategy.policies:
            kept = (
                folder / f"{re.sub(r'[^a-z0-9]+', '-', f'{strategy.name} {policy}'.lower())}.json"
            )
            out = kept.with_suffix(".jsonl")
            if not kept.exists():
                found = evaluate_live(
                    MODELS[strategy.models], data, settings(strategy, policy), out=out
                )
                kept.write_text(json.dumps(found))
                say(f"{strategy.name}: {policy}: {100 * found['accuracy']:.1f} %")
            right: dict[str, list[float]] = {}
            for line in map(json.loads, out.read_text().splitlines()):
                right.setdefault(line["id"], []).append(line["answer"] == labels[line["id"]])
            shares = {name: sum(values) / len(values) for name, values in right.items()}
            result = json.loads(kept.read_text())
            done.setdefault(strategy.name, []).append(Done(strategy, policy, result, shares, level))
    return done


def settings(strategy: Strategy, policy: str) -> Live:
    """Return how a strategy is run."""
    return Live(
        policy=policy,
        verifier=VERIFIERS[strategy.verifier],
        selector=strategy.selector,
        budget=BUDGET,
        seeds=SEEDS,
    )


def curve(sizes: Sequence[Done], fresh: Sequence[Done]) -> Plain:
    """Return the ends of all sizes as one result, in the form that is drawn.

    Its baselines are those of fresh samples: the first of them, and whether any is right.
    """
    last = sizes[-1].result
    levels = []
    for place, level in enumerate(last["by_difficulty"]):
        parts = [one.result["by_difficulty"][place] for one in sizes]
        widest = fresh[-1].result["by_difficulty"][place]
        levels.append({**level, "by_budget": ends(parts), "baselines": baselines(widest)})
    every = ends([one.result for one in sizes])
    known = baselines(fresh[-1].result)
    return {**last, "by_budget": every, "by_difficulty": levels, "baselines": known}


def ends(curves: Sequence[Plain]) -> list[Plain]:
    """Return the last point of each curve."""
    return [one["by_budget"][-1] for one in curves]


def baselines(found: Plain) -> Plain:
    """Return what choosing begins at, and what it cannot go above."""
    return {name: found["baselines"][name] for name in ("first", "oracle")}


def pictures(families: Sequence[str]) -> Iterator[str]:
    """Yield the pictures, and what all of them show."""
    yield fill(
        f"{PER_LEVEL} held-out questions of each level, each with {SEEDS} seeds. All tokens "
        "count: generated ones, prompts (of a search over steps, with every step anew) and what "
        "the reward model reads; one of the sibling's takes 14 times the operations of one of the "
        "generator's. Every picture has the weighted vote of fresh samples beside it; dashed: one "
        "sample, and the oracle of 16, which is right where any of them is.",
        WIDTH,
    )
    for family in families:
        yield ""
        yield f"![{family}: accuracy against tokens](strategies-{family.replace(' ', '-')}.svg)"
    yield ""


def table(done: Mapping[str, Sequence[Done]]) -> Iterator[str]:
    """Yield every strategy at every size, and how it compares at equal generated tokens."""
    yield fill(
        "Over the weighted vote: the paired difference to the weighted vote of the fewest fresh "
        "samples (of 1, 2, 4, 8, 16) that generate at least as many tokens, or of 16 where none "
        "do; 95 % intervals by question.",
        WIDTH,
    )
    yield ""
    yield "| strategy | policy | % right | generated | all tokens | over the weighted vote |"
    yield "|---|---|---|---|---|---|"
    for name, sizes in done.items():
        for one in sizes:
            end = one.result["by_budget"][-1]
            over = "" if name == REFERENCE.name else points(one.over(beside(one, done)))
            yield (
                f"| {name} | `{one.policy}` | {100 * end['accuracy']:.1f} ± "
                f"{100 * end['accuracy_se']:.1f} | {one.generated:,.0f} | "
                f"{one.result['ledger']['total_tokens']:,.0f} | {over} |"
            )
    yield ""


def beside(one: Done, done: Mapping[str, Sequence[Done]]) -> Done:
    """Return the weighted vote that generates at least as many tokens, or the largest."""
    fresh = done[REFERENCE.name]
    return next((other for other in fresh if other.generated >= one.generated), fresh[-1])


def shapes(done: Mapping[str, Sequence[Done]]) -> Iterator[str]:
    """Yield what the literature reports, and whether it was found here."""
    yield "What the literature reports, and what was found here, on small models and few questions:"
    yield ""
    yield "| reported | source | here | difference |"
    yield "|---|---|---|---|"
    for claim in CLAIMS:
        better, worse = (done[name][size] for name, size in (claim.better, claim.worse))
        difference = better.over(worse, claim.levels)
        yield f"| {claim.text} | {claim.source} | {verdict(difference)} | {points(difference)} |"


def verdict(difference: tuple[float, float, float]) -> str:
    """Say whether an interval bears a claim out."""
    _, low, high = difference
    return "found" if low > 0 else "the opposite" if high < 0 else "not found"


def points(difference: tuple[float, float, float]) -> str:
    """Write a difference with its interval."""
    middle, low, high = difference
    return f"{middle:+.1f} [{low:+.1f}, {high:+.1f}]" if not math.isnan(middle) else ""
