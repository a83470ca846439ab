"""Which of several models answers next, and what their answers say so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from verifier_agent.calibration import Poll, Reliability
from verifier_agent.errors import ConfigurationError
from verifier_agent.tree import Tree


@dataclass(frozen=True, slots=True)
class Arms:
    """The models that a policy may ask, what each is worth, and what a call to each costs."""

    models: tuple[str, ...]
    reliability: Reliability | None = None
    """None: nothing is known of them."""
    costs: tuple[float, ...] = ()
    """Of one call to each, in the same order; without any all cost the same."""

    def __post_init__(self) -> None:
        known = self.models if self.reliability is None else self.reliability.models
        strange = next((model for model in self.models if model not in known), None)
        if strange is not None:
            raise ConfigurationError(
                f"models={self.models!r}: nothing is known of {strange!r}, only of "
                f"{', '.join(known)}; leave it out, or fit the reliability with it"
            )
        if self.costs and len(self.costs) != len(self.models):
            raise ConfigurationError(
                f"costs={self.costs!r}: one number for each of {len(self.models)} models is needed"
            )

    def poll(self, tree: Tree) -> Poll | None:
        """Return what the answers say together; None where nothing is known of the models.

        An answer that a verifier refuted has no vote.
        """
        if self.reliability is None:
            return None
        heard = [j.candidate for j in tree.finished if not j.refuted]
        return self.reliability([(c.model, c.answer) for c in heard])

    def next(self, tree: Tree, wanted: int) -> Sequence[str]:
        """Return who makes the next `wanted` answers; fewer where there is nobody left.

        Those that failed are left out. Where something is known of them each is asked once, first
        the one whose answer is expected to tell most of which one is right, per unit of its cost.
        Else each in turn, again and again.
        """
        failed = {c.mark for c in tree if c.error is not None}
        asked = Counter(c.mark for c in tree)
        usable = [model for model in self.models if model not in failed]
        poll = self.poll(tree)
        if poll is None:
            turns = sorted(
                (asked[model] + again, place, model)
                for place, model in enumerate(usable)
                for again in range(wanted)
            )
            return [model for _, _, model in turns[:wanted]]
        costs = dict(zip(self.models, self.costs or [1.0] * len(self.models), strict=True))
        left = [model for model in usable if not asked[model]]
        return sorted(left, key=lambda model: -poll.tells(model) / costs[model])[:wanted]
