"""Problems of the embedded family with sampled answers, judged: a pool for replay."""

from __future__ import annotations

import math
from typing import Any

from langchain_core.messages import HumanMessage

from verifier_agent.answers import answer_key
from verifier_agent.embedded import EmbeddedChatModel, EmbeddedRewardModel, Problem
from verifier_agent.training.step_labels import label
from verifier_agent.values import Candidate, Cost, Task, Verdict

SAMPLES = 16
Plain = dict[str, Any]


def recorded(problem: Problem) -> Plain:
    """Sample answers to a question and have them judged; each sample as a call of its own."""
    generator, judge = EmbeddedChatModel(seed=0, logprobs=True), EmbeddedRewardModel()
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
                "scores": scores(problem, message, verdict),
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


def scores(problem: Problem, message: Any, verdict: Verdict) -> dict[str, float]:
    """Return what a sample is chosen by: the reward model, the generator, an exact checker."""
    pieces = message.response_metadata["logprobs"]["content"]
    ended = message.response_metadata["finish_reason"] == "stop"
    labels = label(problem.question, message.text, ended)
    return {
        # a sample that cannot be judged has no score
        **({} if verdict.score is None else {"prm": verdict.score}),
        "likelihood": math.exp(sum(piece["logprob"] for piece in pieces)),
        "exact": float(bool(labels) and all(line.right for line in labels)),
    }
