"""What tuning chooses from: policies, and cheap ways to tell how hard a question looks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier_agent.calibration import Labelled, fit_one_coin
from verifier_agent.evaluation.recordings.pools import Question
from verifier_agent.search import (
    Difficulty,
    Policy,
    adaptive,
    agree,
    agreement,
    best_of,
    passed,
    sample,
    scored,
    until,
)
from verifier_agent.search.adaptive.adapting import PRICE
from verifier_agent.selection import Selector, reliable_vote

LEVELS = (0.95, 0.9, 0.8)
"""At which drawing until sure of the majority may end; the first is adaptive consistency's own."""
SCORES = (0.5, 0.9)
"""Scores that may be good enough."""
FACTORS = (1.0, 0.25, 4.0)
"""Times adaptive()'s own price."""
ARMS = (8, 4, 12)
"""How many of the most reliable models may be asked."""
ARM_PRICES = (0.01, 0.003, 0.03)
"""What may be too dear for the chance that the leader is wrong."""


@dataclass(frozen=True, slots=True)
class Probe:
    """How hard questions look, and where the rows of a table begin."""

    difficulty: Difficulty | None = None
    above: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Menu:
    """What a table may be made of."""

    policies: tuple[Policy, ...]
    """The first is used where no other is better for sure."""
    probes: tuple[Probe, ...] = (Probe(),)
    selector: Selector | None = None
    """None: that of the settings."""


def menu_of_one(most: int, *, judged: bool) -> Menu:
    """Return what there is to do with one model; `judged` if scores say something of each answer.

    Difficulty is read off the first two or four answers, by what they have in common or by their
    scores: the values that a share of so few can take are the rows.
    """
    policies = [until(sample(most, batch=1), agree(level)) for level in LEVELS]
    policies += [adaptive(most, price=PRICE * factor) for factor in FACTORS]
    policies += [best_of(most), best_of(1)]
    probes = [Probe(), Probe(agreement(2), (0.25,)), Probe(agreement(4), (0.125, 0.375, 0.625))]
    if judged:
        policies += [until(sample(most, batch=1), passed(score)) for score in SCORES]
        probes += [Probe(scored(first), (0.25, 0.5, 0.75)) for first in (2, 4)]
    return Menu(tuple(policies), tuple(probes))


def menu_of_many(questions: Sequence[Question], costs: Mapping[str, float]) -> Menu:
    """Return what there is to do with several models, as these labelled questions show them.

    The answers themselves say how hard a question is. `costs`: of an answer of each; without any
    they cost the same.
    """
    labelled = [_labelled(question) for question in questions]
    known = fit_one_coin(labelled)
    right = dict(zip(known.models, known.arguments["right"], strict=True))
    ranked = sorted(known.models, key=lambda model: (-right[model], model))[: max(ARMS)]
    reliability = fit_one_coin(labelled, ranked)
    numbers = dict.fromkeys(min(count, len(ranked)) for count in ARMS)
    policies = [
        adaptive(
            models=tuple(ranked[:count]),
            reliability=reliability,
            costs=tuple(costs[model] for model in ranked[:count]) if costs else (),
            price=price,
        )
        for price in ARM_PRICES
        for count in numbers
    ]
    return Menu((*policies, best_of(1, model=ranked[0])), selector=reliable_vote(reliability))


def _labelled(question: Question) -> list[Labelled]:
    return [
        (one.model, one.answer, one.correct or 0)
        for one in question.samples
        if one.model is not None and one.drawable
    ]
