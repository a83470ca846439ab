"""What the embedded verifier is worth: choosing, revising and searching with it, against what is
free.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from typing import Any

from tests.bench.documents import WIDTH, write_section
from tests.bench.elsewhere import Elsewhere
from tests.bench.embedded_pool import SAMPLES, recorded
from tests.bench.speed import say
from verifier_agent.embedded import Problem, examples
from verifier_agent.embedded.family import Split
from verifier_agent.evaluation import Live, Replay, evaluate, evaluate_live
from verifier_agent.evaluation.metrics import intervals, mean, standard_error

LEVELS = (1, 2, 3, 4, 5)
SEED = 2026
"""Of the problems: a set that nothing else uses."""
POWER = 4
"""Of the weights in the vote; chosen on validation problems."""
OURS = "vote weighted by its score, to the power"

CHOICES: dict[str, tuple[str, str | None]] = {
    "majority": ("vote", None),
    "best by log-probability": ("best", "scores:likelihood"),
    "vote weighted by probability": ("weighted_vote", "scores:likelihood"),
    "best by the reward model": ("best", "scores:prm"),
    "vote weighted by its score": ("weighted_vote", "scores:prm"),
    OURS: (f"weighted_vote(power={POWER})", "scores:prm"),
    "exact step checker": ("weighted_vote", "scores:exact"),
}
"""Selector, and what it goes by; the last one is given what no verifier has."""

Plain = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What one strategy did: of each question whether it was right, and what it used on average."""

    level: Mapping[str, int]
    right: Mapping[str, float]
    ledger: Plain

    def over(self, other: Outcome) -> tuple[float, float, float]:
        """Return the paired difference in points, and its 95 % interval by question."""
        paired = {"d": [100 * (self.right[name] - other.right[name]) for name in self.right]}
        low, high = intervals(paired)["d"]
        return mean(paired["d"]) or 0.0, low, high

    def only(self, level: int) -> Outcome:
        """Return the same of one level."""
        kept = {name: right for name, right in self.right.items() if self.level[name] == level}
        return Outcome(self.level, kept, self.ledger)

    def shares(self) -> Iterator[tuple[float, float]]:
        """Yield mean and standard error in percent: of each level, then of all."""
        for level in (*LEVELS, None):
            kept = [
                100 * right
                for name, right in self.right.items()
                if level in (None, self.level[name])
            ]
            yield mean(kept) or 0.0, standard_error(kept) or 0.0


@dataclass
class Bench:
    """A set of problems, in files, and the strategies run on them."""

    folder: Path
    split: Split
    per_level: int
    live_per_level: int
    labels: dict[str, str] = field(default_factory=dict)
    level: dict[str, int] = field(default_factory=dict)

    def problems(self, count: int) -> list[Problem]:
        """Return the first `count` problems of each level."""
        found = [p for n in LEVELS for p in examples(n, count, seed=SEED, split=self.split)]
        self.labels |= {p.question: p.answer for p in found}
        self.level |= {p.question: p.level for p in found}
        return found

    def record(self) -> Path:
        """Sample and judge; return the pool."""
        pool = self.folder / "pool.jsonl"
        problems = self.problems(self.per_level)
        with pool.open("w") as file:
            for problem in problems:
                file.write(json.dumps(recorded(problem)) + "\n")
        return pool

    def chosen(self, pool: Path, name: str, n: int, orders: int = 1) -> Outcome:
        """Replay one way of choosing among the first `n` samples."""
        selector, verifier = CHOICES[name]
        settings = Replay(
            policy=f"best_of({n})",
            selector=selector,
            verifier=verifier,
            seeds=orders,
            max_samples=n,
        )
        out = self.folder / "out.jsonl"
        found = evaluate(pool, settings, out=out, jobs=1)
        return self._outcome(out, found)

    def oracle(self, pool: Path) -> Outcome:
        """Say which questions have any right sample."""
        right = {}
        for line in map(json.loads, pool.read_text().splitlines()):
            right[line["id"]] = float(any(sample["correct"] for sample in line["samples"]))
        return Outcome(self.level, right, {})

    def live(self, policy: str, verifier: Any, selector: str) -> Outcome:
        """Run a policy on the embedded models themselves."""
        data = self.folder / "data.jsonl"
        problems = self.problems(self.live_per_level)
        entries = [
            {"id": p.question, "question": p.question, "gold": p.answer, "level": p.level}
            for p in problems
        ]
        data.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        out = self.folder / "out.jsonl"
        settings = Live(
            policy=policy, verifier=verifier, selector=selector, budget={"calls": 10_000}
        )
        return self._outcome(out, evaluate_live("embedded", data, settings, out=out))

    def _outcome(self, out: Path, found: Plain) -> Outcome:
        right: dict[str, list[float]] = {}
        for line in map(json.loads, out.read_text().splitlines()):
            right.setdefault(line["id"], []).append(line["answer"] == self.labels[line["id"]])
        shares = {name: sum(values) / len(values) for name, values in right.items()}
        return Outcome(self.level, shares, found["ledger"])


def verifier() -> None:
    """Measure choosing, revising and searching on the test split, and write it down."""
    write_section("verifier", measured("test", per_level=400, live_per_level=60))


def validation() -> None:
    """Measure the same on a few validation problems, for choices; write nothing."""
    measured("validation", per_level=40, live_per_level=12)


def measured(split: Split, per_level: int, live_per_level: int) -> str:
    """Return the text of the section."""
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder), split, per_level, live_per_level)
        text = "".join(f"{line}\n" for line in (*choosing(bench), "", *growing(bench)))
    say(text)
    return text


def choosing(bench: Bench) -> Iterator[str]:
    """Yield how often each way of choosing among 16 samples is right, and the paired gains."""
    pool = bench.record()
    found = {name: bench.chosen(pool, name, SAMPLES) for name in CHOICES}
    found["oracle"] = bench.oracle(pool)
    yield fill(
        f"**Choosing** among {SAMPLES} samples at temperature 1, {bench.per_level} problems "
        f"of each level; % right ± standard error over problems. The power {POWER} of the weights "
        "was chosen on validation problems. The exact step checker knows what no verifier has; "
        "where it finds no sample without a fault, the majority is taken.",
        WIDTH,
    )
    yield ""
    yield from table(found)
    ours, free, likely = found[OURS], found["majority"], found["best by log-probability"]
    most = found["oracle"].over(free)[0]
    yield ""
    yield f"The vote weighted by the score to the power {POWER}:"
    yield ""
    yield f"- over the majority of {SAMPLES}: {points(ours.over(free))}"
    yield f"- over the best by log-probability: {points(ours.over(likely))}"
    yield f"- of the way from majority to oracle: {100 * ours.over(free)[0] / most:.0f} %"
    yield f"- the exact step checker over it: {points(found['exact step checker'].over(ours))}"
    four = bench.chosen(pool, OURS, 4, orders=4)
    yield f"- {SAMPLES} samples over 4 of them, both weighted: {points(ours.over(four))}"
    yield from at_equal_operations(bench, pool, free)


def at_equal_operations(bench: Bench, pool: Path, free: Outcome) -> Iterator[str]:
    """Yield the weighted vote of as many samples as cost no more FLOPs than the majority of 16."""
    for n in range(SAMPLES, 0, -1):
        fewer = bench.chosen(pool, OURS, n, orders=4)
        if fewer.ledger["flops"] <= free.ledger["flops"]:
            share = fewer.ledger["flops"] / free.ledger["flops"]
            yield (
                f"- weighted vote of {n} ({share:.2f} of the operations, the verifier's counted) "
                f"over the majority of {SAMPLES}: {points(fewer.over(free))}"
            )
            return


def growing(bench: Bench) -> Iterator[str]:
    """Yield what revision and step-level search bring through the graph, at equal tokens."""

    @cache
    def fresh(n: int) -> Outcome:
        return bench.live(f"best_of({n})", None, "vote")

    @cache
    def weighted(n: int) -> Outcome:
        return bench.live(f"best_of({n})", "embedded-prm", f"weighted_vote(power={POWER})")

    revise, beam = "revise(4, threshold=0.5)", "beam(4, 4)"
    grown = {
        "one sample": fresh(1),
        "cut where the reward model points": bench.live(revise, "embedded-prm", "best"),
        "cut at a random line": bench.live(revise, Elsewhere(), "best"),
        "start anew": bench.live(revise, Elsewhere(restart=True), "best"),
        "beam search by its step scores": bench.live(beam, "embedded-prm", "best"),
    }
    cut = grown["cut where the reward model points"]
    same = cheapest(fresh, cut, "total_tokens")
    grown[f"majority of {same} fresh samples"] = fresh(same)
    wide = cheapest(weighted, grown["beam search by its step scores"], "generated_tokens")
    grown[f"weighted vote of {wide} fresh samples"] = weighted(wide)
    yield fill(
        f"**Revising and searching** through the graph, {bench.live_per_level} problems of each "
        "level: up to 4 revisions while the best scores below 0.5, and 4 beams of 4 next lines "
        "each. Revision is put beside as many fresh samples as take at least as many tokens, the "
        "prompts and the reward model's counted; beam search beside as many as generate at least "
        "as many, since each of its lines reads everything before it again.",
        WIDTH,
    )
    yield ""
    yield from table(grown, tokens=True)
    yield ""
    for other in ("cut at a random line", "start anew", f"majority of {same} fresh samples"):
        yield f"- the located cut over {other}: {points(cut.over(grown[other]))}"
    search = grown["beam search by its step scores"]
    best = weighted(wide)
    yield f"- beam search over the weighted vote of {wide}: {points(search.over(best))}"
    for level in (2, 3, 4):
        yield f"  - level {level}: {points(search.only(level).over(best.only(level)))}"


def cheapest(drawn: Callable[[int], Outcome], like: Outcome, tokens: str) -> int:
    """Return the fewest samples that take at least the tokens of `like`, or the most there are."""
    spent = like.ledger[tokens]
    return bisect_left(range(SAMPLES), spent, lo=1, key=lambda n: drawn(n).ledger[tokens])


def table(found: Mapping[str, Outcome], *, tokens: bool = False) -> Iterator[str]:
    """Yield a table: strategies down, levels across."""
    more = " generated | all tokens |" if tokens else ""
    yield "| | " + " | ".join(map(str, LEVELS)) + f" | all |{more}"
    yield "|---|" + "---|" * (len(LEVELS) + 1 + 2 * tokens)
    for name, outcome in found.items():
        cells = [f"{middle:.1f} ± {error:.1f}" for middle, error in outcome.shares()]
        if tokens:
            cells += [f"{outcome.ledger[n]:,.0f}" for n in ("generated_tokens", "total_tokens")]
        yield f"| {name} | " + " | ".join(cells) + " |"


def points(difference: tuple[float, float, float]) -> str:
    """Write a difference with its interval."""
    middle, low, high = difference
    return f"{middle:+.1f} points [{low:+.1f}, {high:+.1f}]"
