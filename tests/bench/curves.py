"""Accuracy of the embedded family by difficulty and compute, written into docs/benchmarks.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from typing import Any

from langchain_core.messages import HumanMessage

from tests.bench.speed import say
from verifier_agent.answers import answer_key
from verifier_agent.embedded import (
    LEVELS,
    EmbeddedChatModel,
    EmbeddedRewardModel,
    Problem,
    examples,
)
from verifier_agent.evaluation import Replay, evaluate
from verifier_agent.evaluation.plots import draw_by_difficulty, write_chart
from verifier_agent.values import Candidate, Cost, Task

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- curves -->\n", "<!-- end of curves -->"
WIDTH = 100
QUESTIONS_PER_LEVEL = 100
SAMPLES = 16
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
    document = DOCS / "benchmarks.md"
    before, _, rest = document.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    document.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


def recorded(problem: Problem) -> Plain:
    """Sample answers to a question and have them judged; each sample as a call of its own."""
    generator, judge = EmbeddedChatModel(seed=0), EmbeddedRewardModel()
    result = generator.generate([[HumanMessage(problem.question)]], n=SAMPLES)
    messages: Any = [generation.message for generation in result.generations[0]]  # type: ignore[union-attr]
    texts = [message.text for message in messages]
    candidates = [Candidate(id=str(place), text=text) for place, text in enumerate(texts)]
    verdicts = judge.verify_sync(Task(question=problem.question), candidates)
    samples = []
    for message, verdict in zip(messages, verdicts, strict=True):
        read, written = (message.usage_metadata[f"{way}_tokens"] for way in ("input", "output"))
        cost = Cost(calls=1, input_tokens=read, output_tokens=written)
        key = answer_key(message.text)
        samples.append(
            {
                "text": message.text,
                "answer": key,
                "correct": int(key == problem.answer),
                "tokens": written,
                "scores": {} if verdict.score is None else {"prm": verdict.score},
                "cost": generator.footprint.of(cost).to_dict(),
                "verifier_cost": judge.footprint.of(verdict.cost).to_dict(),
            }
        )
    # the numbers of a problem are its own, so its question is a name
    return {
        "id": problem.question,
        "question": problem.question,
        "level": problem.level,
        "samples": samples,
    }


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
