"""Limits, prices, what was spent, what remains, and what one action may use. Pure arithmetic."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from verifier_agent.errors import ConfigurationError
from verifier_agent.plain import Value
from verifier_agent.values import Cost

UNITS = ("calls", "tokens", "usd", "joules", "seconds")
"""What a budget may limit."""


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
    """US dollars, by the agent's price table."""
    joules: float | None = None
    """Estimated energy, counted at the upper end of its range, by the agent's footprints."""
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
                "a budget needs at least one limit: calls, tokens, usd, joules or seconds"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent(Value):
    """What a run has used so far: the sum of its costs, and seconds."""

    calls: int = 0
    tokens: int = 0
    usd: float | None = 0.0
    """None where a price is unknown."""
    joules: float | None = 0.0
    """Estimated energy, the upper end of its range; None where nothing is known of it."""
    seconds: float = 0.0
    exact: bool = True
    """False if some usage was not reported, so that its upper bound was charged."""

    @classmethod
    def of(cls, costs: Iterable[Cost], seconds: float = 0.0) -> Spent:
        """Add up `costs`."""
        total = Cost.total(costs)
        return cls(
            calls=total.calls,
            tokens=total.tokens,
            usd=total.usd,
            joules=total.joules,
            seconds=seconds,
            exact=total.exact,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """What is left in each unit; infinite where there is no limit, never below 0."""

    calls: float = math.inf
    tokens: float = math.inf
    usd: float = math.inf
    joules: float = math.inf
    seconds: float = math.inf

    @classmethod
    def of(cls, budget: Budget, spent: Spent) -> Remaining:
        """Subtract; what is unknown of a unit that is limited leaves nothing."""

        def left(limit: float | None, used: float | None) -> float:
            if limit is None:
                return math.inf
            return 0.0 if used is None else max(0.0, limit - used)

        return cls(
            calls=left(budget.calls, spent.calls),
            tokens=left(budget.tokens, spent.tokens),
            usd=left(budget.usd, spent.usd),
            joules=left(budget.joules, spent.joules),
            seconds=left(budget.seconds, spent.seconds),
        )

    @property
    def priced(self) -> bool:
        """True if tokens or what follows from them is limited: a call's size must be bounded."""
        return any(map(math.isfinite, (self.tokens, self.usd, self.joules)))

    def fits(self, cost: Cost) -> int | float:
        """Return how many times `cost` can be paid; infinite if no limited unit is used by it."""
        # the tiny factor forgives rounding in sums; calls and tokens are whole numbers
        pairs = (
            (self.calls, cost.calls),
            (self.tokens, cost.tokens),
            (self.usd * (1 + 1e-12), _need(cost.usd, self.usd)),
            (self.joules * (1 + 1e-12), _need(cost.joules, self.joules)),
        )
        times = [left / need for left, need in pairs if need > 0]
        most = min(times, default=math.inf)
        return most if math.isinf(most) else math.floor(most)

    def minus(self, cost: Cost) -> Remaining:
        """Subtract `cost`; what is unknown of it counts nothing where it is unlimited."""
        return replace(
            self,
            calls=max(0.0, self.calls - cost.calls),
            tokens=max(0.0, self.tokens - cost.tokens),
            usd=max(0.0, self.usd - (cost.usd or 0.0)),
            joules=max(0.0, self.joules - (cost.joules or 0.0)),
        )


def _need(cost: float | None, limit: float) -> float:
    """Return what is needed of a unit; what is unknown never fits a limit."""
    return math.inf if cost is None and math.isfinite(limit) else cost or 0.0


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
    long: Price | None = None
    """Where prompts of more than `long_from` tokens have another price, for all their tokens."""
    long_from: int = 0

    def __post_init__(self) -> None:
        for name in ("input", "output", "cached"):
            price = getattr(self, name)
            if price is not None and not (math.isfinite(price) and price >= 0):
                raise ConfigurationError(
                    f"price {name}={price!r}: dollars per million tokens are at least 0"
                )

    def of(self, cost: Cost) -> Cost:
        """Return `cost` with its dollars filled in; several requests count as one long prompt."""
        if self.long is not None and cost.input_tokens > self.long_from:
            return self.long.of(cost)
        cached = self.input if self.cached is None else self.cached
        usd = (
            (cost.input_tokens - cost.cached_tokens) * self.input
            + cost.cached_tokens * cached
            + cost.output_tokens * self.output
        ) / 1e6
        return replace(cost, usd=usd)


Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint(Value):
    """What a token of one model takes: FLOPs from its size, and energy as an estimated range.

    FLOPs are 2 per weight and token, prompt tokens read from a cache left out (Kaplan et al. 2020,
    section 2.1; attention over the context is not counted). Energy is `joules_per_token` of each
    generated token where given, else `joules_per_flop` of each operation. Raises
    ConfigurationError for a number that is not positive and finite, and for an upside-down range.
    """

    parameters: float | None = None
    """Weights used per token: of a mixture of experts the active ones."""
    joules_per_flop: Range | None = None
    """(low, high), of the machine that the model runs on."""
    joules_per_token: Range | None = None
    """(low, high), per generated token, its share of the prompt included."""

    def __post_init__(self) -> None:
        for f in fields(self):
            given = getattr(self, f.name)
            if given is None:
                continue
            low, high = given if isinstance(given, tuple | list) else (given, given)
            if not 0 < low <= high < math.inf:
                raise ConfigurationError(
                    f"footprint {f.name}={given!r}: positive numbers are needed, the lower first"
                )

    @property
    def joules_known(self) -> bool:
        """True if the energy of a call can be estimated."""
        return self.joules_per_token is not None or None not in (
            self.parameters,
            self.joules_per_flop,
        )

    def of(self, cost: Cost) -> Cost:
        """Return `cost` with its FLOPs and joules filled in; None where they are unknown."""
        if not cost.calls and not cost.tokens:
            return replace(cost, flops=0.0, joules=0.0, least_joules=0.0)
        read = cost.tokens - cost.cached_tokens
        flops = None if self.parameters is None else 2.0 * self.parameters * read
        low = high = None
        if self.joules_per_token is not None:
            low, high = (each * cost.output_tokens for each in self.joules_per_token)
        elif self.joules_per_flop is not None and flops is not None:
            low, high = (each * flops for each in self.joules_per_flop)
        return replace(cost, flops=flops, joules=high, least_joules=low)


def times(cost: Cost, n: int) -> Cost:
    """Return `n` times `cost`."""
    return Cost(
        calls=cost.calls * n,
        input_tokens=cost.input_tokens * n,
        cached_tokens=cost.cached_tokens * n,
        output_tokens=cost.output_tokens * n,
        usd=None if cost.usd is None else cost.usd * n,
        flops=None if cost.flops is None else cost.flops * n,
        joules=None if cost.joules is None else cost.joules * n,
        least_joules=None if cost.least_joules is None else cost.least_joules * n,
        exact=cost.exact,
    )
