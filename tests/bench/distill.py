"""What a distilled verifier keeps of its teachers, on the embedded family."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill

from tests.bench.documents import WIDTH, write_section
from tests.bench.embedded_pool import recorded
from tests.bench.speed import say
from verifier_agent.embedded import EmbeddedRewardModel, examples
from verifier_agent.evaluation import weigh_verifiers
from verifier_agent.evaluation.pools import read_pool
from verifier_agent.evaluation.recorded import Recorded
from verifier_agent.evaluation.weighing import shown
from verifier_agent.training.distillation import distill
from verifier_agent.verifiers import ArithmeticSteps, Distilled
from verifier_agent.weighting import best_right

PER_LEVEL = 80
SEED = 78
"""Of the problems: a set that nothing else uses."""
TEACHERS = ("scores:prm", "weighted", "scores:exact")
"""The reward model, an ensemble that was weighed without labels, and an exact checker."""


def distillation() -> None:
    """Distil each teacher, and write down what is kept."""
    with TemporaryDirectory() as folder:
        text = "\n".join(measured(Path(folder)))
    say(text)
    write_section("distill", text)


def measured(folder: Path) -> Iterator[str]:
    """Yield the lines of the section."""
    pool, weights = folder / "pool.jsonl", folder / "weights.json"
    problems = [p for n in range(1, 6) for p in examples(n, PER_LEVEL, seed=SEED, split="test")]
    pool.write_text("".join(json.dumps(recorded(problem)) + "\n" for problem in problems))
    members = ["arithmetic", "agreement", "scores:likelihood", "scores:prm"]
    weights.write_text(json.dumps(weigh_verifiers(pool, members).to_dict()))
    yield fill(
        f"{len(problems)} problems of the embedded family, levels 1 to 5, 16 answers each; taught "
        "on seven tenths of them, measured on the others: how often the best-scored answer is "
        "right, in per cent, with the 95 % interval of the difference by question.",
        WIDTH,
    )
    yield ""
    yield "| teacher | right | student | difference, points | kept | the same choice | operations |"
    yield "|---|---|---|---|---|---|---|"
    students = {}
    for teacher in TEACHERS:
        name = f"weighted:{weights}" if teacher == "weighted" else teacher
        students[teacher] = student = distill(pool, name)
        sheet = student.sheet
        # of an ensemble and of a checker what was recorded is not the price
        share = sheet["cost_share"] if teacher == "scores:prm" else None
        ends = [100 * sheet[f"difference{end}"] for end in ("", "_low", "_high")]
        yield (
            f"| `{teacher.removeprefix('scores:')}` | {100 * sheet['teacher_accuracy']:.1f} | "
            f"{100 * sheet['student_accuracy']:.1f} | "
            f"{ends[0]:+.1f} [{ends[1]:+.1f}, {ends[2]:+.1f}] | {100 * sheet['kept']:.1f} % | "
            f"{100 * sheet['same_choice']:.1f} % | "
            f"{'' if share is None else f'{100 * share:.2g} %'} |"
        )
    sheet = students["scores:prm"].sheet
    yield ""
    yield from fill(
        f"One answer at random: {100 * sheet['first_accuracy']:.1f}; any of the 16: "
        f"{100 * sheet['any_accuracy']:.1f}. {arithmetic_alone(pool)} {seconds(pool, students)}",
        WIDTH,
    ).splitlines()


def arithmetic_alone(pool: Path) -> str:
    """Say what the student's best feature is worth without the rest, on all questions."""
    rights = []
    for question in read_pool(pool):
        said = ArithmeticSteps().verify_sync(*shown(Recorded.of(question)))
        labels = [int(bool(sample.correct)) for sample in question.samples]
        rights.append(best_right([verdict.score for verdict in said], labels))
    return f"The arithmetic checker alone: {100 * sum(rights) / len(rights):.1f} (all questions)."


def seconds(pool: Path, students: dict[str, object]) -> str:
    """Say how long student and reward model take for an answer, on one core."""
    asked = [shown(Recorded.of(question)) for question in read_pool(pool)][::20]
    took = []
    for verifier in (Distilled(students["scores:prm"]), EmbeddedRewardModel()):  # type: ignore[arg-type]
        began = time.process_time()
        for task, candidates in asked:
            verifier.verify_sync(task, candidates)
        took.append(1000 * (time.process_time() - began) / (16 * len(asked)))
    return (
        f"CPU milliseconds an answer: {took[0]:.2f} for the student, in plain Python with all that "
        f"it reads, {took[1]:.2f} for the reward model, in numpy."
    )
