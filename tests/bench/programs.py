"""Programs as verifiers, on recorded answers: how often their word is the recorded label."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.bench.documents import write_section
from tests.bench.speed import say
from verifier_agent.answers import canonical, stated_answer
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers.mathematics.equivalence import Equivalence
from verifier_agent.verifiers.programs.code_tests import CodeTests
from verifier_agent.verifiers.sandboxes import Limits


def rows(path: str) -> Iterator[dict[str, Any]]:
    with gzip.open(Path(path), "rt") as file:
        yield from map(json.loads, file)


def human_eval(pool: str, gold: str, sandbox: str = "auto", most: str = "100") -> None:
    """HumanEval: programs of a pool against the official tests, beside the recorded labels."""
    official = {row["task_id"]: row for row in rows(gold)}
    verifier = CodeTests(sandbox, limits=Limits(seconds=3.0), examples=False)
    agreed: Counter[str] = Counter()
    ended: Counter[tuple[str, str]] = Counter()
    other: list[str] = []
    started = time.perf_counter()
    for question in rows(pool):
        right = official[question["id"]]
        context = {"tests": right["test"], "entry_point": right["entry_point"]}
        samples = question["samples"][: int(most)]
        verdicts = verifier.verify_sync(
            Task(question=question["prompt"], context=context),
            [Candidate(id=f"g{n}", text=sample["text"]) for n, sample in enumerate(samples)],
        )
        for sample, verdict in zip(samples, verdicts, strict=True):
            where = verdict.evidence.get("sandbox", "none")
            ended[where, verdict.evidence.get("ending", "unsupported")] += 1
            if verdict.score == sample["correct"]:
                agreed["yes"] += 1
                continue
            agreed["no verdict" if verdict.score is None else "no"] += 1
            why = (verdict.error or verdict.feedback or "all tests passed")[:300]
            other.append(f"{question['id']} {verdict.candidate}, {sample['correct']}: {why}")
        say(f"{question['id']}: {dict(agreed)}, {time.perf_counter() - started:.0f} s")
    for line in other:
        say(line)
    total = agreed.total()
    lines = [
        f"{total:,} programs, sandbox `{sandbox}`: {agreed['yes']:,} verdicts are the recorded",
        f"label ({100 * agreed['yes'] / total:.2f} %), {agreed['no']} are not, and "
        f"{agreed['no verdict']} programs got no verdict.",
        "",
        "| ended in | how | programs |",
        "|---|---|---|",
        *(f"| {where} | {how} | {n:,} |" for (where, how), n in sorted(ended.items())),
    ]
    write_section("humaneval", "\n".join(lines))


IN_WORDS = ("COT", "LtM", "standard")
"""Styles of faithful_cot whose text states the answer itself; the others are programs."""


def equivalence(folder: str) -> None:
    """Mathematical equivalence, beside the recorded labels and what is true by construction."""
    root = Path(folder)
    judged = Equivalence(seconds=5.0, workers=2)
    lines = ["| pairs | agree | differ | unknown | agreement |", "|---|---|---|---|---|"]
    causes: dict[str, Counter[str]] = {}
    for name, pairs in (*_recorded_pairs(root).items(), *_made_pairs(root).items()):
        said: Counter[str] = Counter()
        for pair, times in sorted(pairs.items()):
            equal, why = judged.explained(pair.gold, pair.answer)
            how = "unknown" if equal is None else "agree" if equal == bool(pair.label) else "differ"
            said[how] += times
            if how != "agree":
                cause = _cause(judged, pair, equal, why)
                causes.setdefault(cause, Counter())[_shown(pair)] += times
        share = 100 * said["agree"] / said.total()
        lines.append(
            f"| {name} | {said['agree']:,} | {said['differ']} | {said['unknown']} | {share:.2f} % |"
        )
        say(lines[-1])
    lines += ["", "All the others, the reference before the answer, by cause:", ""]
    for cause, found in sorted(causes.items(), key=lambda one: -one[1].total()):
        listed = "" if cause == ASKS else f": {', '.join(sorted(found))}"
        lines.append(f"- {found.total()} {cause}{listed}.")
    write_section("equivalence", "\n".join((*lines, "")))


@dataclass(frozen=True, order=True)
class Pair:
    """A reference and an answer, with what is known of them."""

    gold: str
    answer: str
    label: int
    recorded: str = ""
    """The answer as it was read for the label, where the text was read anew."""


Pairs = Counter[Pair]
"""With how often it was recorded."""
ASKS = "unknown, since the text ends in a question and states no answer"


def _cause(judged: Equivalence, pair: Pair, equal: bool | None, why: str) -> str:
    """Say why a verdict is not the label."""
    if equal is None:
        if pair.answer.rstrip().endswith("?"):
            return ASKS
        if "base" in why:
            return "unknown, since one is written in a base and the other is an expression"
        if "another unit" in why:
            return "unknown, since one has a unit, and the other may count in another one"
        if "change the number" in why:
            return "unknown, since one has a word that may change its number"
        if "words" in why:
            return "unknown, since words and numbers are not compared"
        return f"unknown: {why}"
    if pair.recorded and judged(pair.gold, pair.recorded) == bool(pair.label):
        return "differ, since the label is of another reading of the text than what it states"
    if equal and not pair.label:
        return "differ: the label is 0, and the answer states the reference"
    return "differ: the label is 1, and the answer states another number"


def _shown(pair: Pair) -> str:
    answer = pair.answer if len(pair.answer) <= 24 else f"{pair.answer[:11]}…{pair.answer[-12:]}"
    return f"`{pair.gold}` `{answer}`"


def _recorded_pairs(root: Path) -> dict[str, Pairs]:
    files = {
        "GSM8K, one model": "faithful_cot/gsm8k_code_variants",
        "GSM8K, 43 models": "zeroeval_multimodel/gsm",
        "GSM8K, with verifiers": "openai_gsm8k_solutions/pool",
    }
    found: dict[str, Pairs] = {}
    for name, file in files.items():
        found[name] = Counter()
        for question in rows(str(root / f"{file}.jsonl.gz")):
            for sample in question["samples"]:
                answer, recorded = sample["answer"], ""
                if sample["src"].endswith(IN_WORDS):
                    stated = stated_answer(sample["text"])
                    answer, recorded = stated or answer, answer if stated else ""
                if answer is not None:
                    pair = Pair(question["gold"], answer, sample["correct"], recorded or "")
                    found[name][pair] += 1
    return found


def _made_pairs(root: Path) -> dict[str, Pairs]:
    """MATH-500: each reference in another form, each changed, and each beside the next one."""
    golds = [row["answer"] for row in rows(str(root / "gold_sets/math500.jsonl.gz"))]
    same: Pairs = Counter()
    other: Pairs = Counter()
    for gold, following in pairwise(golds):
        for form in (gold.replace("\\frac", "\\dfrac"), f"\\left. {gold} \\right.", f" {gold}."):
            if form != gold:
                same[Pair(gold, form, 1)] += 1
        if not any(sign in gold for sign in "=<>,{[(") and "text" not in gold:
            same[Pair(gold, f"0 + {gold}", 1)] += 1
            same[Pair(gold, f"{gold} \\cdot 1", 1)] += 1
            other[Pair(gold, f"{gold} + 1", 0)] += 1
            other[Pair(gold, f"{gold} \\cdot 3 - 1", 0)] += 1
        if canonical(gold) != canonical(following):
            other[Pair(gold, following, 0)] += 1
    return {"MATH-500, another form": same, "MATH-500, another value": other}
