"""What judging costs: its bound before it is asked for, and its price once it is done.

A verifier that is made of others (`members`) is charged for as they are, each by its own price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verifier_agent.graph.settings import Parts
from verifier_agent.graph.tables import called, members
from verifier_agent.models import text_bound
from verifier_agent.values import Candidate, Cost, Task, Verdict, Verifier

FREE = Cost()


def bound(parts: Parts, verifier: Verifier, task: Task, candidate: Candidate | int) -> Cost:
    """Return the most that judging `candidate` (or one of so many bytes) can cost."""
    inside = members(verifier)
    if inside:
        return Cost.total(bound(parts, member, task, candidate) for member in inside)
    bounds = getattr(verifier, "bound", None)
    if bounds is None:
        return Cost()
    size = candidate if isinstance(candidate, int) else text_bound(candidate.text)
    return _metered(parts, verifier, bounds(task, size))


def charged(parts: Parts, verifier: Verifier, verdict: Verdict) -> Cost:
    """Return what a verdict cost, with what follows from its tokens.

    What no member accounts for, as where an ensemble was cut off in the middle, is charged at the
    highest price among them.
    """
    inside = members(verifier)
    if not inside:
        return _metered(parts, verifier, verdict.cost)
    by_name = {member.name: member for member in inside}
    said = [Verdict.from_dict(plain) for plain in verdict.evidence.get("members", ())]
    known = [charged(parts, by_name[one.verifier], one) for one in said]
    rest = _less(verdict.cost, Cost.total(one.cost for one in said))
    total = Cost.total([*known, _dearest(parts, inside, rest)])
    return replace(total, exact=verdict.cost.exact)


def _less(whole: Cost, part: Cost) -> Cost:
    """Return the calls and tokens of `whole` beyond those of `part`; their price is not known."""
    return Cost(
        calls=whole.calls - part.calls,
        input_tokens=whole.input_tokens - part.input_tokens,
        cached_tokens=whole.cached_tokens - part.cached_tokens,
        output_tokens=whole.output_tokens - part.output_tokens,
        usd=None,
    )


def _dearest(parts: Parts, inside: Sequence[Verifier], cost: Cost) -> Cost:
    if not cost.calls and not cost.tokens:
        return FREE
    found: list[Cost] = []
    for member in inside:
        deeper = members(member)
        found.append(_dearest(parts, deeper, cost) if deeper else _metered(parts, member, cost))
    paid = [one for one, member in zip(found, inside, strict=True) if hasattr(member, "bound")]

    def most(unit: str) -> float | None:
        amounts = [getattr(one, unit) for one in paid]
        return None if None in amounts else max(amounts, default=None)

    amounts = {unit: most(unit) for unit in ("usd", "flops", "joules", "least_joules")}
    return replace(cost, **amounts)  # type: ignore[arg-type]


def _metered(parts: Parts, verifier: Verifier, cost: Cost) -> Cost:
    """Fill in what follows from tokens; dollars that the verifier states itself are kept."""
    if cost == FREE:
        return cost
    known = parts.metered(cost, called(verifier))
    return known if cost.usd is None else replace(known, usd=cost.usd)
