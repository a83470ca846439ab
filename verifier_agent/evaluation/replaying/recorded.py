"""What a replayed run is shown of a recorded question: everything but the labels.

`Recorded` has no field for `gold` or `correct`, and nothing here refers to what has: whatever a
policy, a verifier or a selector reaches from its arguments, it does not reach a label.
"""

from __future__ import annotations

import random
import threading
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
from verifier_agent.evaluation.recordings.pools import Question, RecordedCost
from verifier_agent.graph.growing import STATED, draw_seed
from verifier_agent.values import Candidate, Task

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
    tests: str | None
    """One sign per generated test, "1" if it passes; None where none were run."""
    weights: tuple[float, ...]
    """Of the tests, in the same order."""
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
                tests=sample.tests,
                weights=tuple(weights),
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


class Draws:
    """The draws of one run of one question: which sample became which candidate.

    Without replacement. A run that never names a model gets the samples in the order of its seed;
    one that does gets the next of that model's. Two requests of one round for the same named model
    may come in either order.
    """

    def __init__(self, recorded: Recorded, seed: int) -> None:
        self.recorded, self.seed, self.order = recorded, seed, recorded.drawn(seed)
        self._lock = threading.Lock()
        self._left = dict.fromkeys(self.order)

    def draw(self, place: int, model: str | None) -> int | None:
        """Return the sample that the candidate of this place is; None if there is none left."""
        with self._lock:
            own = self.order[place]
            if model is None and own in self._left:
                found: int | None = own
            else:
                answers = self.recorded.answers
                fits = (at for at in self._left if model in (None, answers[at].model))
                found = next(fits, None)
            if found is not None:
                del self._left[found]
            return found


class Desk:
    """The runs under way: shared by the models and the verifiers of a replay."""

    def __init__(self) -> None:
        self.runs: dict[str, Draws] = {}

    def find(self, message_id: str | None) -> Draws:
        """Return the run that a message of `Recorded.message` belongs to."""
        if message_id is None or message_id not in self.runs:
            raise ConfigurationError("replay answers recorded questions only")
        return self.runs[message_id]

    def answer(self, task: Task, candidate: Candidate) -> Answer:
        """Return the recorded answer that `candidate` is."""
        sample = sample_of(candidate)
        assert sample is not None, "only what was drawn is judged"
        return self.run(task).recorded.answers[sample]

    def run(self, task: Task) -> Draws:
        """Return the run that a task belongs to."""
        asked = [message for message in task.messages if message["type"] == "human"]
        return self.find(asked[-1]["data"].get("id") if asked else None)


def sample_of(candidate: Candidate) -> int | None:
    """Return which sample a candidate is; None if there was none left to draw."""
    if not candidate.message:
        return None
    stated = candidate.message["data"]["response_metadata"][STATED]
    return int(stated["sample"])


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
    """Gives recorded answers, without replacement.

    Which run is meant follows from the id of the question's message (see `Recorded.message`), and
    which candidate from its own seed, so runs can go on side by side. Every answer counts as one
    call with the recorded tokens; no prompt is counted.
    """

    desk: Desk
    only: str | None = None
    """The recorded model whose answers it gives; None: anyone's."""

    @property
    def capabilities(self) -> dict[str, Any]:
        """What a call may ask of it: the fields of `verifier_agent.models.Capabilities`."""
        return {
            "name": NAME if self.only is None else self.only,
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
        run = self.desk.find(asked[-1].id if asked else None)
        n = len(run.order)
        places = _places(run_seed(run.seed, n), n)
        wanted = [places[draw] for draw in kwargs.get("seeds", ()) if draw in places]
        drawn = [run.draw(place, self.only) for place in wanted]
        # an answer more than was recorded is missing, as with a server that gives too few
        made = [_message(run.recorded.answers[at], at) for at in drawn if at is not None]
        return ChatResult(generations=[ChatGeneration(message=message) for message in made])


def _message(answer: Answer, sample: int) -> AIMessage:
    stated = {"answer": answer.key, "model": answer.model, "calls": 1, "sample": sample}
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
