"""Choosing among programs whose tests are mostly wrong: recorded programs and tests, in orders."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.blind import interval
from tests.bench.documents import write_section
from tests.bench.programs import rows
from tests.bench.speed import say
from verifier_agent.selection import consensus, dual_agreement
from verifier_agent.selection.selector import Selector
from verifier_agent.values import Candidate, Judged, Task, Verdict
from verifier_agent.verifiers.programs.behaviour import Behaviour
from verifier_agent.verifiers.programs.code_tests import CodeTests
from verifier_agent.verifiers.programs.examples import examples_in
from verifier_agent.verifiers.programs.inputs import calls_for
from verifier_agent.verifiers.programs.written_code import program_of
from verifier_agent.verifiers.sandboxes import (
    Bubblewrap,
    CodeTest,
    Limits,
    Ran,
    Sandbox,
    Tested,
    resolve_sandbox,
)

ORDERS = 20
SIZES = (1, 2, 5, 10, 25, 50, 100)
INPUTS = 40
RARE = 3
LIMITS = Limits(seconds=1.0, total_seconds=20.0)
Row = dict[str, Any]
Rule = Callable[[Sequence[Judged]], Judged]


class Remembering:
    """A sandbox that runs each program once, with all tests that will be asked for it."""

    def __init__(self, sandbox: Sandbox, tests: Sequence[CodeTest]) -> None:
        self.name = sandbox.name
        self._sandbox = sandbox
        self._tests = list({test.source: test for test in tests}.values())
        self._known: dict[str, dict[str, Tested]] = {}

    def run(self, program: str, tests: Sequence[CodeTest], limits: Limits) -> Ran:
        if program not in self._known:
            ran = self._sandbox.run(program, self._tests, limits)
            sources = [test.source for test in self._tests]
            self._known[program] = dict(zip(sources, ran.results, strict=True))
        found = self._known[program]
        return Ran(results=tuple(found[test.source] for test in tests), sandbox=self.name)


def examples(gold: str, sandbox: str = "auto") -> None:
    """Hold the examples in task texts against the solutions that come with the tasks."""
    found, failed, without = 0, [], []
    tasks = list(rows(gold))
    for row in tasks:
        tests = examples_in(row["prompt"], row["entry_point"])
        found += len(tests)
        if not tests:
            without.append(row["task_id"])
            continue
        program = row["prompt"] + row["canonical_solution"]
        ran = resolve_sandbox(sandbox).run(program, tests, Limits())
        for test, result in zip(tests, ran.results, strict=True):
            if result.ending != "passed":
                failed.append(f"`{test.source}` ({row['task_id']}), which gives {result.got}")
    lines = [
        f"{found} examples in {len(tasks) - len(without)} of {len(tasks)} tasks; none is read in "
        f"{', '.join(without)}.",
        f"The solutions fail {len(failed)} of them:",
        "",
        *(f"- {one}" for one in failed),
    ]
    write_section("examples", "\n".join(lines))
    say("\n".join(lines))


def judged_in_full(row: Row, sandbox: Sandbox) -> dict[str, list[Judged]]:
    """Return all programs of a question with their verdicts: by examples and behaviour ("told"),
    by behaviour with the examples blanked ("blank"), each beside the recorded results of generated
    tests; and by examples and behaviour where there are no generated tests ("alone")."""
    generated = [
        {"source": source, "weight": count}
        for source, count in zip(row["gen_tests"], row["gen_test_counts"], strict=True)
    ]
    context = {"entry_point": row["entry_point"], "generated_tests": generated}
    told = Task(question=row["prompt"], context=context)
    blank = Task(question=without_examples(row["prompt"], row["entry_point"]), context=context)
    alone = Task(question=row["prompt"], context={"entry_point": row["entry_point"]})
    programs = [program_of(s["text"], told.question, row["entry_point"]) for s in row["samples"]]
    candidates = [
        Candidate(id=f"g{n}", text=f"```python\n{program}\n```")
        for n, program in enumerate(programs)
    ]
    calls = {call for task in (told, blank, alone) for call in calls_for(task, INPUTS)}
    tests = [CodeTest(source=f"assert {call} == None") for call in sorted(calls)]
    shared = Remembering(sandbox, [*examples_in(row["prompt"], row["entry_point"]), *tests])
    code = CodeTests(shared, limits=LIMITS).verify_sync(told, candidates)
    behave = Behaviour(shared, inputs=INPUTS, limits=LIMITS)
    passed = [recorded(c, s, row) for c, s in zip(candidates, row["samples"], strict=True)]
    return {
        "told": together(candidates, behave.verify_sync(told, candidates), code, passed),
        "alone": together(candidates, behave.verify_sync(alone, candidates), code),
        "blank": together(candidates, behave.verify_sync(blank, candidates), passed),
    }


def without_examples(prompt: str, entry_point: str) -> str:
    """Return the imports and the signature alone."""
    head, _, rest = prompt.partition(f"def {entry_point}(")
    return f"{head}def {entry_point}({rest.partition(':' + chr(10))[0]}:\n    pass\n"


def recorded(candidate: Candidate, sample: Row, row: Row) -> Verdict:
    """Return what was recorded of a program and the generated tests."""
    signs, weights = sample["gen_test_pass"], row["gen_test_counts"]
    if not weights:
        return Verdict(candidate=candidate.id, verifier="tests", error="there are no tests")
    share = sum(w for sign, w in zip(signs, weights, strict=True) if sign == "1") / sum(weights)
    evidence = {"tests": signs, "weights": weights}
    return Verdict(candidate=candidate.id, verifier="tests", score=share, evidence=evidence)


def together(candidates: Sequence[Candidate], *said: Sequence[Verdict]) -> list[Judged]:
    return [
        Judged(candidate=candidate, verdicts=verdicts)
        for candidate, *verdicts in zip(candidates, *said, strict=True)  # type: ignore[misc]
    ]


def choosing(pool: str, kept: str) -> None:
    """Compare selectors on a pool of programs; `kept`: a file for the verdicts, gone on with."""
    # choices were made on the others
    questions = [row for row in rows(pool) if half_of(row["id"]) == 1]
    verdicts = all_verdicts(questions, Path(kept))
    right = [sum(sample["correct"] for sample in row["samples"]) for row in questions]
    lines = table([measure(row, verdicts[row["id"]]) for row in questions], right)
    write_section("choosing", "\n".join([f"{len(questions)} tasks:", "", *lines]))
    say("\n".join(lines))


def all_verdicts(questions: Sequence[Row], file: Path) -> dict[str, dict[str, list[Judged]]]:
    """Return the verdicts of each question, from `file` or, where they are not there, into it."""
    file.touch()
    kept = {row["id"]: row["judged"] for row in map(json.loads, file.read_text().splitlines())}
    for row in questions:
        if row["id"] not in kept:
            found = judged_in_full(row, Bubblewrap())
            plain = {
                mode: [[verdict.to_dict() for verdict in one.verdicts] for one in judged]
                for mode, judged in found.items()
            }
            with file.open("a") as out:
                out.write(json.dumps({"id": row["id"], "judged": plain}) + "\n")
            kept[row["id"]] = plain
            say(f"{row['id']}: {len(kept)} of {len(questions)}")
    return {
        name: {
            mode: [rebuilt(n, one) for n, one in enumerate(each)] for mode, each in modes.items()
        }
        for name, modes in kept.items()
    }


def rebuilt(n: int, verdicts: Sequence[Row]) -> Judged:
    said = tuple(Verdict.from_dict(one) for one in verdicts)
    return Judged(candidate=Candidate(id=f"g{n}"), verdicts=said)


def half_of(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2


RULES: dict[str, tuple[str, Rule]] = {
    "one of those that pass the examples": ("told", lambda judged: standing(judged)[0]),
    "`dual_agreement()` of those": (
        "told",
        lambda judged: by(dual_agreement(), standing(by_tests(judged))),
    ),
    "`consensus()`": ("told", lambda judged: by(consensus(), judged)),
    "`consensus()` without generated tests": ("alone", lambda judged: by(consensus(), judged)),
    "the best possible": ("told", lambda judged: judged[0]),
    "blanked: `dual_agreement()`": ("blank", lambda judged: by(dual_agreement(), by_tests(judged))),
    "blanked: `consensus()`": ("blank", lambda judged: by(consensus(), judged)),
}


def by(selector: Selector, judged: Sequence[Judged]) -> Judged:
    chosen = selector(judged).candidate
    return next(one for one in judged if one.candidate.id == chosen)


def by_tests(judged: Sequence[Judged]) -> list[Judged]:
    """Return the same without what is known of their behaviour."""
    return [
        replace(j, verdicts=tuple(v for v in j.verdicts if v.verifier != "behaviour"))
        for j in judged
    ]


def standing(judged: Sequence[Judged]) -> list[Judged]:
    """Return those that pass the most examples; in the order in which they were drawn."""
    shares = [max((v.raw or 0.0 for v in j.verdicts if v.hard), default=0.0) for j in judged]
    return [j for j, share in zip(judged, shares, strict=True) if share == max(shares)]


def measure(row: Row, judged: dict[str, list[Judged]]) -> dict[str, list[float]]:
    """Return by rule how often its choice is right, for each number of programs."""
    right = {f"g{n}": sample["correct"] for n, sample in enumerate(row["samples"])}
    found = {rule: [0.0] * len(SIZES) for rule in RULES}
    for order in range(ORDERS):
        places = list(range(len(right)))
        random.Random(f"{order}:{row['id']}").shuffle(places)
        for at, size in enumerate(SIZES):
            for rule, (mode, choose) in RULES.items():
                drawn = [renamed(judged[mode][place], n) for n, place in enumerate(places[:size])]
                came = {f"g{n}": right[f"g{place}"] for n, place in enumerate(places[:size])}
                if rule == "the best possible":
                    hit = max(came.values())
                else:
                    hit = came[choose(drawn).candidate.id]
                found[rule][at] += 100 * hit / ORDERS
    return found


def renamed(judged: Judged, n: int) -> Judged:
    """Return the same as the candidate that was drawn as number `n`: ties go to the first."""
    return replace(judged, candidate=replace(judged.candidate, id=f"g{n}", text=""))


def table(measured: Sequence[dict[str, list[float]]], right: Sequence[int]) -> list[str]:
    """Return the figures of some tasks, and how surely one rule is better than another.

    `right`: how many programs of each task are.
    """
    points = {rule: np.array([found[rule] for found in measured]) for rule in RULES}
    lines = [f"| right, % of tasks | {' | '.join(map(str, SIZES))} |", "|---" * 8 + "|"]
    for rule, values in points.items():
        lines.append(f"| {rule} | {' | '.join(f'{v:.1f}' for v in values.mean(axis=0))} |")
    told, blank = points["`consensus()`"], points["blanked: `consensus()`"]
    dual = points["`dual_agreement()` of those"]
    plain = points["blanked: `dual_agreement()`"]
    left = (points["the best possible"] - told)[:, -1]
    rare = left * (np.array(right) <= RARE)
    lines += [
        "",
        f"- over dual agreement, 25 and 100 programs: {gain(told - dual, 4)}, {gain(told - dual)}",
        f"- over dual agreement, blanked: {gain(blank - plain, 4)}, {gain(blank - plain)}",
        f"- the largest fall with more programs: {fall(told)}; blanked {fall(blank)}",
        f"- left to the best possible at 100 programs: {left.mean():.1f} points, "
        f"{rare.mean():.1f} of them in tasks where at most {RARE} programs are right",
    ]
    return lines


def gain(difference: np.ndarray, at: int = -1) -> str:
    low, high = interval([difference[:, at]])
    return f"{difference[:, at].mean():+.1f} points [{low:+.1f}, {high:+.1f}]"


def fall(values: np.ndarray) -> str:
    """Return the largest loss from one number of programs to any larger one."""
    pairs = [(a, b) for a in range(len(SIZES)) for b in range(a + 1, len(SIZES))]
    a, b = max(pairs, key=lambda pair: (values[:, pair[0]] - values[:, pair[1]]).mean())
    lost = values[:, a] - values[:, b]
    low, high = interval([lost])
    if lost.mean() <= 0:
        return "none"
    return f"{lost.mean():.1f} [{low:+.1f}, {high:+.1f}] from {SIZES[a]} to {SIZES[b]}"
