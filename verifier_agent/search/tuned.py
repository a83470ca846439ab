"""`Tuned`: a policy that was learned on recorded answers, as a file of `tune` holds it. Frozen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from verifier_agent.calibration import named
from verifier_agent.errors import ConfigurationError
from verifier_agent.plain import Value, read_file
from verifier_agent.search.demands import named_models
from verifier_agent.search.policy import Policy, PolicyFunction
from verifier_agent.search.stopping.rule import resolve_policy
from verifier_agent.selection import Selector

SCHEMA = 1
Unit = Literal["samples", "tokens"]
"""What is paid for: answers, or tokens that models and verifiers generated and verifiers read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain(Value):
    """What tuning brought at one budget, on questions it was not learned on."""

    budget: int
    """The most calls that a run may take."""
    accuracy: float
    cost: float
    """Mean per question, in the unit."""
    plain_accuracy: float
    """Of the policy that is used where nothing better was learned."""
    plain_cost: float
    difference: tuple[float, float, float]
    """In accuracy: the mean, and its 95 % bounds by bootstrap over questions."""
    value: tuple[float, float, float]
    """The same of accuracy less the price of what it cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned(Value):
    """A policy and a selector that were learned, and what for. It is refused for anything else."""

    schema: int = SCHEMA
    policy: Policy
    selector: Selector
    models: tuple[str, ...] = ()
    """On whose answers; empty where the pool did not say: then it is for any."""
    verifiers: tuple[str, ...] = ()
    unit: Unit = "samples"
    price: Annotated[float, Field(ge=0.0)]
    """What one unit costs, in right answers."""
    gains: tuple[Gain, ...] = ()
    source: dict[str, Any] = field(default_factory=dict)
    """Where it comes from: the pool's name and digest, how many questions and answers."""

    @classmethod
    def read(cls, given: Tuned | Mapping[str, Any] | Path | str) -> Tuned:
        """Return a tuned policy from one, from its plain form, or from a file of it.

        Raises ConfigurationError for a file that cannot be read or is none.
        """
        return read_file(cls, given, "tuned policy", SCHEMA)

    def check(self, models: Sequence[str], verifiers: Collection[str]) -> None:
        """Raise ConfigurationError unless it was learned for these models and verifiers.

        Where the policy names no model, the first of `models` is the one that answers.
        """
        asked = named_models(self.policy)
        missing = [name for name in asked if name not in models]
        if missing:
            raise ConfigurationError(
                f"the tuned policy asks the model {missing[0]!r}, and there are only "
                f"{', '.join(models)}; give models by these names, or tune without it"
            )
        if not asked and self.models and models[0] not in self.models:
            raise ConfigurationError(
                f"the policy was tuned on answers of {', '.join(self.models)}, not of "
                f"{models[0]!r}; tune it on answers of that model"
            )
        if sorted(map(named, verifiers)) != sorted(self.verifiers):
            raise ConfigurationError(
                f"the policy was tuned with {_listed(self.verifiers)}, and here "
                f"{_listed(verifiers)} judges; use the same verifiers, or tune with these"
            )


PolicyLike = str | Path | PolicyFunction | Tuned
"""A policy, its text, or one that was tuned: the file ("….json"), or what it holds."""


def tuned(given: PolicyLike | None) -> Tuned | None:
    """Return the tuned policy that is given; None if it is a policy, or the text of one.

    Raises ConfigurationError for a file that cannot be read or is none.
    """
    if isinstance(given, Tuned | Path) or (isinstance(given, str) and given.endswith(".json")):
        return Tuned.read(given)
    return None


def read_policy(given: PolicyLike) -> PolicyFunction:
    """Return the policy that is given, read from its text or from a file.

    Raises ConfigurationError for what is none.
    """
    learned = tuned(given)
    return (
        resolve_policy(cast("str | PolicyFunction", given)) if learned is None else learned.policy
    )


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "no verifier"
