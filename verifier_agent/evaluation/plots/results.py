"""What a plot reads of a result of `evaluate`, checked at the door."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from verifier_agent.errors import ConfigurationError

Results = Mapping[str, Mapping[str, Any] | Path | str]
"""By the name to show: the object that `evaluate` returns, or the file that holds it as JSON."""
WANTED = "give what `verifier-agent eval --json` printed"


class _Plain(BaseModel):
    # of a result, a plot needs some; the rest is passed over
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False, extra="ignore")


class Spent(_Plain):
    """The mean ledger of a run; None where unknown."""

    total_tokens: float | None = Field(default=None, ge=0)
    usd: float | None = Field(default=None, ge=0)
    joules: float | None = Field(default=None, ge=0)
    flops: float | None = Field(default=None, ge=0)


class Point(_Plain):
    """What was reached with so many samples."""

    max_samples: int = Field(ge=1)
    accuracy: float | None = Field(ge=0, le=1)
    accuracy_se: float | None = Field(ge=0)
    mean_samples: float | None = Field(ge=0)
    mean_tokens: float | None = Field(ge=0)
    ledger: Spent = Spent()


class Curve(_Plain):
    """Accuracy by budget, and the accuracy of each baseline with the largest budget."""

    questions: int = Field(ge=1)
    by_budget: list[Point] = Field(min_length=1)
    baselines: dict[str, float | None] = Field(default_factory=dict)

    @field_validator("baselines", mode="before")
    @classmethod
    def _accuracies(cls, given: Any) -> Any:
        """Keep the accuracy of a baseline that says more of itself."""
        if not isinstance(given, dict):
            return given
        return {k: v.get("accuracy") if isinstance(v, dict) else v for k, v in given.items()}


class Level(Curve):
    """The curve of the questions of one difficulty."""

    difficulty: str


class Bin(_Plain):
    """Runs of about the same confidence."""

    confidence: float = Field(ge=0, le=1)
    accuracy: float = Field(ge=0, le=1)
    count: int = Field(ge=1)


class Result(Curve):
    """A result of `evaluate`."""

    reliability: list[Bin] = Field(default_factory=list)
    by_difficulty: list[Level] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Named:
    """A result, the name it is shown by, and where it came from, for the words of an error."""

    name: str
    source: str
    result: Result


def read_results(results: Results) -> list[Named]:
    """Read results; raises ConfigurationError naming the result or its file, the key, the fault."""
    if not results:
        raise ConfigurationError("there is no result to draw; name at least one")
    return [_read(name, given) for name, given in results.items()]


def _read(name: str, given: Mapping[str, Any] | Path | str) -> Named:
    if isinstance(given, Mapping):
        source, plain = f"result {name!r}", given
    else:
        source, plain = str(given), _object(given)
    if not name.strip() or not name.isprintable():
        raise ConfigurationError(f"{source}: {name!r} cannot be shown; give it a printable name")
    try:
        return Named(name, source, Result.model_validate(plain))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"])) or "it"
        raise ConfigurationError(f"{source}: {key}: {fault['msg']}; {WANTED}") from None


def _object(path: Path | str) -> Any:
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: no JSON ({error}); {WANTED}") from None
