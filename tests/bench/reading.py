"""What it is worth to read answers to word problems before they are counted, at no cost."""

from __future__ import annotations

import sys
from functools import cache, partial

import numpy as np

from tests.bench.blind import (
    OWN,
    PRICES,
    WHOLE,
    Draws,
    Outcome,
    Rule,
    adapted,
    by_halves,
    consistent,
    interval,
    measured,
    name_of,
    priced,
    quoted,
    shuffled,
)
from tests.bench.documents import write_section
from verifier_agent.evaluation.recordings.pools import Question
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers import Plausible

SPEND = 0.75
"""A price is chosen as the lowest with at most so many draws, as a share of agree(0.95)'s."""


def reading(*pools: str) -> None:
    """Compare adaptive() over answers that `Plausible` left standing with bare votes."""
    bare: dict[str, Rule] = {
        WHOLE: len,
        OWN: partial(consistent, level=0.95),
        "adaptive()": adapted,
    }
    read = bare | {priced(price): partial(adapted, price=price) for price in PRICES}
    lines = ["| pool | what is counted | rule | accuracy - majority's, points | draws / agree's |"]
    lines.append("|---|---|---|---|---|")
    for pool in pools:
        plain, seen = measured(pool, bare, shuffled), measured(pool, read, heard)
        # shares of the draws are of those of adaptive consistency over all answers
        seen.drawn[OWN] = plain.drawn[OWN]
        halved = by_halves({name_of(pool): seen}, SPEND)
        majority = plain.right[WHOLE]
        lines += [row(pool, "all", rule, plain, majority) for rule in bare]
        ours = (WHOLE, "adaptive()", halved)
        lines += [row(pool, "what is not refuted", rule, seen, majority) for rule in ours]
    text = "\n".join(lines)
    write_section("reading", text)
    sys.stdout.write(text + "\n")


def row(pool: str, counted: str, rule: str, one: Outcome, majority: np.ndarray) -> str:
    """Write what one rule does, over the bare majority of all."""
    gain = 100 * (one.right[rule] - majority)
    low, high = interval([gain])
    figures = f"{gain.mean():+.2f} [{low:+.2f}, {high:+.2f}] | {one.spent(rule):.3f}"
    return f"| {name_of(pool)} | {counted} | {quoted(rule)} | {figures} |"


def heard(question: Question, order: int) -> tuple[Draws, list[int]]:
    """Return the answers in the same order as bare ones, those that are refuted without a key."""
    draws, right = shuffled(question, order)
    standing = [refuted(question.question, answer) for answer in draws]
    if all(standing):
        return draws, right
    return [None if gone else answer for answer, gone in zip(draws, standing, strict=True)], right


@cache
def refuted(question: str, answer: str | None) -> bool:
    candidate = Candidate(id="g0", answer=answer)
    return Plausible().verify_sync(Task(question=question), [candidate])[0].score == 0.0
