"""From the scores of steps to the score of an answer: the rules of the field, by name. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.values import Verdict

Aggregation = Literal["last", "min", "product", "mean", "log_odds", "model"]
"""How step scores become one.

- "last": the last step's. For scores that are values, P(the answer will be right from here); best
  in Snell et al. 2024 and the default of search-and-learn.
- "min": the weakest step's. For marks of right and wrong steps (Math-Shepherd, 2312.08935).
- "product": P(all are right) if they are independent (Lightman et al. 2023); it is lower for
  longer answers.
- "mean": does not depend on length (2502.06703).
- "log_odds": the sum of their log-odds, as a probability. Like the product, but steps above a half
  speak for an answer; scores are cut to [1e-7, 1 - 1e-7], as in its_hub (2502.01618).
- "model": none of them: the score that the verifier made itself.
"""

AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)
CLIP = 1e-7


def check_aggregation(how: str) -> None:
    """Raise ConfigurationError unless `how` is one of the names of `Aggregation`."""
    if how not in AGGREGATIONS:
        raise ConfigurationError(f"unknown aggregation {how!r}{nearest(how, AGGREGATIONS)}")


def aggregate(steps: Sequence[float | None], how: Aggregation) -> float | None:
    """Return one score in [0, 1] of the steps that have one; None if none has, or for "model"."""
    scores = [score for score in steps if score is not None]
    if not scores:
        return None
    match how:
        case "last":
            return scores[-1]
        case "min":
            return min(scores)
        case "product":
            return math.prod(scores)
        case "mean":
            return math.fsum(scores) / len(scores)
        case "log_odds":
            cut = [min(1 - CLIP, max(CLIP, score)) for score in scores]
            odds = math.fsum(math.log(score / (1 - score)) for score in cut)
            # the side that cannot overflow
            return 1 / (1 + math.exp(-odds)) if odds > 0 else 1 - 1 / (1 + math.exp(odds))
        case "model":
            return None


def rescored(verdict: Verdict, how: Aggregation) -> Verdict:
    """Return the verdict with the score that its steps make.

    A verdict without step scores, and a hard one, whose score is proof and no average, stay as
    they are.
    """
    score = None if verdict.hard else aggregate(verdict.steps, how)
    return verdict if score is None else replace(verdict, score=score)
