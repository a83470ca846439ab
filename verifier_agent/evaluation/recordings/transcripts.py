"""Transcripts: a question with all that its live runs gave, as a line of a pool.

Beside what any pool has, a line has `live`: how the runs were set up, and what is read off each.
Figures are always made from transcripts, whether they were just made or recorded long ago.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field
from pydantic_core import to_jsonable_python

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.measured import (
    Beginnings,
    Measured,
    Point,
    chronological,
    measure,
    smaller_limits,
)
from verifier_agent.evaluation.recordings.data import Entry
from verifier_agent.evaluation.recordings.lines import Strict
from verifier_agent.evaluation.recordings.pools import Question
from verifier_agent.evaluation.scoring import Scored, score
from verifier_agent.evaluation.usage import usage
from verifier_agent.graph import Run
from verifier_agent.selection import SelectorFunction
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Cost, Selection, Verifier

Plain = dict[str, Any]

BEGINNING = b'{"live": {'
"""Of every line, so that a torn one is known as ours."""


class LiveRuns(Strict):
    """How the runs of a question were set up, and what is read off each."""

    setup: Plain
    runs: list[Measured] = Field(min_length=1)


class Transcript(Question):
    """A line of a pool that live runs gave: the samples of each run stand one after another."""

    live: LiveRuns
    context: Plain = Field(default_factory=dict)


def transcribe(
    entry: Entry,
    setup: Plain,
    runs: Sequence[Run],
    verifiers: Sequence[Verifier],
    selector: SelectorFunction,
) -> bytes:
    """Return the line of one question: `runs` are those with seeds 0, 1, …

    Here the labels come in. Raises ConfigurationError for a run that asked for nothing.
    """
    samples: list[Plain] = []
    measured: list[Measured] = []
    compared = {v.name for v in verifiers if getattr(v, "relational", False)}
    for seed, run in enumerate(runs):
        made = chronological(run)
        if not made:
            raise ConfigurationError(
                f"question {entry.id!r}: the policy ended the run before it asked for an answer "
                f"({run.selection.reason}); there is nothing to evaluate"
            )
        beginnings = Beginnings(run, verifiers, selector)
        point = _point(run, {candidate.id: len(samples) + i for i, candidate in enumerate(made)})
        found = measure(entry.id, seed, beginnings, smaller_limits(len(made)), point)
        end = replace(found.end, usage={**found.end.usage, "seconds": run.ledger.seconds})
        measured.append(replace(found, end=end))
        samples += [_sample(run.tree, candidate, seed, entry.right, compared) for candidate in made]
    line = {
        "live": {"setup": setup, "runs": measured},
        **entry.model_dump(exclude_none=True, exclude_defaults=True),
        "samples": samples,
    }
    return json.dumps(to_jsonable_python(line)).encode() + b"\n"


def _point(run: Run, places: dict[str, int]) -> Callable[[Tree, Selection], Point]:
    def point(tree: Tree, selection: Selection) -> Point:
        tokens = [_tokens(candidate) for candidate in tree]
        known = [n for n in tokens if n is not None]
        return Point(
            sample=None if selection.candidate is None else places[selection.candidate],
            samples_used=len(tree),
            tokens=sum(known) if len(known) == len(tokens) else None,
            usage=usage(
                [candidate.cost for candidate in tree],
                [verdict.cost for verdict in tree.verdicts],
                depth=_only(run, tree).ledger.depth,
            ),
        )

    return point


def _only(run: Run, tree: Tree) -> Run:
    """Return the run with what is in the tree and nothing else."""
    kept = {
        "candidates": {c.id: run.plain["candidates"][c.id] for c in tree},
        "verdicts": {verdict.key: verdict.to_dict() for verdict in tree.verdicts},
    }
    return Run({**run.plain, **kept}, run.messages)


def _tokens(candidate: Candidate) -> int | None:
    """Return the tokens generated for a candidate; None where a bound stands for them."""
    return candidate.cost.output_tokens if candidate.cost.exact else None


def _sample(
    tree: Tree, candidate: Candidate, seed: int, right: str | None, compared: set[str]
) -> Plain:
    """Return a candidate in the form of a pool, with its label where there is one."""
    verdicts = [verdict for verdict in tree.verdicts if verdict.candidate == candidate.id]
    scores: Plain = {}
    for verdict in tree.judged(candidate.id).verdicts:
        # a comparison holds among these answers only; from other ones it is made anew
        if verdict.score is not None and verdict.verifier not in compared:
            # a pool keeps what the verifier said, to be calibrated anew
            scores[verdict.verifier] = verdict.evidence.get("uncalibrated", verdict.score)
            if verdict.steps and None not in verdict.steps:
                scores[f"{verdict.verifier}:steps"] = verdict.steps
    logprob = candidate.logprob
    given: Plain = {
        "id": f"{seed}:{candidate.id}",
        "parent": None if candidate.parent is None else f"{seed}:{candidate.parent}",
        "done": None if candidate.done else False,
        "mark": candidate.mark or None,
        "correct": None if right is None else int(candidate.answer == right),
        "tokens": _tokens(candidate),
        "model": candidate.model,
        "logprob": None if logprob is None or not math.isfinite(logprob) else logprob,
        "scores": scores,
        "cost": candidate.cost.to_dict(),
        "verifier_cost": sum((verdict.cost for verdict in verdicts), Cost()).to_dict(),
        "error": candidate.error,
    }
    known = {name: value for name, value in given.items() if value is not None}
    return {"text": candidate.text, "answer": candidate.answer, **known}


def scored(transcript: Transcript, weighed_by: str | None) -> Scored:
    """Score the runs of a question; the baselines weigh by the scores of that name."""
    drawn: list[list[int]] = []
    first = 0
    for run in transcript.live.runs:
        end = first + run.end.samples_used
        drawn.append([i for i in range(first, end) if transcript.samples[i].drawable])
        first = end
    scores: list[float | None] | None = None
    if weighed_by is not None:
        given = [sample.scores.get(weighed_by) for sample in transcript.samples]
        scores = [one if isinstance(one, float) else None for one in given]
    return score(transcript, transcript.live.runs, drawn, scores)
