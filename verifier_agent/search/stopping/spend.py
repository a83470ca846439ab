"""The stop rule that looks at what a run has used."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from verifier_agent.search.policy import Count
from verifier_agent.search.stopping.rule import stop_rule
from verifier_agent.tree import Tree

Amount = Annotated[float, Field(gt=0.0)]


@stop_rule("budget", lambda tree: f"{tree.spent.calls} calls, {tree.spent.tokens} tokens used")
def spent(
    tree: Tree,
    *,
    calls: Count | None = None,
    tokens: Count | None = None,
    usd: Amount | None = None,
    joules: Amount | None = None,
    seconds: Amount | None = None,
) -> bool:
    """Any of these has been used. Softer than a budget: checked between rounds only."""
    limits = {"calls": calls, "tokens": tokens, "usd": usd, "joules": joules, "seconds": seconds}
    used = ((n, getattr(tree.spent, unit)) for unit, n in limits.items() if n is not None)
    return any(value is not None and value >= limit for limit, value in used)
