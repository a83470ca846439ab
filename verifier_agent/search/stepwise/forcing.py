"""Budget forcing: an answer that came to its end is made to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.stepwise.levels import own
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Select

FORCED = "forced"


@policy
def forced(
    tree: Tree,
    remaining: Remaining,
    times: Count = 2,
    n: Count = 1,
    *,
    text: Annotated[str, Field(min_length=1, max_length=1000)] = "Wait",
    model: str | None = None,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Draw `n` answers, then `times` times put `text` below each and let the model go on.

    Muennighoff et al. 2025, s1, where "Wait" makes a reasoning model look at its answer again; it
    gains little after a few times. All lengths stay answers to choose from. The model must be
    able to continue a partial answer.
    """
    lines = own(tree, None, FORCED)
    if len(lines) < n:
        parents: dict[str | None, int] = {None: n - len(lines)}
    else:
        parents = {}
        for line in lines:
            tips = [line]
            while further := own(tree, tips[-1].id, FORCED):
                tips.append(further[0])
            if len(tips) <= times and tips[-1].error is None:
                parents[tips[-1].id] = 1
    return [
        Generate(
            parent=parent,
            n=missing,
            model=model,
            temperature=temperature,
            append=text,
            mark=FORCED,
            reason="a draft" if parent is None else f"{text!r} and on",
        )
        for parent, missing in parents.items()
    ] or [Select(reason=f"{n} answers forced on {times} times")]
