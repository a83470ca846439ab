"""Pools: recorded answers in files, one question per line. Checked at the door, read as a stream.

What is read here holds the labels (`gold`, `correct`), which are for the scorer alone; a run is
given `verifier_agent.evaluation.recorded.Recorded`, which has no place for them.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from verifier_agent.errors import ConfigurationError

LONGEST_LINE = 64 * 2**20
"""Bytes; no line is held in memory beyond this, whatever the file."""
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_BRANCHES = ("float", "int", "str")


class _Strict(BaseModel):
    # a field that is not known is somebody's own, and passed over
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False, extra="ignore")


class GeneratedTest(_Strict):
    """A generated test; nobody vouches for it."""

    weight: float = Field(ge=0)
    text: str


class RecordedCost(_Strict):
    """What calls used: the plain form of `verifier_agent.values.Cost`. None: not recorded."""

    calls: int | None = Field(default=None, ge=0)
    input_tokens: int | None = Field(default=None, ge=0)
    cached_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    usd: float | None = Field(default=None, ge=0)
    flops: float | None = Field(default=None, ge=0)
    joules: float | None = Field(default=None, ge=0)
    least_joules: float | None = Field(default=None, ge=0)


class Sample(_Strict):
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


class Question(_Strict):
    """One line of a pool."""

    id: str = Field(min_length=1)
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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a pool that has not been looked into yet."""

    source: str
    number: int
    data: bytes

    def read(self) -> Question:
        """Return the question; raises ConfigurationError naming file, line and field."""
        try:
            return Question.model_validate_json(self.data)
        except ValidationError as error:
            first, *more = _faults(error)
            others = f" (and {len(more)} more on this line)" if more else ""
            raise ConfigurationError(
                f"{self.source}, line {self.number}: {first}{others}"
            ) from None


def _faults(error: ValidationError) -> list[str]:
    """Return what is wrong with a line, each fault once, as "field: fault"."""
    faults: dict[tuple[str, ...], str] = {}
    for one in error.errors(include_url=False, include_context=False):
        # pydantic names the branch of a union; to the reader of a file it is no field
        names = tuple(str(p) for p in one["loc"] if p not in _BRANCHES and "list[" not in str(p))
        faults.setdefault(names, f"{'.'.join(names)}: {one['msg']}" if names else one["msg"])
    deepest = [n for n in faults if not any(m[: len(n)] == n and m != n for m in faults)]
    return [faults[names] for names in deepest]


def lines(pool: Path | str) -> Iterator[Line]:
    """Yield the lines of a pool that hold something; gzip is known by its first bytes.

    Raises ConfigurationError for a file that cannot be read, is no file (a pool is read more than
    once), ends in the middle of its gzip stream, or has a line of more than `LONGEST_LINE` bytes.
    """
    path, number = Path(pool), 0
    if path.exists() and not path.is_file():
        raise ConfigurationError(f"{path}: a pool is a file, and is read more than once")
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            # to typeshed the two have nothing in common
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw
            while data := stream.readline(LONGEST_LINE + 1):
                number += 1
                if len(data) > LONGEST_LINE:
                    raise ConfigurationError(
                        f"{path}, line {number}: longer than {LONGEST_LINE // 2**20} MiB; "
                        "a pool has one JSON object per line"
                    )
                data = data.removeprefix(_BOM) if number == 1 else data
                if data.strip():
                    yield Line(str(path), number, data)
    except EOFError:
        raise ConfigurationError(
            f"{path}, line {number + 1}: the gzip stream ends here: the file is truncated"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ConfigurationError(
            f"{path}, line {number + 1}: the gzip stream is damaged: {error}"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from None


def read_pool(pool: Path | str) -> Iterator[Question]:
    """Yield the questions of a pool, one at a time.

    Raises ConfigurationError at the first line that is no question, for an id that came before,
    and at the end of a file that holds none.
    """
    first: dict[str, int] = {}
    for line in lines(pool):
        question = line.read()
        if question.id in first:
            raise ConfigurationError(
                f"{line.source}, line {line.number}: id: {question.id!r} is the id of line "
                f"{first[question.id]} already"
            )
        first[question.id] = line.number
        yield question
    if not first:
        raise ConfigurationError(f"{pool}: the pool is empty")


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
