"""The selector for candidates and generated tests that vouch for each other.

A verifier that runs generated tests says of each candidate which it passed, as evidence:

    {"tests": "1011", "weights": [3, 1, 1, 2]}

One sign per test, "1" for passed, in the same order for every candidate. `weights` is optional:
how often each test was generated; without it each counts once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from verifier_agent.selection.election import elect_group
from verifier_agent.selection.selector import selector
from verifier_agent.values import Judged, Selection


@selector
def dual_agreement(
    judged: Sequence[Judged], power: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0
) -> Selection:
    """Choose from the group of candidates, passing the same tests, with the most members x tests.

    CodeT (Chen et al. 2023, 2207.10397): right programs agree with each other, wrong tests with
    few. The number of members counts to `power`: 1 as in the paper, less where many programs are
    wrong in the same way. Within the group the highest score is chosen, then the first. Confidence
    is the group's share of all groups; a group of one, with nobody to agree with, is only as sure
    as its score. What is refuted is in no group, unless all are. Without any results of tests it is
    `best`.
    """
    standing = [j for j in judged if not j.refuted] or judged
    groups: dict[PassedTests, list[Judged]] = {}
    for j in standing:
        if (passed := passed_tests(j)) is not None:
            groups.setdefault(passed, []).append(j)
    return elect_group(
        standing,
        [(members, len(members) ** power * tests.weight) for tests, members in groups.items()],
    )


@dataclass(frozen=True, slots=True)
class PassedTests:
    """Which generated tests a candidate passed."""

    signs: str
    """"1" for each test that was passed, "0" for each other."""
    weight: float
    """Of those that were passed."""
    total: float
    """The weight of all."""


def passed_tests(judged: Judged) -> PassedTests | None:
    """Return which tests a candidate passed; None where none were run."""
    for verdict in judged.verdicts:
        match verdict.evidence.get("tests"):
            case str(signs) if signs and set(signs) <= {"0", "1"}:
                weights = _weights(verdict.evidence.get("weights"), len(signs))
                passed = (w for sign, w in zip(signs, weights, strict=True) if sign == "1")
                return PassedTests(signs, math.fsum(passed), math.fsum(weights))
    return None


def _weights(given: Any, tests: int) -> list[float]:
    if isinstance(given, list | tuple) and len(given) == tests:
        return [float(weight) for weight in given]
    return [1.0] * tests
