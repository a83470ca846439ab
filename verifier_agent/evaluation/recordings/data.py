"""Data sets: questions to be put to a model, and their labels. A file, or the embedded family."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from verifier_agent.answers import answer_key, canonical
from verifier_agent.embedded.family import Split, examples
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.recordings.lines import Named, read_lines

BUILT_IN = "embedded"
LEVELS = (1, 2, 3, 4, 5)
"""Of the embedded family; its level 6 is out of reach of the embedded model."""
COUNT = 100
"""Questions of the built-in set, unless it is said."""


class Entry(Named):
    """One line of a data file."""

    question: str
    gold: str | None = None
    """The right answer; for the scorer alone."""
    level: int | str | None = None
    """How hard it is, by somebody's own scale."""
    context: dict[str, Any] = Field(default_factory=dict)
    """What verifiers are given beside the question."""

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if not self.question.strip():
            raise PydanticCustomError("question", "question: it is empty")
        if self.gold is not None and not self.right:
            raise PydanticCustomError("gold", "gold: it states no answer")
        return self

    @property
    def right(self) -> str | None:
        """The answer key of a right answer."""
        return None if self.gold is None else answer_key(self.gold) or canonical(self.gold)


def read_data(data: Path | str) -> list[Entry]:
    """Return the questions of a data file, or of "embedded:test" or "embedded:validation".

    "embedded:test:200" is 200 of them, levels 1 to 5 in turn; more are the same and others after
    them. Raises ConfigurationError for another name, and for a file with a fault.
    """
    if not str(data).startswith(f"{BUILT_IN}:"):
        return list(read_lines(data, Entry))
    named = re.fullmatch(rf"{BUILT_IN}:(test|validation)(?::([1-9]\d*))?", str(data))
    if named is None:
        raise ConfigurationError(
            f"data={str(data)!r}: give embedded:test, embedded:validation, a number of questions "
            "after it as in embedded:test:200, or a file"
        )
    split: Split = "test" if named[1] == "test" else "validation"
    return _built_in(split, int(named[2] or COUNT))


def _built_in(split: Split, count: int) -> list[Entry]:
    rounds = -(-count // len(LEVELS))
    problems = [examples(level, rounds, split=split) for level in LEVELS]
    entries = [
        Entry(
            id=f"{split}-{problem.level}-{turn}",
            question=problem.question,
            gold=problem.answer,
            level=problem.level,
        )
        for turn, same in enumerate(zip(*problems, strict=True))
        for problem in same
    ]
    return entries[:count]
