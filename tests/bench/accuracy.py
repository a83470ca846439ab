"""Right answers per unit of compute, on held-out questions of the embedded family."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence

from tests.bench.speed import say
from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.embedded import LEVELS, Problem, examples
from verifier_agent.search import agree, sample, until

QUESTIONS_PER_LEVEL = 40
SEEDS = (0, 1, 2)
MOST = 32


def questions() -> list[Problem]:
    return [
        p for level in list(LEVELS)[:5] for p in examples(level=level, count=QUESTIONS_PER_LEVEL)
    ]


def interval(values: Sequence[float], draws: int = 4000) -> str:
    """Mean, and its 95 % bootstrap interval over questions."""
    dice = random.Random(0)
    means = sorted(statistics.fmean(dice.choices(values, k=len(values))) for _ in range(draws))
    low, high = means[int(draws * 0.025)], means[int(draws * 0.975)]
    return f"{statistics.fmean(values):.4f} [{low:.4f}, {high:.4f}]"


def adaptive_consistency() -> None:
    """sample(32) ended by agree(0.95), against a fixed majority of 32, on the same questions."""
    budget = Budget(calls=8 * MOST)
    fixed = create_verifier_agent(
        "embedded", policy=sample(MOST, MOST), selector="vote", budget=budget
    )
    policy = until(sample(MOST, 4), agree(0.95))
    adaptive = create_verifier_agent("embedded", policy=policy, selector="vote", budget=budget)
    right: list[float] = []
    tokens: list[float] = []
    accuracy: dict[str, list[float]] = {"fixed": [], "adaptive": []}
    for problem in questions():
        gains, ratios = [], []
        for seed in SEEDS:
            config = {"configurable": {"verifier_agent": {"seed": seed}}}
            question = {"messages": [("user", problem.question)]}
            runs = [Run.of(agent.invoke(question, config)) for agent in (fixed, adaptive)]
            scores = [float(run.selection.answer == problem.answer) for run in runs]
            accuracy["fixed"].append(scores[0])
            accuracy["adaptive"].append(scores[1])
            gains.append(scores[1] - scores[0])
            ratios.append(runs[1].spent.tokens / runs[0].spent.tokens)
        right.append(statistics.fmean(gains))
        tokens.append(statistics.fmean(ratios))
    say(f"{len(right)} held-out questions, {len(SEEDS)} seeds, mean and 95 % interval by question")
    say(f"accuracy of majority of {MOST}: {statistics.fmean(accuracy['fixed']):.4f}")
    adapted = statistics.fmean(accuracy["adaptive"])
    say(f"accuracy of sample({MOST}) until agree(0.95): {adapted:.4f}")
    say(f"paired difference in accuracy: {interval(right)}")
    say(f"tokens, as a share of the fixed ones: {interval(tokens)}")
