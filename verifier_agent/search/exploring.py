"""The choice of what to revise, by draws from what is believed of each answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.sampling import drafts
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Revise, Select


@policy
def thompson(
    tree: Tree,
    remaining: Remaining,
    n: Count = 16,
    batch: Count = 1,
    *,
    first: Count = 1,
    trust: Annotated[float, Field(gt=0.0, le=1e6)] = 5.0,
    model: str | None = None,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Make `n` answers in all: `first` drafts, then revisions, each of an answer chosen by a draw.

    An answer with score h that was revised v times is chosen where its draw from Beta(1 + trust ·
    h, 1 + trust · (1 - h) + v) is the highest: good ones are revised more, and less each time
    (Tang et al. 2024, REx; 5 is the default of their code). A missing score says nothing, so only
    v counts.
    """
    made = sum(1 for c in tree if c.done)
    missing = min(first - len(drafts(tree)), n - made)
    if missing > 0:
        return [Generate(n=missing, model=model, temperature=temperature, reason="drafts")]
    if made >= n or not tree.finished:
        return [Select(reason=f"{made} of {n} answers are made")]
    chosen: Counter[str] = Counter()
    for place in range(min(batch, n - made)):
        dice = tree.random("thompson", made + place)
        draws = {}
        for judged in tree.finished:
            name, score = judged.candidate.id, judged.score
            good, bad = (0.0, 0.0) if score is None else (trust * score, trust * (1 - score))
            visits = len(tree.children(name, "revise")) + chosen[name]
            draws[name] = dice.betavariate(1 + good, 1 + bad + visits)
        chosen[max(draws, key=lambda name: draws[name])] += 1
    reason = f"{made} of {n} answers are made"
    return [
        Revise(target=name, n=times, model=model, temperature=temperature, reason=reason)
        for name, times in chosen.items()
    ]
