"""What weighing several verifiers is worth: on recorded scores, and on the embedded models."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from typing import Any

from tests.bench.documents import WIDTH, write_section
from tests.bench.sibling import pool as sampled
from tests.bench.speed import say
from verifier_agent.evaluation.metrics import intervals
from verifier_agent.evaluation.recordings.pools import Survey, read_pool
from verifier_agent.evaluation.weighing import Judges
from verifier_agent.weighting import METHODS, Scored, Weights, best_right, fit_weights

LABELS = 48
DRAWS = 60


def ensemble(path: str, folder: str = ".training/sibling") -> None:
    """Weigh the scorers of RewardMATH (a file of its rows), and the embedded verifiers.

    The folder is that of the bench `sibling`, whose pool of the embedded generator is taken.
    """
    with TemporaryDirectory() as place:
        rows = list(reward_math(path, Path(place)))
    rows += list(embedded(sampled(Path(folder), "generator")))
    text = "\n".join(rows)
    say(text)
    write_section("ensemble", text)


def reward_math(path: str, folder: Path) -> Iterator[str]:
    """Yield the part on recorded scorers; steps are read by their lowest, then by their mean."""
    pool = folder / "rewardmath.jsonl"
    with gzip.open(Path(path), "rt") as file:
        lines = [_as_pool(json.loads(line)) for line in file]
    pool.write_text("".join(json.dumps(line) + "\n" for line in lines))
    names = sorted(Survey.of(pool).scores)
    yield fill(
        f"**RewardMATH**: {len(lines)} questions, ten answers each, one of them right; "
        f"{len(names)} recorded reward models and judges. How often the best-scored answer is "
        "right, in per cent, with 95 % bounds by question. Weights without labels are fitted on "
        "each half of the questions and measured on the other; with labels on "
        f"{LABELS} questions drawn at random, {DRAWS} times, and measured on all others (after the "
        "semicolon: 5 % and 95 % of the draws). The best verifier alone is known with hindsight "
        "only.",
        WIDTH,
    )
    for how in ("min", "mean"):
        yield from ("", f"Step scores read by their {'lowest' if how == 'min' else 'mean'}:", "")
        yield from table(*scored(pool, [f"scores:{name}@{how}" for name in names]))


def embedded(pool: Path) -> Iterator[str]:
    """Yield the same of the verifiers that judge the embedded generator."""
    names = ["arithmetic", "agreement", "scores:likelihood", "scores:prm"]
    yield from (
        "",
        fill(
            f"**The embedded models**: {Survey.of(pool).questions} test problems of levels 1 to 5, "
            "16 answers each; judged by the arithmetic checker, agreement, the generator's own "
            "probability and the reward model. Measured in the same way.",
            WIDTH,
        ),
        "",
    )
    yield from table(*scored(pool, names))


def _as_pool(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "question": row["problem"],
        "samples": [
            {
                "text": "",
                "answer": str(at),
                "correct": correct,
                "scores": {
                    name: said[at] if isinstance(said[at], list) else float(said[at])
                    for name, said in row["scores"].items()
                },
            }
            for at, correct in enumerate(row["correct"])
        ],
    }


def scored(pool: Path, verifiers: list[str]) -> tuple[list[str], list[Scored]]:
    """Return the verifiers' names, and what they said of every question."""
    judges = Judges.of(verifiers, Survey.of(pool))
    return judges.names, [judges.scored(question) for question in read_pool(pool)]


def table(names: list[str], questions: list[Scored]) -> Iterator[str]:
    """Yield a line for each way to choose."""
    alone = _alone(names, questions)
    plain = [_right([_mean(s) for s in one.scores], one) for one in questions]
    best = max(range(len(names)), key=lambda at: sum(alone[at]))
    found: dict[str, list[float]] = {
        f"the best alone, `{names[best].partition('@')[0]}`": alone[best],
        "plain mean": plain,
    }
    spread = {}
    for method in METHODS:
        if method == "labels":
            key = f"weights by {LABELS} labelled questions"
            found[key], spread[key] = by_labels(names, questions)
        else:
            found[f"weights without labels, `{method}`"] = halves(names, questions, method)
    yield "| chosen by | right | over the plain mean, points |"
    yield "|---|---|---|"
    for way, rights in found.items():
        gains = [a - b for a, b in zip(rights, plain, strict=True)]
        right, gain = interval(rights), interval(gains)
        more = spread.get(way, "")
        yield (
            f"| {way} | {right[0]:.1f} [{right[1]:.1f}, {right[2]:.1f}]{more} | "
            f"{gain[0]:+.1f} [{gain[1]:+.1f}, {gain[2]:+.1f}] |"
        )


def _alone(names: Sequence[str], questions: Sequence[Scored]) -> list[list[float]]:
    return [
        [_right([scores[at] for scores in one.scores], one) for one in questions]
        for at in range(len(names))
    ]


def halves(names: list[str], questions: list[Scored], method: Any) -> list[float]:
    """Return how right the choice is on each question by weights from the other half."""
    order = list(range(len(questions)))
    random.Random("halves").shuffle(order)
    rights = [0.0] * len(order)
    for held, used in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        bare = [Scored(scores=questions[at].scores) for at in used]
        weights = fit_weights(names, bare, method)
        for at in held:
            rights[at] = chosen(names, weights, questions[at])
    return rights


def by_labels(names: list[str], questions: list[Scored]) -> tuple[list[float], str]:
    """Return the mean over the draws that left a question out; and the spread over draws."""
    rights: list[list[float]] = [[] for _ in questions]
    means = []
    for draw in range(DRAWS):
        order = list(range(len(questions)))
        random.Random(f"labels:{draw}").shuffle(order)
        weights = fit_weights(names, [questions[at] for at in order[:LABELS]], "labels")
        held = {at: chosen(names, weights, questions[at]) for at in order[LABELS:]}
        means.append(100 * sum(held.values()) / len(held))
        for at, right in held.items():
            rights[at].append(right)
    means.sort()
    low, high = means[DRAWS // 20], means[-1 - DRAWS // 20]
    return [sum(each) / len(each) for each in rights], f"; {low:.1f} to {high:.1f}"


def chosen(names: Sequence[str], weights: Weights, one: Scored) -> float:
    """Return how right the answer is that the weights choose."""
    return _right([weights.log_odds(dict(zip(names, s, strict=True))) for s in one.scores], one)


def interval(values: list[float]) -> tuple[float, float, float]:
    """Return the mean in per cent and its 95 % bounds by question."""
    low, high = intervals({"": values})[""]
    return 100 * sum(values) / len(values), 100 * low, 100 * high


def _right(scores: Sequence[float | None], one: Scored) -> float:
    assert one.labels is not None
    return best_right(scores, one.labels)


def _mean(scores: Sequence[float | None]) -> float | None:
    given = [score for score in scores if score is not None]
    return sum(given) / len(given) if given else None
