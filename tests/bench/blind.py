"""What `adaptive()` is worth with votes alone: answers of recorded pools, in random orders."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tests.bench.documents import write_section
from verifier_agent.budget import Remaining, Spent
from verifier_agent.evaluation.baselines import majority
from verifier_agent.evaluation.recordings.pools import Question, read_pool
from verifier_agent.graph.build import default_policy
from verifier_agent.search import PolicyFunction, adaptive, agree, sample, until
from verifier_agent.search.adaptive.adapting import PRICE
from verifier_agent.search.stopping.majority import mass_above_half
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Task

ORDERS, RESAMPLES = 20, 2000
BLIND = Task(question="blinded")
LEVELS = (0.95, 0.9, 0.89, 0.88, 0.87, 0.8)
"""At which adaptive consistency stops; the first is its own, the others to tune it by."""
PRICES = (0.0016, 0.0018, 0.002, 0.0022, 0.0024, 0.0026, 0.0028, 0.0032)
SPEND = 0.66
"""A price is chosen as the lowest with at most so many draws, as a share of agree(0.95)'s."""
WHOLE, OWN = "majority of all", "agree(0.95)"
Draws = list[str | None]
Rule = Callable[[Draws], int]
Draw = Callable[[Question, int], tuple[Draws, list[int]]]


@dataclass
class Outcome:
    """Per question, mean over the orders: right answers and draws, by rule."""

    right: dict[str, np.ndarray]
    drawn: dict[str, np.ndarray]
    half: np.ndarray
    """Which half each question belongs to: 0 or 1."""

    def loss(self, rule: str) -> np.ndarray:
        """Return, by question, the points by which a rule is righter than the majority of all."""
        return 100 * (self.right[rule] - self.right[WHOLE])

    def spent(self, rule: str, kept: Any = slice(None)) -> float:
        """Return the draws of a rule as a share of those of adaptive consistency."""
        return float(self.drawn[rule][kept].mean() / self.drawn[OWN][kept].mean())


def votes(*pools: str) -> None:
    """Compare adaptive() with the majority of all and with adaptive consistency, pool by pool."""
    rules: dict[str, Rule] = {WHOLE: len}
    rules |= {f"agree({level:g})": partial(consistent, level=level) for level in LEVELS}
    rules |= {priced(price): partial(adapted, price=price) for price in PRICES}
    rules["adaptive()"] = adapted
    found = {name_of(pool): measured(pool, rules, shuffled) for pool in pools}
    halved, others = by_halves(found), by_other_pools(found)
    shown = ["adaptive()", halved, others, *(f"agree({level:g})" for level in LEVELS)]
    text = "\n".join([*table(found, shown), "", *tuned(found, ["adaptive()", halved, others])])
    write_section("blind", text)
    sys.stdout.write(text + "\n")


def defaults(*pools: str) -> None:
    """Compare the default policy where votes decide with adaptive consistency of at most 8."""
    policies = [default_policy(()), until(sample(8, batch=4), agree(0.95))]
    rules: dict[str, Rule] = {WHOLE: len}
    rules |= {str(policy): partial(driven, policy=policy) for policy in policies}
    found = [measured(pool, rules, shuffled) for pool in pools]
    lines = [
        "| policy | accuracy - majority's, points | draws | on each pool |",
        "|---|---|---|---|",
    ]
    for rule in list(rules)[1:]:
        low, high = interval([one.loss(rule) for one in found])
        mean = np.mean([one.loss(rule).mean() for one in found])
        draws = np.mean([one.drawn[rule].mean() for one in found])
        each = ", ".join(
            f"{name_of(pool)} {one.loss(rule).mean():+.2f} in {one.drawn[rule].mean():.1f}"
            for pool, one in zip(pools, found, strict=True)
        )
        lines.append(f"| `{rule}` | {mean:+.2f} [{low:+.2f}, {high:+.2f}] | {draws:.2f} | {each} |")
    write_section("defaults", "\n".join(lines))
    sys.stdout.write("\n".join(lines) + "\n")


def name_of(pool: str) -> str:
    return pool.rpartition("/")[2].partition(".")[0]


def priced(price: float) -> str:
    return f"adaptive(price={price:g})"


def by_halves(found: dict[str, Outcome], most: float = SPEND) -> str:
    """Add the rule that takes, on each half, the price chosen on the other."""
    name = "adaptive(), its price chosen on the other half"
    for half in (0, 1):
        best = chosen(found, {pool: one.half != half for pool, one in found.items()}, most)
        for one in found.values():
            take(one, name, best, one.half == half)
    return name


def by_other_pools(found: dict[str, Outcome]) -> str:
    """Add the rule that takes, on each pool, the price chosen on all others."""
    name = "adaptive(), its price chosen on the other pools"
    for pool, one in found.items():
        rest = {other: slice(None) for other in found if other != pool}
        take(one, name, chosen(found, rest), slice(None))
    return name


def chosen(found: dict[str, Outcome], kept: Mapping[str, Any], most: float = SPEND) -> str:
    """Return the lowest price with at most so many of the draws, on these questions."""
    for price in PRICES:
        spent = np.mean([found[pool].spent(priced(price), mask) for pool, mask in kept.items()])
        if spent <= most:
            break
    sys.stdout.write(f"{priced(price)} chosen, with {spent:.3f} of the draws\n")
    return priced(price)


def take(one: Outcome, name: str, rule: str, kept: Any) -> None:
    """Let the new rule do on these questions what another does."""
    for figures in (one.right, one.drawn):
        figures.setdefault(name, np.zeros(len(one.half)))[kept] = figures[rule][kept]


def table(found: dict[str, Outcome], shown: Sequence[str]) -> Iterator[str]:
    """Yield what each rule does on each pool, and in the mean."""
    yield "| pool | rule | accuracy - majority's, points | draws | draws / agree(0.95)'s |"
    yield "|---|---|---|---|---|"
    for pool, one in found.items():
        for rule in shown:
            low, high = interval([one.loss(rule)])
            spent = f"{one.drawn[rule].mean():.2f} | {one.spent(rule):.3f}"
            mean = one.loss(rule).mean()
            yield f"| {pool} | {quoted(rule)} | {mean:+.2f} [{low:+.2f}, {high:+.2f}] | {spent} |"
    for rule in shown:
        low, high = interval([one.loss(rule) for one in found.values()])
        mean, spent = overall(found, rule)
        yield f"| mean | {quoted(rule)} | {mean:+.2f} [{low:+.2f}, {high:+.2f}] | | {spent:.3f} |"


def quoted(rule: str) -> str:
    call, comma, rest = rule.partition("), ")
    return f"`{call})`, {rest}" if comma else f"`{rule}`"


def overall(found: dict[str, Outcome], rule: str) -> tuple[float, float]:
    """Return the means over the pools of a rule's loss and of its share of the draws."""
    losses = [one.loss(rule).mean() for one in found.values()]
    return float(np.mean(losses)), float(np.mean([one.spent(rule) for one in found.values()]))


def tuned(found: dict[str, Outcome], ours: Sequence[str]) -> Iterator[str]:
    """Yield what adaptive consistency draws where it is tuned, afterwards, to the same accuracy."""
    curve = sorted(overall(found, f"agree({level:g})") for level in LEVELS)
    for rule in ours:
        mean, spent = overall(found, rule)
        theirs = np.interp(mean, *zip(*curve, strict=True))
        yield (
            f"- {quoted(rule)}: {spent / theirs:.2f} times the draws of adaptive consistency at "
            "the same accuracy, between the levels above"
        )


def measured(pool: str, rules: dict[str, Rule], draw: Draw) -> Outcome:
    """Draw every question of a pool in all orders, without replacement."""
    sums: dict[str, list[list[float]]] = {name: [] for name in rules}
    halves = []
    for question in read_pool(pool):
        halves.append(hashlib.sha256(question.question.encode()).digest()[-1] % 2)
        for rows in sums.values():
            rows.append([0.0, 0.0])
        for order in range(ORDERS):
            draws, right = draw(question, order)
            for name, rule in rules.items():
                n = rule(draws)
                good = right[majority([(answer, None) for answer in draws[:n]])]
                sums[name][-1][0] += good / ORDERS
                sums[name][-1][1] += n / ORDERS
    figures = {name: np.array(rows) for name, rows in sums.items()}
    return Outcome(
        right={name: rows[:, 0] for name, rows in figures.items()},
        drawn={name: rows[:, 1] for name, rows in figures.items()},
        half=np.array(halves),
    )


def shuffled(question: Question, order: int) -> tuple[Draws, list[int]]:
    """Return the answers in one order, and which of them are right."""
    samples = list(question.samples)
    random.Random(f"{order}:{question.id}").shuffle(samples)
    return [s.answer for s in samples], [s.correct or 0 for s in samples]


def candidates(draws: Draws) -> list[Candidate]:
    return [Candidate(id=f"g{i}", answer=answer) for i, answer in enumerate(draws)]


def adapted(draws: Draws, price: float = PRICE) -> int:
    """Return how many of the draws `adaptive()` asks for."""
    return driven(draws, adaptive(price=price))


def driven(draws: Draws, policy: PolicyFunction) -> int:
    """Return how many of the draws a policy asks for."""
    named, n = candidates(draws), 0
    while n < len(draws):
        tree = Tree(BLIND, named[:n], spent=Spent(calls=n))
        [action] = policy(tree, Remaining(calls=len(draws) - n))
        if not isinstance(action, Generate):
            break
        n = min(n + action.n, len(draws))
    return n


def consistent(draws: Draws, level: float) -> int:
    """Return how many of the draws adaptive consistency asks for."""
    counts: dict[str, int] = {}
    for n, answer in enumerate(draws, 1):
        if answer is not None:
            counts[answer] = counts.get(answer, 0) + 1
            first, second = sorted([*counts.values(), 0], reverse=True)[:2]
            if mass_above_half(first, second) >= level:
                return n
    return len(draws)


def interval(losses: list[np.ndarray]) -> tuple[float, float]:
    """Return the 95 % bounds of the mean over pools, by bootstrap over the questions of each."""
    dice = np.random.default_rng(0)
    means = [
        np.mean([loss[dice.integers(0, len(loss), len(loss))].mean() for loss in losses])
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
