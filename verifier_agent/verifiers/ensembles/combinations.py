"""The text form of ensembles: "mean:NAME,NAME", "cascade:NAME,NAME", "weighted:FILE"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Verifier
from verifier_agent.verifiers.ensembles.combining import Rule
from verifier_agent.verifiers.ensembles.ensemble import Cascade, Ensemble
from verifier_agent.verifiers.names import is_combined
from verifier_agent.weighting import Weights

CASCADE = "cascade"
WEIGHTED = "weighted"


@dataclass(frozen=True, slots=True)
class Combination:
    """An ensemble that is named, and not made yet: whoever knows what names mean makes it."""

    text: str
    kind: str
    names: tuple[str, ...]
    weights: Weights | None = None

    @classmethod
    def read(cls, text: str) -> Combination:
        """Return the ensemble that a text names, one that begins with a kind and a colon.

        Raises ConfigurationError for one without names or within another one, and for a file
        without weights.
        """
        kind, _, rest = text.partition(":")
        if kind == WEIGHTED:
            weights = Weights.read(rest)
            return cls(text, kind, weights.verifiers, weights)
        names = tuple(name.strip() for name in rest.split(","))
        if not all(names):
            raise ConfigurationError(f"verifier {text!r}: write {kind}:NAME,NAME")
        inner = next((name for name in names if is_combined(name)), None)
        if inner is not None:
            raise ConfigurationError(
                f"verifier {text!r}: {inner!r} is an ensemble itself; nest them in Python"
            )
        return cls(text, kind, names)

    def of(self, members: Sequence[Verifier]) -> Verifier:
        """Return the ensemble of these verifiers, those that `names` mean."""
        if self.weights is not None:
            return Ensemble(members, self.weights)
        if self.kind == CASCADE:
            return Cascade(members)
        return Ensemble(members, cast(Rule, self.kind))
