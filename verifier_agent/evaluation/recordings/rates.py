"""What recorded answers cost, where the pool does not say: worked out from their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from verifier_agent.budget import Footprint, Price
from verifier_agent.evaluation.recordings.pools import RecordedCost, Sample
from verifier_agent.values import Cost

Unit = Literal["flops", "usd", "joules"]
UNITS: tuple[Unit, ...] = get_args(Unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What the tokens of one model take; they overrule what was recorded."""

    price: Price | None = None
    footprint: Footprint | None = None

    def gives(self, unit: Unit) -> bool:
        """True if the cost in this unit is worked out by these rates."""
        if unit == "usd":
            return self.price is not None
        if self.footprint is None:
            return False
        return self.footprint.joules_known if unit == "joules" else bool(self.footprint.parameters)

    def of(self, cost: RecordedCost, unit: Unit) -> float | None:
        """Return the cost in this unit; None where it is neither recorded nor worked out.

        Prompt tokens that were not recorded count nothing.
        """
        if not self.gives(unit) or cost.output_tokens is None:
            recorded: float | None = getattr(cost, unit)
            return recorded
        used = Cost(
            calls=1,
            input_tokens=cost.input_tokens or 0,
            cached_tokens=cost.cached_tokens or 0,
            output_tokens=cost.output_tokens,
        )
        rate = self.price if unit == "usd" else self.footprint
        found: float | None = None if rate is None else getattr(rate.of(used), unit)
        return found


def answering(sample: Sample) -> RecordedCost:
    """Return what an answer took, as far as it is recorded: its generated tokens at least."""
    cost = sample.cost or RecordedCost()
    if cost.output_tokens is not None:
        return cost
    return cost.model_copy(update={"output_tokens": sample.tokens})


def judging(sample: Sample) -> RecordedCost:
    """Return what its judging took: as recorded, or else one reading of prompt and answer.

    That is what a reward model does with an answer; a judge that writes takes more.
    """
    if sample.verifier_cost is not None:
        return sample.verifier_cost
    answer = answering(sample)
    if answer.output_tokens is None:
        return RecordedCost()
    read = (answer.input_tokens or 0) + answer.output_tokens
    return RecordedCost(input_tokens=read, output_tokens=0)
