"""Step labels for a reward model of one's own: by what steps lead to, recorded, then written.

Every answer and completion goes through the graph with the policy `rollouts`, is kept in a pool,
and is paid for once; labels are read off the pool.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.evaluating_live import evaluate_live
from verifier_agent.evaluation.live import Live, ModelLike
from verifier_agent.evaluation.recordings.data import Entry, read_data
from verifier_agent.evaluation.recordings.lines import Named, Strict, read_lines
from verifier_agent.evaluation.recordings.writing import Tell, check_out, write_text
from verifier_agent.graph.controller import ATTEMPTS
from verifier_agent.search.stepwise.labelling import Find, chain, rollouts, sound, value
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import FunctionVerifier

REFERENCE = "reference"
"""The name of the verifier that knows the right answer, and where it finds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """What is done for each question."""

    answers: int = 1
    """Of each question, that are labelled."""
    rollouts: int = 4
    """Completions of a step."""
    find: Find = "values"
    """"values" or "first_error"; see `verifier_agent.search.rollouts`."""
    depth: int = 24
    """The most steps of an answer."""
    temperature: float | None = None
    budget: Any = None
    """Of each answer with its completions, as for an agent; None: as much as they take."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer with a label for each step, up to where it is known."""

    id: str
    """Of the question, and the number of the answer."""
    question: str
    steps: tuple[str, ...]
    values: tuple[float, ...]
    """Of "values" the share of right completions; of "first_error" 1 or 0."""
    right: bool | None
    """Whether the whole answer is; None if it was not completed."""

    def line(self) -> dict[str, Any]:
        """Return the stepwise form of TRL, with the values beside it.

        A step is right if any completion from it was (the hard labels of Math-Shepherd).
        """
        return {
            "prompt": self.question,
            "completions": list(self.steps),
            "labels": [share > 0 for share in self.values],
            "values": list(self.values),
            "id": self.id,
            "right": self.right,
        }


class Node(Strict):
    """A sample as live evaluation records it."""

    id: str
    parent: str | None = None
    text: str
    done: bool = True
    mark: str = ""
    correct: int | None = None
    error: str | None = None


class Grown(Named):
    """A line of a pool that holds chains and completions."""

    question: str
    samples: list[Node]


def label_steps(
    model: ModelLike,
    data: Path | str,
    record: Path | str,
    out: Path | str,
    settings: Labelling | None = None,
    *,
    jobs: int | None = None,
    tell: Tell | None = None,
) -> dict[str, Any]:
    """Label steps of a model's answers to the questions of `data`; return counts and the ledger.

    Args:
        model: Writes answers and completions; as for an agent.
        data: Questions with `gold`, as for `evaluate_live`.
        record: The pool that keeps everything; the same call goes on where one was ended.
        out: A JSON line for each labelled answer: `prompt`, `completions`, `labels` (the stepwise
            form of TRL), `values`, `id` and `right`.
        settings: How much is done for a question.
        jobs: Questions in flight.
        tell: As for `evaluate_live`.

    Raises:
        ConfigurationError: A wrong argument, or a question without `gold`; nothing is spent.
    """
    settings = settings or Labelling()
    check_out(out, [record, data])
    entries = [_with_reference(entry) for entry in read_data(data)]
    policy = rollouts(
        settings.rollouts,
        find=settings.find,
        depth=settings.depth,
        temperature=settings.temperature,
    )
    # each step and each completion of one, with the retries of each
    enough = {"calls": ATTEMPTS * settings.depth * (settings.rollouts + 1)}
    live = Live(
        policy=policy,
        verifier=FunctionVerifier(_is_right, name=REFERENCE),
        selector="best",
        seeds=settings.answers,
        budget=settings.budget or enough,
    )
    found = evaluate_live(model, entries, live, record=record, jobs=jobs, tell=tell)
    labelled = list(read_labels(record, settings))
    write_text(out, "".join(json.dumps(one.line()) + "\n" for one in labelled))
    steps = [share for one in labelled for share in one.values]
    return {
        "questions": found["questions"],
        "answers": found["questions"] * settings.answers,
        "labelled": len(labelled),
        "right_answers": sum(one.right is True for one in labelled),
        "steps": len(steps),
        "right_steps": sum(share > 0 for share in steps),
        "ledger": found["ledger"],
    }


def _with_reference(entry: Entry) -> Entry:
    if entry.right is None:
        raise ConfigurationError(
            f"question {entry.id!r} has no gold: what a step leads to can only be told right or "
            "wrong by it"
        )
    return entry.model_copy(update={"context": {**entry.context, REFERENCE: entry.right}})


def _is_right(task: Task, candidate: Candidate) -> bool:
    return candidate.done and candidate.answer == task.context[REFERENCE]


def read_labels(record: Path | str, settings: Labelling) -> Iterator[Labelled]:
    """Yield the labelled answers of a recording; those of which no step has a label are left."""
    for line in read_lines(record, Grown):
        for seed in range(settings.answers):
            tree = _tree(line, f"{seed}:")
            one = _labelled(f"{line.id}:{seed}", tree, settings)
            if one.steps:
                yield one


def _tree(line: Grown, prefix: str) -> Tree:
    """Return the tree of one run, with the label of each complete answer as its verdict."""
    nodes = [node for node in line.samples if node.id.startswith(prefix)]
    candidates = [
        Candidate(
            id=node.id.removeprefix(prefix),
            parent=None if node.parent is None else node.parent.removeprefix(prefix),
            text=node.text,
            done=node.done,
            mark=node.mark,
            error=node.error,
        )
        for node in nodes
    ]
    verdicts = [
        Verdict(candidate=one.id, verifier=REFERENCE, score=float(node.correct), hard=True)
        for one, node in zip(candidates, nodes, strict=True)
        if one.done and one.error is None and node.correct is not None
    ]
    return Tree(Task(question=line.question), candidates, verdicts)


def _labelled(name: str, tree: Tree, settings: Labelling) -> Labelled:
    line = chain(tree)
    values: Sequence[float | None]
    if settings.find == "values":
        values = [value(tree, step) for step in line]
    else:
        low, high = sound(tree, line, settings.rollouts)
        values = [1.0] * low + ([0.0] if high - low == 1 and high <= len(line) else [])
    known: list[float] = []
    for one in values:
        if one is None:
            break
        known.append(one)
    end = value(tree, line[-1]) if line and line[-1].done else None
    texts, before = [], ""
    for step in line[: len(known)]:
        texts.append(step.text.removeprefix(before).strip())
        before = step.text
    right = None if end is None else end == 1
    return Labelled(name, tree.task.question, tuple(texts), tuple(known), right)


def find_of(name: str) -> Find:
    """Return what is looked for, by name; raises ConfigurationError for another name."""
    if name not in get_args(Find):
        raise ConfigurationError(f"find={name!r}: values or first_error")
    return cast(Find, name)
