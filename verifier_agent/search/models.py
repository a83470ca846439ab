"""Policies whose arms are the agent's models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.posteriors import Prior, favourite, scores_by_mark
from verifier_agent.search.stopping.rule import StopRule
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Select

Models = Annotated[tuple[str, ...], Field(min_length=1)]
"""Names of the agent's models."""


@policy
def bandit(
    tree: Tree,
    remaining: Remaining,
    models: Models,
    n: Count = 16,
    batch: Count = 1,
    *,
    prior: Prior = "beta",
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Draw `n` answers, each from the model with the highest draw from what its scores were.

    Thompson 1933; Chapelle and Li 2011. So most is asked of the model that suits the question.
    """
    made = sum(1 for c in tree if c.mark in models)
    scores = scores_by_mark(tree, models)
    places = range(made, min(n, made + batch))
    drawn = Counter(favourite(scores, prior, tree.random("bandit", place)) for place in places)
    return [
        Generate(n=times, model=model, mark=model, temperature=temperature, reason="a draw")
        for model, times in drawn.items()
    ] or [Select(reason=f"{n} answers drawn")]


@policy
def cascade(
    tree: Tree,
    remaining: Remaining,
    models: Models,
    enough: StopRule,
    n: Count = 4,
    *,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Draw `n` answers from the first model; while `enough` does not hold, from the next one.

    Cheap first, dear only where it is needed: Chen et al. 2023, FrugalGPT; Yue et al. 2024 for
    agreement as the sign. The rule reads all answers so far, between models only. For other tiers
    than draws write them out: `until(then(sample(4, model="small"), revise(3)), passed(0.9))`.
    """
    asked = Counter(c.mark for c in tree)
    last = max((place for place, model in enumerate(models) if asked[model]), default=0)
    missing = n - asked[models[last]]
    if missing <= 0:
        if enough(tree):
            outcome, reason = enough.because(tree)
            return [Select(outcome=outcome, reason=reason)]
        if last + 1 == len(models):
            return [Select(reason="the last model leaves it undecided too")]
        last, missing = last + 1, n
    model = models[last]
    reason = f"model {last + 1} of {len(models)}"
    return [Generate(n=missing, model=model, mark=model, temperature=temperature, reason=reason)]
