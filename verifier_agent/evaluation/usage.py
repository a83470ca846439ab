"""What runs used, as plain figures: summed over costs, averaged over runs; None where unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from verifier_agent.evaluation.recordings.pools import RecordedCost
from verifier_agent.values import Cost

Usage = dict[str, float | None]
"""The fields of `verifier_agent.ledger.Ledger`, and total_tokens; here each may be unknown."""

_PHYSICAL = ("usd", "flops", "joules", "least_joules")


def usage(
    answering: Sequence[Cost | RecordedCost],
    judging: Sequence[Cost | RecordedCost],
    *,
    depth: float | None = None,
    seconds: float | None = None,
) -> Usage:
    """Add up the costs of candidates (`answering`) and of their verdicts (`judging`)."""

    def of(costs: Iterable[Cost | RecordedCost], field: str) -> float | None:
        return total(getattr(cost, field) for cost in costs)

    read, cached = of(answering, "input_tokens"), of(answering, "cached_tokens")
    generated = of(answering, "output_tokens")
    judged = total((of(judging, "input_tokens"), of(judging, "output_tokens")))
    every = [*answering, *judging]
    return {
        "generated_tokens": generated,
        "prompt_tokens": None if read is None or cached is None else read - cached,
        "cached_tokens": cached,
        "verifier_tokens": judged,
        "total_tokens": total((generated, read, judged)),
        "calls": of(every, "calls"),
        "depth": depth,
        "seconds": seconds,
        **{unit: of(every, unit) for unit in _PHYSICAL},
    }


def total(values: Iterable[float | None]) -> float | None:
    """Return the sum; unknown if any value is."""
    known = []
    for value in values:
        if value is None:
            return None
        known.append(value)
    return sum(known)


def mean_usage(runs: Sequence[Usage]) -> Usage:
    """Return the mean of each field; unknown if it is for any run, for that would be no one's."""
    return {field: mean_known([run[field] for run in runs]) for field in runs[0]}


def mean_known(values: Sequence[float | None]) -> float | None:
    """Return the mean; unknown if any value is, and of nothing."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None
