"""A small verifier that was taught by a dear one: words and numbers, weighed. No package needed."""

from __future__ import annotations

import base64
import binascii
import json
import math
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from verifier_agent.calibration.calibrators import sigmoid
from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.surface import BUCKETS, MEASURES, VERSION, Features, features

KIND: Literal["distilled verifier"] = "distilled verifier"
SIZE = len(MEASURES) + BUCKETS
"""Weights of a student."""


class Student(BaseModel):
    """What the file of a distilled verifier holds."""

    model_config = ConfigDict(frozen=True, strict=True)

    kind: Literal["distilled verifier"] = KIND
    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    features: Literal[1] = VERSION
    """The version of what is read off an answer."""
    weights: str
    """Of each feature, as base64 of 32-bit floats, the lowest byte first."""
    sheet: dict[str, Any]
    """Who taught it, on what, and what it keeps of the teacher on questions it was not taught."""

    @classmethod
    def read(cls, path: Path | str) -> Student:
        """Return what a file holds; raises ConfigurationError if it is no distilled verifier."""
        try:
            found = cls.model_validate_json(Path(path).read_bytes())
            found.numbers()
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror or error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the file"
            raise ConfigurationError(f"{path}: no {KIND}: {place}: {first['msg']}") from None
        except ValueError as error:
            raise ConfigurationError(f"{path}: no {KIND}: weights: {error}") from None
        return found

    def numbers(self) -> array[float]:
        """Return the weights; raises ValueError unless there is a finite one of each feature."""
        try:
            found = array("f", base64.b64decode(self.weights, validate=True))
        except binascii.Error as error:
            raise ValueError(str(error)) from None
        if sys.byteorder == "big":
            found.byteswap()
        if len(found) != SIZE or not all(map(math.isfinite, found)):
            raise ValueError(f"{SIZE} finite numbers are needed")
        return found


def packed(weights: Sequence[float]) -> str:
    """Return weights in the form of the file."""
    numbers = array("f", weights)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode("ascii")


class Distilled:
    """Judges as it was taught by another verifier's scores: `verifier-agent distill` makes one.

    A linear model over what can be read off a text without a model: its words, pairs and triples of
    words (numbers by their length, and by whether the question has them), whether its equations
    hold, whether its numbers come from somewhere. About a millisecond an answer, in plain Python,
    no call and no package; so it runs where nothing else does. The score estimates the teacher's,
    and is no better founded: it is evidence, never proof. It knows the domain it was taught on, and
    says something of any other all the same; `sheet` tells what it was taught on.
    """

    hard = False
    relational = False
    per_candidate = False

    def __init__(self, student: Student, *, name: str = "distilled") -> None:
        self.name = name
        self.sheet = student.sheet
        self._weights = student.numbers()

    @classmethod
    def from_file(cls, path: Path | str, *, name: str = "distilled") -> Distilled:
        """Return the verifier in a file; raises ConfigurationError if there is none in it."""
        return cls(Student.read(path), name=name)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge each candidate."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge each candidate."""
        return [
            self._verdict(candidate, read)
            for candidate, read in zip(candidates, features(task, candidates), strict=True)
        ]

    def _verdict(self, candidate: Candidate, read: Features) -> Verdict:
        if not candidate.text.strip():
            return Verdict(candidate=candidate.id, verifier=self.name, error="there is no text")
        odds = math.fsum(self._weights[at] * value for at, value in read.items())
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=sigmoid(odds),
            raw=odds,
            evidence={
                "measures": {MEASURES[at]: read[at] for at in range(1, len(MEASURES)) if at in read}
            },
        )


def written(student: Student) -> str:
    """Return the text of the file."""
    return json.dumps(student.model_dump(by_alias=True), indent=1) + "\n"
