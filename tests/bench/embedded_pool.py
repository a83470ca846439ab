"""Problems of the embedded family with sampled answers, judged: a pool for replay."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage

from verifier_agent.answers import answer_key
from verifier_agent.embedded import EmbeddedChatModel, EmbeddedRewardModel, Problem
from verifier_agent.training.step_labels import label
from verifier_agent.values import Candidate, Cost, Task, Verdict

SAMPLES = 16
Plain = dict[str, Any]


def kept(
    path: Path,
    problems: Sequence[Problem],
    model: EmbeddedChatModel | None = None,
    count: int = SAMPLES,
    *,
    judged: bool = True,
) -> Path:
    """Return the pool of these problems; record those that the file does not hold yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    held = path.read_text().splitlines() if path.exists() else []
    with path.open("a") as file:
        for problem in problems[len(held) :]:
            line = recorded(problem, model, count, judged=judged)
            file.write(json.dumps(line) + "\n")
            file.flush()
    return path


def recorded(
    problem: Problem,
    model: EmbeddedChatModel | None = None,
    count: int = SAMPLES,
    *,
    judged: bool = True,
) -> Plain:
    """Sample answers to a question and have them judged; each sample as a call of its own."""
    model = model or EmbeddedChatModel(seed=0, logprobs=True)
    result = model.generate([[HumanMessage(problem.question)]], n=count)
    messages: Any = [generation.message for generation in result.generations[0]]  # type: ignore[union-attr]
    verdicts = verdicts_of(problem, [message.text for message in messages]) if judged else []
    samples = []
    for message, verdict in zip_longest(messages, verdicts):
        read, written = (message.usage_metadata[f"{way}_tokens"] for way in ("input", "output"))
        cost = Cost(calls=1, input_tokens=read, output_tokens=written)
        key = answer_key(message.text)
        sample = {
            "text": message.text,
            "answer": key,
            "correct": int(key == problem.answer),
            "tokens": written,
            "scores": scores(problem, message, verdict),
            "cost": model.footprint.of(cost).to_dict(),
        }
        if verdict is not None:
            sample["verifier_cost"] = EmbeddedRewardModel().footprint.of(verdict.cost).to_dict()
        samples.append(sample)
    # the numbers of a problem are its own, so its question is a name
    return {
        "id": problem.question,
        "question": problem.question,
        "level": problem.level,
        "samples": samples,
    }


def verdicts_of(problem: Problem, texts: Sequence[str]) -> list[Verdict]:
    """Return what the reward model says of answers."""
    candidates = [Candidate(id=str(place), text=text) for place, text in enumerate(texts)]
    return EmbeddedRewardModel().verify_sync(Task(question=problem.question), candidates)


def scores(problem: Problem, message: Any, verdict: Verdict | None) -> dict[str, float]:
    """Return what a sample is chosen by: the reward model, the generator, an exact checker."""
    pieces = message.response_metadata["logprobs"]["content"]
    ended = message.response_metadata["finish_reason"] == "stop"
    labels = label(problem.question, message.text, ended)
    return {
        # a sample that cannot be judged has no score
        **({} if verdict is None or verdict.score is None else {"prm": verdict.score}),
        "likelihood": math.exp(sum(piece["logprob"] for piece in pieces)),
        "exact": float(bool(labels) and all(line.right for line in labels)),
    }
