"""What a replayed run is shown of a recorded question: everything but the labels.

`Recorded` has no field for `gold` or `correct`, and nothing here refers to what has: whatever a
policy, a verifier or a selector reaches from its arguments, it does not reach a label.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.pools import Question, RecordedCost
from verifier_agent.graph.growing import STATED, draw_seed
from verifier_agent.values import Candidate, Task, order

NAME = "recorded"
"""The model of answers that do not say theirs."""
NOT_RECORDED = RecordedCost()


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded answer, without its label."""

    text: str
    key: str | None
    tokens: int | None
    model: str
    logprob: float | None
    scores: dict[str, float | list[float]]
    passed: float | None
    """The weighted share of the generated tests that it passes; None where none were run."""
    cost: RecordedCost
    """Of generating it."""
    verifier_cost: RecordedCost
    """Of judging it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded question, without its labels, and the orders its answers are drawn in."""

    id: str
    question: str
    answers: tuple[Answer, ...]
    places: tuple[int, ...]
    """Where in `answers` those stand that are drawn: the independent whole ones."""
    in_order: bool = False

    @classmethod
    def of(cls, question: Question, *, in_order: bool = False) -> Recorded:
        """Leave the labels behind."""
        weights = [test.weight for test in question.tests or ()]
        answers = [
            Answer(
                text=sample.text,
                key=sample.answer,
                tokens=sample.tokens,
                model=sample.model or NAME,
                logprob=sample.logprob,
                scores=sample.scores,
                passed=_share(weights, sample.tests),
                # how many tokens were generated is known by itself in most pools
                cost=sample.cost or RecordedCost(output_tokens=sample.tokens),
                verifier_cost=sample.verifier_cost or NOT_RECORDED,
            )
            for sample in question.samples
        ]
        places = tuple(i for i, sample in enumerate(question.samples) if sample.drawable)
        return cls(question.id, question.question, tuple(answers), places, in_order)

    def drawn(self, seed: int) -> Sequence[int]:
        """Return places of answers in the order in which this seed draws them."""
        return self.places if self.in_order else _shuffled(seed, self.id, self.places)

    def message(self, seed: int) -> HumanMessage:
        """Return the question as it is put to the agent; its id says whose answers are drawn."""
        return HumanMessage(self.question, id=f"{seed}:{self.id}")


@lru_cache(maxsize=64)
def _shuffled(seed: int, name: str, places: tuple[int, ...]) -> tuple[int, ...]:
    order = list(places)
    random.Random(f"{seed}:{name}").shuffle(order)
    return tuple(order)


def _share(weights: Sequence[float], results: str | None) -> float | None:
    total = sum(weights)
    if results is None or not total:
        return None
    return sum(w for w, result in zip(weights, results, strict=True) if result == "1") / total


class Desk:
    """The recorded questions that are being replayed: shared by the model and the verifiers."""

    def __init__(self) -> None:
        self.questions: dict[str, Recorded] = {}

    def find(self, message_id: str | None) -> tuple[int, Recorded]:
        """Return the seed and the question that a message of `Recorded.message` is about."""
        seed, _, name = (message_id or "").partition(":")
        if name not in self.questions:
            raise ConfigurationError("replay answers recorded questions only")
        return int(seed), self.questions[name]

    def answer(self, task: Task, candidate: Candidate) -> Answer:
        """Return the recorded answer that `candidate` is."""
        asked = [message for message in task.messages if message["type"] == "human"]
        seed, recorded = self.find(asked[-1]["data"].get("id") if asked else None)
        return recorded.answers[recorded.drawn(seed)[place(candidate.id)]]


def place(candidate_id: str) -> int:
    """Return how many answers were drawn before this candidate: 3 for "g3"."""
    return order(candidate_id)[0][1]


@lru_cache(maxsize=256)
def run_seed(seed: int, n: int) -> int:
    """Return the seed that the graph is run with: the first whose `n` draws are all different.

    The model is told a draw seed of 31 bits per candidate, and has to tell from it which
    candidate is meant. It is `seed` itself but for about n² / 2³² of all seeds.
    """
    while len(_places(seed, n)) < n:
        seed += 2**32
    return seed


@lru_cache(maxsize=256)
def _places(seed: int, n: int) -> dict[int, int]:
    return {draw_seed(seed, f"g{place}"): place for place in range(n)}


class ReplayChatModel(BaseChatModel):
    """Gives recorded answers, without replacement: candidate "g3" is the fourth that is drawn.

    It keeps nothing between calls. Which answer is meant follows from the id of the question's
    message (see `Recorded.message`) and the candidate's own seed, so runs can go on side by side.
    Every answer counts as one call with the recorded tokens; no prompt is counted.
    """

    desk: Desk

    @property
    def capabilities(self) -> dict[str, Any]:
        """What a call may ask of it: the fields of `verifier_agent.models.Capabilities`."""
        return {
            "name": NAME,
            "native_n": True,
            "instructions": False,
            "seed": True,
            "seeds": True,
            "stop": False,
            "free": True,
        }

    @property
    def _llm_type(self) -> str:
        return NAME

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        asked = [message for message in messages if isinstance(message, HumanMessage)]
        seed, recorded = self.desk.find(asked[-1].id if asked else None)
        drawn = recorded.drawn(seed)
        places = _places(run_seed(seed, len(drawn)), len(drawn))
        wanted = [places.get(draw) for draw in kwargs.get("seeds", ())]
        # an answer more than was recorded is missing, as with a server that gives too few
        made = [_message(recorded.answers[drawn[at]]) for at in wanted if at is not None]
        return ChatResult(generations=[ChatGeneration(message=message) for message in made])


def _message(answer: Answer) -> AIMessage:
    stated = {"answer": answer.key, "model": answer.model, "calls": 1}
    metadata: dict[str, Any] = {"model_name": answer.model, STATED: stated}
    if answer.logprob is not None:
        # the sum is all that was recorded: as the log-probability of one token it adds up to it
        metadata["logprobs"] = {"content": [{"token": answer.text, "logprob": answer.logprob}]}
    usage = (
        None
        if answer.tokens is None
        else UsageMetadata(input_tokens=0, output_tokens=answer.tokens, total_tokens=answer.tokens)
    )
    return AIMessage(answer.text, response_metadata=metadata, usage_metadata=usage)
