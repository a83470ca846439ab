"""`Weights`: how much the words of several verifiers count together. Plain, frozen, one file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from verifier_agent.calibration import named
from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.plain import Value, read_file

SCHEMA = 1
KIND: Literal["verifier weights"] = "verifier weights"
"""What the file says that it is."""

Method = Literal["latent", "moments", "labels"]
"""How weights are found: "latent" and "moments" without labels, "labels" with a few of them."""
METHODS: tuple[Method, ...] = get_args(Method)


def check_method(method: str) -> None:
    """Raise ConfigurationError unless `method` is one of the names of `Method`."""
    if method not in METHODS:
        raise ConfigurationError(f"unknown method {method!r}{nearest(method, METHODS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight(Value):
    """What the word of one verifier counts."""

    verifier: str
    weight: float
    """Of its score in units of `spread`; below 0 if it counts against what it praises."""
    mean: float
    """The mean of its scores."""
    spread: float
    """Their standard deviation within questions."""
    scale: tuple[float, float] = (0.0, 1.0)
    """The verifier's own numbers that were read as 0 and 1, where they are not in [0, 1]."""
    given: int
    """How many answers it scored."""
    alone: float | None = None
    """How often its best-scored answer is right; None without labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped(Value):
    """A verifier that is not asked, and why."""

    verifier: str
    reason: str
    alone: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights(Value):
    """The weighted word of several verifiers, as fitted on answers that all of them scored.

    `print` it to see which count how much, and which were dropped and why.
    """

    kind: Literal["verifier weights"] = KIND
    schema: int = SCHEMA
    method: Method
    members: tuple[Weight, ...]
    dropped: tuple[Dropped, ...] = ()
    intercept: float = 0.0
    """The log-odds of an answer whose scores are all average."""
    questions: int = 0
    labelled: int = 0
    """Questions whose labels were looked at for the weights."""
    share: float | None = None
    """Without labels: how many of a question's answers were taken to be right."""
    figures: dict[str, float | None] = field(default_factory=dict)
    """How good it is on questions it was not fitted on, where there were labels to tell."""
    source: dict[str, Any] = field(default_factory=dict)
    """Where it comes from: the pool's name and digest, how many questions and answers."""

    @property
    def verifiers(self) -> tuple[str, ...]:
        """The names of those that count."""
        return tuple(member.verifier for member in self.members)

    def log_odds(self, scores: Mapping[str, float | None]) -> float | None:
        """Return the weighted sum of the scores, by the verifiers' names; None of none.

        A missing score counts as that verifier's mean: it moves the sum neither way.
        """
        given = [(m, scores.get(m.verifier)) for m in self.members]
        if all(score is None for _, score in given):
            return None
        return self.intercept + math.fsum(
            member.weight * (score - member.mean) / member.spread
            for member, score in given
            if score is not None
        )

    def check(self, verifiers: Sequence[str]) -> None:
        """Raise ConfigurationError unless these are the verifiers that the weights are for."""
        names = [named(verifier) for verifier in verifiers]
        if sorted(names) != sorted(self.verifiers):
            raise ConfigurationError(
                f"these weights are for {', '.join(self.verifiers)}; they say nothing of "
                f"{', '.join(names) or 'no verifier'}"
            )

    @classmethod
    def read(cls, given: Weights | Mapping[str, Any] | Path | str) -> Weights:
        """Return weights from some, from their plain form, or from a file of it.

        Raises ConfigurationError for a file that cannot be read or holds no weights.
        """
        found = read_file(cls, given, KIND, SCHEMA)
        if found is not given:
            found._check_numbers(KIND if isinstance(given, Mapping) else str(given))
        return found

    def _check_numbers(self, shown: str) -> None:
        if not self.members or len(set(self.verifiers)) < len(self.members):
            raise ConfigurationError(f"{shown}: members: each verifier once, and at least one")
        numbers = [n for m in self.members for n in (m.weight, m.mean, m.spread)]
        if not all(map(math.isfinite, (self.intercept, *numbers))):
            raise ConfigurationError(f"{shown}: members: every number must be finite")
        if any(m.spread <= 0 for m in self.members):
            raise ConfigurationError(f"{shown}: members: a spread is above 0")

    def __str__(self) -> str:
        """Write who counts how much, the most first, and who was dropped."""
        told = f"labels of {self.labelled}" if self.labelled else "no labels"
        lines = [f"{self.method}: {self.questions} questions, {told}"]
        width = max(map(len, [*self.verifiers, *(d.verifier for d in self.dropped)]))
        for member in sorted(self.members, key=lambda m: -abs(m.weight)):
            against = "  counts against what it praises" if member.weight < 0 else ""
            alone = _alone(member.alone)
            lines.append(f"  {member.verifier:<{width}}  {member.weight:+.2f}{alone}{against}")
        lines += [
            f"  {one.verifier:<{width}}    -  {_alone(one.alone)}  {one.reason}"
            for one in self.dropped
        ]
        return "\n".join(lines)


def _alone(share: float | None) -> str:
    return "" if share is None else f"  {100 * share:5.1f} % alone"
