"""Limits, prices, what was spent, what remains, and what one action may use. Pure arithmetic."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Cost, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget(Value):
    """What a run may use; None is no limit in that unit.

    Raises ConfigurationError for a limit that is not positive and finite, or if there is none.
    """

    calls: int | None = None
    """Requests to models, verifiers' and retries included."""
    tokens: int | None = None
    """Prompt and generated tokens, verifiers' included."""
    usd: float | None = None
    """US dollars, by the price table given to the agent."""
    seconds: float | None = None
    """Seconds inside the nodes; parallel work counts its maximum, a paused run does not count."""

    def __post_init__(self) -> None:
        limits = {f.name: getattr(self, f.name) for f in fields(self)}
        for unit, limit in limits.items():
            if limit is None:
                continue
            if isinstance(limit, bool) or not isinstance(limit, int | float):
                raise ConfigurationError(f"budget {unit}={limit!r}: a limit is a number")
            if not 0 < limit <= sys.float_info.max:
                raise ConfigurationError(
                    f"budget {unit}={limit!r}: a limit is a positive finite number; "
                    "leave it out for no limit in this unit"
                )
            if unit in ("calls", "tokens"):
                if limit != int(limit):
                    raise ConfigurationError(f"budget {unit}={limit!r}: a whole number is needed")
                object.__setattr__(self, unit, int(limit))
        if all(limit is None for limit in limits.values()):
            raise ConfigurationError(
                "a budget needs at least one limit: calls, tokens, usd or seconds"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent(Value):
    """What a run has used so far: the sum of its costs, and seconds."""

    calls: int = 0
    tokens: int = 0
    usd: float | None = 0.0
    """None where a price is unknown."""
    seconds: float = 0.0
    exact: bool = True
    """False if some usage was not reported, so that its upper bound was charged."""

    @classmethod
    def of(cls, costs: Iterable[Cost], seconds: float = 0.0) -> Spent:
        """Add up `costs`."""
        calls = tokens = 0
        usd, exact = 0.0, True
        known = True
        for cost in costs:
            calls += cost.calls
            tokens += cost.tokens
            known = known and cost.usd is not None
            usd += cost.usd or 0.0
            exact = exact and cost.exact
        return cls(
            calls=calls, tokens=tokens, usd=usd if known else None, seconds=seconds, exact=exact
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What is left in each unit; infinite where there is no limit, never below 0."""

    calls: float = math.inf
    tokens: float = math.inf
    usd: float = math.inf
    seconds: float = math.inf

    @classmethod
    def of(cls, budget: Budget, spent: Spent) -> Remaining:
        """Subtract; dollars that are unknown under a limit in dollars leave nothing."""

        def left(limit: float | None, used: float | None) -> float:
            if limit is None:
                return math.inf
            return 0.0 if used is None else max(0.0, limit - used)

        return cls(
            calls=left(budget.calls, spent.calls),
            tokens=left(budget.tokens, spent.tokens),
            usd=left(budget.usd, spent.usd),
            seconds=left(budget.seconds, spent.seconds),
        )

    @property
    def priced(self) -> bool:
        """True if tokens or dollars are limited, so that a call's size must be bounded."""
        return math.isfinite(self.tokens) or math.isfinite(self.usd)

    def fits(self, cost: Cost) -> int | float:
        """Return how many times `cost` can be paid; infinite if no limited unit is used by it."""
        usd = math.inf if cost.usd is None and math.isfinite(self.usd) else (cost.usd or 0.0)
        # the tiny factor forgives rounding in sums of dollars; calls and tokens are whole numbers
        pairs = (
            (self.calls, cost.calls),
            (self.tokens, cost.tokens),
            (self.usd * (1 + 1e-12), usd),
        )
        times = [left / need for left, need in pairs if need > 0]
        most = min(times, default=math.inf)
        return most if math.isinf(most) else math.floor(most)

    def minus(self, cost: Cost) -> Remaining:
        """Subtract `cost`; unknown dollars are not subtracted where dollars are unlimited."""
        return replace(
            self,
            calls=max(0.0, self.calls - cost.calls),
            tokens=max(0.0, self.tokens - cost.tokens),
            usd=max(0.0, self.usd - (cost.usd or 0.0)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance(Value):
    """What one action of a round may use, per candidate; the node that does it cannot use more."""

    attempts: int = 1
    """Requests per candidate, retries included."""
    spare: int = 0
    """Further requests per candidate that the budget can pay for if a crash lost the first."""
    max_tokens: int | None = None
    """Generated tokens per request; None: no cap is sent."""
    input_tokens: int = 0
    """The bound on one request's prompt, charged where a reply reports no usage."""
    seconds: float | None = None
    """From the moment the node starts; None: no deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price(Value):
    """US dollars per million tokens."""

    input: float
    output: float
    cached: float | None = None
    """For prompt tokens read from a cache; None: as `input`."""

    def __post_init__(self) -> None:
        for f in fields(self):
            price = getattr(self, f.name)
            if price is not None and not (math.isfinite(price) and price >= 0):
                raise ConfigurationError(
                    f"price {f.name}={price!r}: dollars per million tokens are at least 0"
                )

    def of(self, cost: Cost) -> Cost:
        """Return `cost` with its dollars filled in."""
        cached = self.input if self.cached is None else self.cached
        usd = (
            (cost.input_tokens - cost.cached_tokens) * self.input
            + cost.cached_tokens * cached
            + cost.output_tokens * self.output
        ) / 1e6
        return replace(cost, usd=usd)


def times(cost: Cost, n: int) -> Cost:
    """Return `n` times `cost`."""
    return Cost(
        calls=cost.calls * n,
        input_tokens=cost.input_tokens * n,
        cached_tokens=cost.cached_tokens * n,
        output_tokens=cost.output_tokens * n,
        usd=None if cost.usd is None else cost.usd * n,
        exact=cost.exact,
    )
