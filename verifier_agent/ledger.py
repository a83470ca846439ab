"""The ledger of a run: everything it used, told apart. Pure sums over the costs in the record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from verifier_agent.plain import Value
from verifier_agent.values import Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger(Value):
    """What one run used. Prompt tokens are counted whenever they are sent, cached or not."""

    generated_tokens: int = 0
    """Written by the model that answers, hidden reasoning included."""
    prompt_tokens: int = 0
    """Read by the model that answers, those from a cache left out."""
    cached_tokens: int = 0
    """Read by it from a cache."""
    verifier_tokens: int = 0
    """Read and written by verifiers."""
    calls: int = 0
    """Requests to models, verifiers' and retries included."""
    depth: int = 0
    """The longest chain of requests that had to wait for one another."""
    seconds: float = 0.0
    """Inside the nodes; parallel work counts its maximum."""
    usd: float | None = 0.0
    flops: float | None = 0.0
    joules: float | None = 0.0
    """Estimated energy, the upper end of its range."""
    least_joules: float | None = 0.0
    exact: bool = True
    """False if some usage was not reported, so that its upper bound stands here."""

    @property
    def total_tokens(self) -> int:
        """All tokens together."""
        own = self.generated_tokens + self.prompt_tokens + self.cached_tokens
        return own + self.verifier_tokens

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form, with the sum of all tokens."""
        return {**Value.to_dict(self), "total_tokens": self.total_tokens}

    @classmethod
    def of(
        cls,
        answering: Iterable[Cost],
        judging: Iterable[Cost],
        *,
        depth: int = 0,
        seconds: float = 0.0,
    ) -> Ledger:
        """Add up the costs of candidates (`answering`) and of verdicts (`judging`)."""
        made, judged = Cost.total(answering), Cost.total(judging)
        total = made + judged
        return cls(
            generated_tokens=made.output_tokens,
            prompt_tokens=made.input_tokens - made.cached_tokens,
            cached_tokens=made.cached_tokens,
            verifier_tokens=judged.tokens,
            calls=total.calls,
            depth=depth,
            seconds=seconds,
            usd=total.usd,
            flops=total.flops,
            joules=total.joules,
            least_joules=total.least_joules,
            exact=total.exact,
        )
