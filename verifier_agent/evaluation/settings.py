"""What is evaluated, and how often: the part that replayed and live evaluation share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from verifier_agent.budget import Remaining
from verifier_agent.calibration import Calibration, SelectionFit
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.build import default_selector
from verifier_agent.search import (
    PolicyFunction,
    PolicyLike,
    agree,
    read_policy,
    sample,
    tuned,
    until,
)
from verifier_agent.selection import SelectorFunction, resolve_selector
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Revise, Select, Verifier
from verifier_agent.verifiers import VerifierLike


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is evaluated. Raises ConfigurationError for a wrong number."""

    policy: PolicyLike | None = None
    """None: draw until 95 % sure of the majority, 4 at a time."""
    selector: str | SelectorFunction | None = None
    """None: that of a tuned policy; else what an agent with this verifier chooses by."""
    verifier: VerifierLike | Sequence[VerifierLike] | None = "agreement"
    """As for an agent. None: nobody judges."""
    max_samples: int | None = None
    """The most answers that a run may draw."""
    seeds: int = 1
    """Runs per question: seeds 0, 1, …"""
    calibration: Calibration | None = None
    """As for an agent."""
    risk: float | None = None
    """As for an agent."""

    def __post_init__(self) -> None:
        check_count("seeds", self.seeds)
        if self.max_samples is not None:
            check_count("max_samples", self.max_samples)

    @property
    def verifiers(self) -> list[VerifierLike]:
        """The verifiers asked for, as a list."""
        if isinstance(self.verifier, list | tuple):
            return list(self.verifier)
        return [] if self.verifier is None else [cast(VerifierLike, self.verifier)]

    def sureness(
        self, selector: SelectorFunction, verifiers: Sequence[Verifier]
    ) -> SelectionFit | None:
        """Return what confidences are calibrated by; None where they are not."""
        if self.calibration is None:
            return None
        return self.calibration.selection_fit(repr(selector), [one.name for one in verifiers])

    def resolved_policy(self, most: int) -> PolicyFunction:
        """Return the policy; the one that is used when none is named draws at most `most`."""
        if self.policy is None:
            return until(sample(most), agree(0.95))
        return read_policy(self.policy)

    def resolved_selector(
        self, models: Sequence[str], verifiers: Sequence[Verifier]
    ) -> SelectorFunction:
        """Return the selector.

        Raises ConfigurationError for a wrong one, and for a policy that was tuned for something
        else than these models and verifiers.
        """
        learned = tuned(self.policy)
        if learned is not None:
            learned.check(models, [one.name for one in verifiers])
        if self.selector is not None:
            return resolve_selector(self.selector)
        return default_selector(verifiers) if learned is None else learned.selector


@dataclass(frozen=True, slots=True, repr=False)
class AtMost:
    """A policy held to so many candidates; then the run ends as if the budget had."""

    policy: PolicyFunction
    most: int

    def __repr__(self) -> str:
        """Return the policy's own text: what is held back is no part of it."""
        return repr(self.policy)

    def __call__(self, tree: Tree, remaining: Remaining) -> Sequence[Action]:
        """Return what the policy says, as far as it is allowed."""
        left, kept = self.most - len(tree), []
        for action in self.policy(tree, remaining):
            if isinstance(action, Generate | Revise):
                action = replace(action, n=min(action.n, left))
                left -= action.n
                if not action.n:
                    continue
            kept.append(action)
        reason = f"{self.most} samples are drawn"
        return kept or [Select(outcome="budget", reason=reason)]


def check_count(name: str, value: object, *, least: int = 1) -> None:
    """Raise ConfigurationError unless the value is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name}={value!r}: a whole number of at least {least} is needed")
