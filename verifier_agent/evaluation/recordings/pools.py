"""Pools: recorded answers in files, one question per line. Checked at the door, read as a stream.

What is read here holds the labels (`gold`, `correct`), which are for the scorer alone; a run is
given `verifier_agent.evaluation.replaying.recorded.Recorded`, which has no place for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.recordings.lines import Named, Strict, read_lines


class GeneratedTest(Strict):
    """A generated test; nobody vouches for it."""

    weight: float = Field(ge=0)
    text: str


class RecordedCost(Strict):
    """What calls used: the plain form of `verifier_agent.values.Cost`. None: not recorded."""

    calls: int | None = Field(default=None, ge=0)
    input_tokens: int | None = Field(default=None, ge=0)
    cached_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    usd: float | None = Field(default=None, ge=0)
    flops: float | None = Field(default=None, ge=0)
    joules: float | None = Field(default=None, ge=0)
    least_joules: float | None = Field(default=None, ge=0)


class Sample(Strict):
    """One recorded answer."""

    text: str
    answer: str | None = None
    """The key that votes are counted by; None where the text states no answer."""
    correct: Literal[0, 1] | None = None
    tokens: int | None = Field(default=None, ge=0)
    """Generated tokens; None: unknown."""
    model: str | None = None
    logprob: float | None = None
    """Sum of the token log-probabilities."""
    scores: dict[str, float | list[float]] = Field(default_factory=dict)
    """By verifier: one number, or one for each step of the text."""
    tests: Annotated[str, Field(pattern="^[01]*$")] | None = None
    """One 0 or 1 per test of the question."""
    cost: RecordedCost | None = None
    """Of generating it, retries included."""
    verifier_cost: RecordedCost | None = None
    """Of judging it."""
    done: bool = True
    """False for the beginning of an answer."""
    parent: str | None = None
    """What it continues or revises, in the words of who recorded it."""

    @property
    def drawable(self) -> bool:
        """True of an independent whole answer, which is what replay draws."""
        return self.done and self.parent is None


class Question(Named):
    """One line of a pool."""

    question: str
    kind: Literal["text", "code"] = "text"
    """In "code" the question is the head of a program, and each text a continuation of it."""
    gold: str | None = None
    level: int | str | None = None
    """How hard it is, by somebody's own scale."""
    tests: list[GeneratedTest] | None = None
    samples: list[Sample] = Field(min_length=1)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if not self.question.strip():
            raise PydanticCustomError("question", "question: it is empty")
        for place, sample in enumerate(self.samples):
            if self.kind == "text" and "answer" not in sample.model_fields_set:
                raise PydanticCustomError(
                    "answer",
                    "samples.{place}.answer: Field required; null where no answer is stated",
                    {"place": place},
                )
            if sample.tests is not None and len(sample.tests) != len(self.tests or ()):
                raise PydanticCustomError(
                    "tests",
                    "samples.{place}.tests: it has {has} results, the question has {tests} tests",
                    {"place": place, "has": len(sample.tests), "tests": len(self.tests or ())},
                )
        return self

    @property
    def labelled(self) -> bool:
        """True if every sample says whether it is correct."""
        return all(sample.correct is not None for sample in self.samples)


def read_pool(pool: Path | str) -> Iterator[Question]:
    """Yield the questions of a pool, one at a time.

    Raises ConfigurationError at the first line that is no question, for an id that came before,
    and at the end of a file that holds none.
    """
    return read_lines(pool, Question)


@dataclass(slots=True)
class Survey:
    """What there is in a pool: counts, and what its samples carry."""

    questions: int = 0
    labelled: int = 0
    """Questions of which every sample has `correct`."""
    samples: int = 0
    """Independent whole answers; nothing else is drawn."""
    most_samples: int = 0
    """Of the question that has the most."""
    models: set[str] = field(default_factory=set)
    tests: bool = False
    """True if any sample has the results of generated tests."""
    scores: dict[str, tuple[float, float]] = field(default_factory=dict)
    """The lowest and the highest number recorded under each name, steps included."""

    def see(self, question: Question) -> None:
        """Take in one more question; raises ConfigurationError if there is nothing to draw."""
        drawable = sum(sample.drawable for sample in question.samples)
        if not drawable:
            raise ConfigurationError(
                f"question {question.id!r}: all that was recorded are steps and revisions, and "
                "replay draws independent whole answers; record best_of or sample"
            )
        self.questions += 1
        self.labelled += question.labelled
        self.samples += drawable
        self.most_samples = max(self.most_samples, drawable)
        for sample in question.samples:
            if sample.model is not None:
                self.models.add(sample.model)
            self.tests = self.tests or sample.tests is not None
            for name, given in sample.scores.items():
                numbers = [*self.scores.get(name, ())]
                numbers += given if isinstance(given, list) else [given]
                if numbers:
                    self.scores[name] = (min(numbers), max(numbers))

    @classmethod
    def of(cls, pool: Path | str) -> Survey:
        """Read a pool from its first line to its last; raises what `read_pool` raises."""
        survey = cls()
        for question in read_pool(pool):
            survey.see(question)
        return survey
