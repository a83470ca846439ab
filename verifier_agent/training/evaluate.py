"""Measure the shipped embedded models on problems that they were not trained on.

    python -m verifier_agent.training.evaluate --problems 200 --report report.json

prints, for `--problems` problems of each level of the test split: how often one sample, the
majority, the best-scored sample or any of 16 is right; how well the reward model tells right lines
from wrong ones; what cutting at the first suspicious line and drawing again brings, against a cut
at a random line and against starting anew; and how fast tokens are drawn.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from verifier_agent.embedded.family import LEVELS, Problem, Split, examples
from verifier_agent.embedded.judge import closed, judge
from verifier_agent.embedded.tokenizer import SOLVE_ID, encode
from verifier_agent.training.chains import Chain, sampled
from verifier_agent.training.progress import say
from verifier_agent.training.step_labels import label

SAMPLES = 16
ROUNDS = 4
SUSPICIOUS = 0.5


@dataclass
class Solved:
    """A problem with its sampled solutions and their scores."""

    problem: Problem
    chains: list[Chain]
    steps: list[list[float]] = field(default_factory=list)
    greedy: bool = False

    @property
    def right(self) -> list[bool]:
        """Which solutions give the right answer."""
        return [chain.answer == self.problem.answer for chain in self.chains]

    def votes(self, weights: Sequence[float]) -> bool:
        """Whether the answer with the most weight is right; the earlier one wins a tie."""
        total: dict[str, float] = defaultdict(float)
        for chain, weight in zip(self.chains, weights, strict=True):
            if chain.answer is not None:
                total[chain.answer] += weight
        return bool(total) and max(total, key=lambda a: total[a]) == self.problem.answer

    def best(self, scores: Sequence[float]) -> bool:
        """Whether the solution with the highest score is right."""
        return self.right[int(np.argmax(scores))]


def lengths(chain: Chain) -> int:
    """Count a chain's tokens."""
    return len(encode(chain.solution)) + 1


RULES: dict[str, Callable[[Solved], float]] = {
    "pass@1": lambda s: float(np.mean(s.right)),
    "greedy": lambda s: s.greedy,
    "majority": lambda s: s.votes([1.0] * len(s.chains)),
    "log-prob sum": lambda s: s.best([c.logprob for c in s.chains]),
    "log-prob mean": lambda s: s.best([c.logprob / lengths(c) for c in s.chains]),
    "log-prob-weighted vote": lambda s: s.votes([math.exp(c.logprob) for c in s.chains]),
    "PRM product": lambda s: s.best([float(np.prod(x)) for x in s.steps]),
    "PRM min": lambda s: s.best([min(x) for x in s.steps]),
    "PRM-weighted vote": lambda s: s.votes([float(np.prod(x)) for x in s.steps]),
    "pass@16": lambda s: any(s.right),
}
"""How one answer is taken from the samples; each gives the chance that it is right."""


def scored(question: str, chains: Sequence[Chain]) -> list[list[float]]:
    """Return the reward model's score of each line of each chain."""
    asked = (*encode(question), SOLVE_ID)
    read = [closed(encode(chain.solution), chain.ended) for chain in chains]
    return [[float(x) for x in row] for row in judge().scores(asked, read)]


def attempt(problem: Problem, temperature: float) -> Solved:
    """Sample solutions of one problem, and the greedy one; without scores."""
    found = Solved(problem, sampled(problem.question, SAMPLES, temperature, seed=0))
    found.greedy = sampled(problem.question, 1, 0.0, seed=0)[0].answer == problem.answer
    return found


def area(right: Sequence[float], wrong: Sequence[float]) -> float:
    """Return P(a right one scores above a wrong one), ties counted half (the area under ROC)."""
    both = np.concatenate([right, wrong])
    _, place, count = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (count.cumsum() - (count - 1) / 2)[place]
    own = ranks[: len(right)].sum() - len(right) * (len(right) + 1) / 2
    return float(own / (len(right) * len(wrong))) if len(right) and len(wrong) else float("nan")


def separation(solved: Sequence[Solved]) -> dict[str, float]:
    """Return areas under ROC: of lines, of lines up to the first wrong one, of whole chains."""
    lines: dict[bool, list[float]] = {True: [], False: []}
    early: dict[bool, list[float]] = {True: [], False: []}
    whole: dict[bool, list[float]] = {True: [], False: []}
    for item in solved:
        for chain, steps, right in zip(item.chains, item.steps, item.right, strict=True):
            whole[right].append(float(np.prod(steps)))
            clean = True
            labels = label(chain.question, chain.solution, chain.ended)
            for line, score in zip(labels, steps, strict=True):
                lines[line.right].append(score)
                if clean:
                    early[line.right].append(score)
                clean = clean and line.right
    return {
        "line AUC": area(lines[True], lines[False]),
        "line AUC up to the first error": area(early[True], early[False]),
        "chain AUC": area(whole[True], whole[False]),
        "wrong lines": len(lines[False]) / (len(lines[True]) + len(lines[False])),
        "slips among first wrong lines": _slips(solved),
    }


def _slips(solved: Sequence[Solved]) -> float:
    """Return the part of first wrong lines in which only the arithmetic is wrong."""
    slips, errors = 0, 0
    for item in solved:
        for chain in item.chains:
            for line in label(chain.question, chain.solution, chain.ended):
                if not line.right:
                    errors += 1
                    ok = [part.right for part in line.parts]
                    slips += ok == [True, True, True, False]
                    break
    return slips / max(1, errors)


Cut = Callable[[Random, Sequence[float]], int]
"""Given the scores of a chain's lines, how many lines to keep."""


def first_suspicious(rng: Random, steps: Sequence[float]) -> int:
    """Keep what stands before the first line that is probably wrong."""
    return next(at for at, score in enumerate(steps) if score < SUSPICIOUS)


CUTS: dict[str, Cut] = {
    "located cut": first_suspicious,
    "random cut": lambda rng, steps: rng.randrange(len(steps)),
    "restart": lambda rng, steps: 0,
}


def revise(item: Solved, cut: Cut, temperature: float) -> tuple[bool, int]:
    """Revise the first sample; return whether it ends right, and how many tokens were drawn.

    Every cut shares the trigger (a line below SUSPICIOUS) and the rule of acceptance (the product
    of scores must rise); only the place of the cut differs.
    """
    chain, steps, drawn = item.chains[0], item.steps[0], 0
    for number in range(ROUNDS):
        if min(steps) >= SUSPICIOUS:
            break
        kept = cut(Random(f"{item.problem.question}:{number}"), steps)
        lines = [line for line in chain.solution.split("\n") if line.strip()][:kept]
        partial = "".join(f"{line}\n" for line in lines)
        new = sampled(item.problem.question, 1, temperature, 1_000 + number, partial)[0]
        drawn += lengths(new) - len(encode(partial))
        new_steps = scored(item.problem.question, [new])[0]
        if np.prod(new_steps) > np.prod(steps):
            chain, steps = new, new_steps
    return chain.answer == item.problem.answer, drawn


def mean(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard error, in percent."""
    array = np.array(values, float) * 100
    return float(array.mean()), float(array.std(ddof=1) / len(array) ** 0.5)


def speed(batch: int, problems: Sequence[Problem]) -> float:
    """Return tokens drawn per second, reading the prompts included."""
    sampled(problems[0].question, batch, 1.0, 0)
    began, tokens = time.perf_counter(), 0
    for problem in problems:
        tokens += sum(lengths(c) for c in sampled(problem.question, batch, 1.0, 0))
    return tokens / (time.perf_counter() - began)


def summary(levels: dict[int, list[Solved]], temperature: float) -> dict[str, Any]:
    """Measure everything but speed; percentages come as [mean, standard error]."""
    within = [item for level, items in levels.items() if level <= 5 for item in items]
    groups = {**{str(level): items for level, items in levels.items()}, "1-5": within}
    groups["1-6"] = [item for items in levels.values() for item in items]
    result: dict[str, Any] = {"problems per level": len(levels[1]), "temperature": temperature}
    result["levels"] = {
        name: {rule: mean([f(item) for item in items]) for rule, f in RULES.items()}
        for name, items in groups.items()
    }
    result["over majority, levels 1-5, paired"] = {
        name: mean([rule(item) - RULES["majority"](item) for item in within])
        for name, rule in RULES.items()
    }
    result["separation, levels 1-5"] = separation(within)
    revision: dict[str, Any] = {"start": mean([item.right[0] for item in within])}
    for name, cut in CUTS.items():
        revised = [revise(item, cut, temperature) for item in within]
        tokens = float(np.mean([drawn for _, drawn in revised]))
        ends = mean([right for right, _ in revised])
        revision[name] = {"right": ends, "tokens per problem": tokens}
    result["revision, levels 1-5"] = revision
    drawn = [sum(lengths(chain) for chain in item.chains) for item in within]
    result["tokens of 16 samples, levels 1-5"] = float(np.mean(drawn))
    return result


def report(count: int, temperature: float, split: Split) -> dict[str, Any]:
    """Sample, score and measure `count` problems of each level."""
    levels: dict[int, list[Solved]] = {}
    for level in LEVELS:
        levels[level] = [attempt(p, temperature) for p in examples(level, count, split=split)]
        for item in levels[level]:
            item.steps = scored(item.problem.question, item.chains)
        say(f"level {level}: {count} problems solved and scored")
    result = summary(levels, temperature)
    fast = examples(4, 20, split=split)
    result["tokens/s"] = {f"batch {b}": round(speed(b, fast)) for b in (1, 8, 16)}
    return result


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--split", choices=("test", "validation"), default="test")
    parser.add_argument("--report", type=Path)
    chosen = parser.parse_args()
    result = report(chosen.problems, chosen.temperature, chosen.split)
    text = json.dumps(result, indent=1)
    say(text)
    if chosen.report:
        chosen.report.write_text(text + "\n")


if __name__ == "__main__":
    main()
