"""What `adaptive()` is worth with votes alone: answers of recorded pools, in random orders."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tests.bench.documents import write_section
from verifier_agent.budget import Remaining, Spent
from verifier_agent.evaluation.baselines import majority
from verifier_agent.evaluation.pools import Question, read_pool
from verifier_agent.search import adaptive
from verifier_agent.search.majority import mass_above_half
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Task

ORDERS, RESAMPLES = 20, 2000
BLIND = Task(question="blinded")
LEVELS = (0.95, 0.9, 0.89, 0.885, 0.88, 0.87, 0.8)
"""At which adaptive consistency stops; the first is its own, the others to tune it by."""
Draws = list[str | None]
Rule = Callable[[Draws], int]


@dataclass
class Outcome:
    """Per question, summed over the orders: right answers and draws, by rule."""

    right: dict[str, list[float]] = field(default_factory=dict)
    drawn: dict[str, list[float]] = field(default_factory=dict)


def votes(*pools: str) -> None:
    """Compare adaptive() with the majority of all and with adaptive consistency, pool by pool."""
    rules: dict[str, Rule] = {"majority of all": len, "adaptive()": adapted}
    rules |= {f"agree({level:g})": lambda d, at=level: consistent(d, at) for level in LEVELS}  # type: ignore[misc]
    lines = ["| pool | rule | accuracy - majority's, points | draws | draws / agree(0.95)'s |"]
    lines.append("|---|---|---|---|---|")
    found = {pool: measured(pool, rules) for pool in pools}
    for pool, outcome in found.items():
        name = pool.rpartition("/")[2].partition(".")[0]
        for rule in list(rules)[1:]:
            loss = difference(outcome, rule)
            draws, own = np.mean(outcome.drawn[rule]), np.mean(outcome.drawn["agree(0.95)"])
            low, high = interval([loss])
            lines.append(
                f"| {name} | `{rule}` | {loss.mean():+.2f} [{low:+.2f}, {high:+.2f}] "
                f"| {draws:.2f} | {draws / own:.3f} |"
            )
    for rule in list(rules)[1:]:
        losses = [difference(outcome, rule) for outcome in found.values()]
        ratio = np.mean(
            [np.mean(o.drawn[rule]) / np.mean(o.drawn["agree(0.95)"]) for o in found.values()]
        )
        low, high = interval(losses)
        mean = np.mean([loss.mean() for loss in losses])
        lines.append(f"| mean | `{rule}` | {mean:+.2f} [{low:+.2f}, {high:+.2f}] | | {ratio:.3f} |")
    write_section("blind", "\n".join(lines))
    sys.stdout.write("\n".join(lines) + "\n")


def measured(pool: str, rules: dict[str, Rule]) -> Outcome:
    """Draw every question of a pool in all orders, without replacement."""
    outcome = Outcome({name: [] for name in rules}, {name: [] for name in rules})
    for question in read_pool(pool):
        sums = {name: [0.0, 0.0] for name in rules}
        for order in range(ORDERS):
            draws, right = shuffled(question, order)
            for name, rule in rules.items():
                n = rule(draws)
                sums[name][0] += right[majority([(answer, None) for answer in draws[:n]])] / ORDERS
                sums[name][1] += n / ORDERS
        for name, (good, n) in sums.items():
            outcome.right[name].append(good)
            outcome.drawn[name].append(n)
    return outcome


def shuffled(question: Question, order: int) -> tuple[Draws, list[int]]:
    """Return the answers in one order, and which of them are right."""
    samples = list(question.samples)
    random.Random(f"{order}:{question.id}").shuffle(samples)
    return [s.answer for s in samples], [s.correct or 0 for s in samples]


def candidates(draws: Draws) -> list[Candidate]:
    return [Candidate(id=f"g{i}", answer=answer) for i, answer in enumerate(draws)]


def adapted(draws: Draws) -> int:
    """Return how many of the draws `adaptive()` asks for."""
    named, n = candidates(draws), 0
    while n < len(draws):
        tree = Tree(BLIND, named[:n], spent=Spent(calls=n))
        [action] = adaptive()(tree, Remaining(calls=len(draws) - n))
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


def difference(outcome: Outcome, rule: str) -> np.ndarray:
    """Return, by question, the points by which a rule is righter than the majority of all."""
    return 100 * (np.array(outcome.right[rule]) - np.array(outcome.right["majority of all"]))


def interval(losses: list[np.ndarray]) -> tuple[float, float]:
    """Return the 95 % bounds of the mean over pools, by bootstrap over the questions of each."""
    dice = np.random.default_rng(0)
    means = [
        np.mean([loss[dice.integers(0, len(loss), len(loss))].mean() for loss in losses])
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
