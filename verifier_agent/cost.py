"""What calls cost, in tokens, dollars, operations and energy: a value that adds up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from verifier_agent.plain import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost(Value):
    """What calls to a model used. Costs add; an unknown price stays unknown, never 0."""

    calls: int = 0
    """Requests sent, retries and failures included."""
    input_tokens: int = 0
    """Prompt tokens, cached ones included."""
    cached_tokens: int = 0
    """The part of `input_tokens` that the provider read from a cache."""
    output_tokens: int = 0
    """Generated tokens, hidden reasoning included."""
    usd: float | None = 0.0
    """US dollars; None where a price is unknown."""
    flops: float | None = 0.0
    """Floating-point operations: 2 per weight and token; None where a model's size is unknown."""
    joules: float | None = 0.0
    """Estimated energy, the upper end of its range; None where nothing is known of it."""
    least_joules: float | None = 0.0
    """The lower end."""
    exact: bool = True
    """False where a reply reported no usage, so that its allowance was charged instead."""

    @property
    def tokens(self) -> int:
        """Prompt and generated tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Cost) -> Cost:
        """Add field by field; an unknown part makes the sum unknown."""
        return Cost.total((self, other))

    @classmethod
    def total(cls, costs: Iterable[Cost]) -> Cost:
        """Add up `costs`; an unknown part makes the sum unknown."""
        costs = list(costs)
        counts = {name: sum(map(attrgetter(name), costs)) for name in _COUNTS}
        amounts: dict[str, float | None] = {}
        for name in _AMOUNTS:
            given = list(map(attrgetter(name), costs))
            amounts[name] = None if None in given else sum(given)
        return cls(**counts, **amounts, exact=all(cost.exact for cost in costs))  # type: ignore[arg-type]


_COUNTS = ("calls", "input_tokens", "cached_tokens", "output_tokens")
_AMOUNTS = ("usd", "flops", "joules", "least_joules")
