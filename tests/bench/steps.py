"""Checkers of steps, beside chains whose wrong steps are labelled."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from textwrap import fill
from typing import Any

from tests.bench.documents import WIDTH, write_section
from tests.bench.programs import rows
from tests.bench.speed import say
from verifier_agent.calibration.binomial import lower, upper
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.mathematics.algebra import AlgebraSteps
from verifier_agent.verifiers.mathematics.equations import equations_of
from verifier_agent.verifiers.mathematics.steps import ArithmeticSteps, steps_of

Score = float | None
Chain = tuple[str, Sequence[str], frozenset[int]]
"""A question, its steps, and which of them are labelled wrong, counted from 0."""


@dataclass(slots=True)
class Tally:
    """What one checker said of the chains of one set."""

    chains: int = 0
    agreed: int = 0
    """Chains whose first step called wrong is the first labelled one, or neither has any."""
    refuted: int = 0
    first: int = 0
    """Refuted chains whose first step called wrong is the first labelled one."""
    wrong: int = 0
    """Chains with a step that is labelled wrong."""
    said: Counter[tuple[Score, bool]] = field(default_factory=Counter)
    """Of steps: the score, and whether it is labelled wrong."""
    disputed: list[str] = field(default_factory=list)
    """Equations called false in steps that are not labelled wrong."""

    def add(self, scores: Sequence[Score], steps: Sequence[str], labels: frozenset[int]) -> None:
        """Count one chain."""
        first = next((n for n, score in enumerate(scores) if score == 0.0), None)
        labelled = min(labels, default=None)
        self.chains += 1
        self.wrong += labelled is not None
        self.agreed += first == labelled
        self.refuted += first is not None
        self.first += first is not None and first == labelled
        self.said.update((score, n in labels) for n, score in enumerate(scores))
        for number, (score, step) in enumerate(zip(scores, steps, strict=True)):
            if score == 0.0 and number not in labels:
                lines = steps_of(step)
                self.disputed += [e.text for at in lines for e in equations_of(at) if not e.holds]


def step_checkers(folder: str) -> None:
    """Measure, and write it down."""
    root = Path(folder)
    sets: dict[str, Callable[[Path], Iterator[Chain]]] = {
        "BIG-Bench-Mistake, multistep arithmetic": mistakes,
        "PRMBench": injected,
        "PRMBench, its chains before errors were put in": clean,
    }
    checkers = (ArithmeticSteps(), AlgebraSteps(workers=2, seconds=60))
    lines = [
        "| | checker | first error as labelled | refuted | at the labelled step | steps checked "
        "| called wrong | labelled so | called right | labelled so |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    legend, disputed = [], []
    for number, (name, read) in enumerate(sets.items(), 1):
        for checker in checkers:
            tally = measured(checker, read(root))
            lines.append(row(f"{number} | `{checker.name}`", tally))
            say(lines[-1])
            disputed += tally.disputed
        errors = f"{tally.wrong:,} with an error" if tally.wrong else "without errors"
        legend.append(f"{number}. {name}: {tally.chains:,} chains, {errors}.")
    write_section("steps", "\n".join((*legend, "", *lines, "", *judged_again(disputed))))


def measured(verifier: ArithmeticSteps | AlgebraSteps, chains: Iterator[Chain]) -> Tally:
    tally = Tally()
    for question, steps, labels in chains:
        candidate = Candidate(id="g0", text="\n".join(steps))
        (verdict,) = verifier.verify_sync(Task(question=question), [candidate])
        tally.add(by_step(verdict, steps), steps, labels)
    return tally


def by_step(verdict: Verdict, steps: Sequence[str]) -> list[Score]:
    """Return one score for each labelled step, which may have several lines: the lowest."""
    scores = iter(verdict.steps)
    found = []
    for step in steps:
        known = [s for s in (next(scores) for _ in steps_of(step)) if s is not None]
        found.append(min(known, default=None))
    return found


def mistakes(root: Path) -> Iterator[Chain]:
    for one in rows(str(root / "bigbench_mistake/multistep_arithmetic.jsonl.gz")):
        wrong = one["mistake_index"]
        yield one["question"], one["steps"], frozenset() if wrong is None else frozenset({wrong})


def injected(root: Path) -> Iterator[Chain]:
    for one in rows(str(root / "prmbench/steps.jsonl.gz")):
        yield one["question"], one["steps"], frozenset(n - 1 for n in one["error_steps"])


def clean(root: Path) -> Iterator[Chain]:
    """Each chain once: several were made from one."""
    seen = set()
    for one in rows(str(root / "prmbench/steps.jsonl.gz")):
        steps = tuple(one["original_steps"])
        if steps not in seen:
            seen.add(steps)
            yield one["question"], steps, frozenset()


def row(name: str, tally: Tally) -> str:
    said = tally.said
    false, true = (said[score, True] + said[score, False] for score in (0.0, 1.0))
    checked = f"{100 * (false + true) / said.total():.1f} %"
    cells = (
        name,
        share(tally.agreed, tally.chains),
        f"{tally.refuted:,}",
        share(tally.first, tally.refuted) if tally.wrong else "",
        checked,
        f"{false:,}",
        share(said[0.0, True], false),
        f"{true:,}",
        share(said[1.0, False], true),
    )
    return f"| {' | '.join(cells)} |"


def share(part: int, whole: int) -> str:
    """Write a share with its exact 95 % bounds (Clopper and Pearson)."""
    low, high = lower(part, whole, 0.025), upper(part, whole, 0.025)
    return f"{100 * part / whole:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def judged_again(disputed: Sequence[str]) -> list[str]:
    """Say what Python's own reading says of equations called false where no error is labelled."""
    again = {text: again_false(text) for text in disputed}
    kinds = Counter(again.values())
    shown = [text for text in sorted(again) if again[text] is not True or rounds(text)]
    return [
        fill(
            f"{len(again)} different equations were called false in steps that no label calls "
            f"wrong: slips of the model, what follows from an error put in before, and a few "
            f"in the original chains. Worked out again by Python, from their text, {kinds[True]} "
            f"are false as they are written, {kinds[False]} are true, and {kinds[None]} Python "
            "cannot read. These can be meant otherwise, since they round or convert units:",
            WIDTH,
        ),
        "",
        *(f"- `{text}`" for text in shown),
        "",
    ]


def again_false(text: str) -> bool | None:
    sides = worked_out(text)
    return None if sides is None else sides[0] != sides[1]


def rounds(text: str) -> bool:
    """Return True if the right side is less than one of its last digit away from the left."""
    sides = worked_out(text)
    number = re.search(r"= ?\$?\d+(?:\.(?P<decimals>\d+))?\$*$", text)
    if sides is None or number is None:
        return False
    return abs(sides[0] - sides[1]) < Fraction(1, 10 ** len(number["decimals"] or ""))


def worked_out(text: str) -> tuple[Fraction, Fraction] | None:
    """Read an equation as Python, by its syntax tree; another path than the package's reader."""
    plain = text.replace("$", "").replace("\\", "")
    for old, new in (("×", "*"), ("÷", "/"), ("^", "**"), ("−", "-")):
        plain = plain.replace(old, new)
    while "frac{" in plain:
        plain = re.sub(r"frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", plain, count=1)
        if not re.search(r"frac\{[^{}]*\}\{[^{}]*\}", plain):
            break
    plain = plain.replace("{", "(").replace("}", ")")
    plain = re.sub(r"(?<=[\d)])\s*(?=\()", "*", plain)
    left, _, right = plain.partition("=")
    try:
        return tuple(_value(ast.parse(side.strip(), mode="eval").body) for side in (left, right))  # type: ignore[return-value]
    except (SyntaxError, ValueError, ZeroDivisionError):
        return None


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number):
            return Fraction(str(number))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner)
        case ast.BinOp(left=left, op=op, right=right):
            return _operation(op, _value(left), _value(right))
    raise ValueError(ast.unparse(node))


def _operation(op: ast.operator, left: Fraction, right: Fraction) -> Any:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.Pow() if right.denominator == 1 and abs(right) < 50:
            return left ** int(right)
    raise ValueError(ast.dump(op))
