"""Runs of every policy of a menu on one question, for tuning to choose by."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.measured import Point
from verifier_agent.evaluation.recordings.pools import Question, Survey
from verifier_agent.evaluation.replaying.recorded import Recorded
from verifier_agent.evaluation.replaying.replay import Replay
from verifier_agent.evaluation.replaying.simulating import Simulator
from verifier_agent.evaluation.tuning.menus import Menu, Probe
from verifier_agent.search import Policy, best_of, table
from verifier_agent.search.tuned import Unit


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: the row that the question is in, and whether it was right at which cost."""

    row: int
    right: int
    cost: float

    def worth(self, price: float) -> float:
        """Return 1 if it was right, less the price of what it cost."""
        return self.right - price * self.cost


Tried = list[list[list[list[Trial]]]]
"""Of one question, by probe, column and policy: a trial for each seed."""


class Trials:
    """Runs all policies of a menu, after each of its probes, at each budget."""

    def __init__(
        self, menu: Menu, settings: Replay, survey: Survey, budgets: Sequence[int], unit: Unit
    ) -> None:
        """Raise ConfigurationError for wrong settings."""
        if menu.selector is not None and settings.selector is None:
            settings = replace(settings, selector=menu.selector)
        self._settings, self._budgets, self._unit = settings, budgets, unit
        self._ways = [
            (probe, [_after(probe, one) for one in menu.policies]) for probe in menu.probes
        ]
        self.simulator = Simulator(settings, survey)

    def of(self, question: Question) -> Tried:
        """Run them on one question; what was recorded of its labels is read off the ends only."""
        recorded = Recorded.of(question, in_order=self._settings.in_order)

        def trial(way: Policy, most: int, seed: int, row: int) -> Trial:
            point = self.simulator.run(recorded, seed, way, most)
            right = 0 if point.sample is None else question.samples[point.sample].correct or 0
            return Trial(row, right, self._cost(point))

        def column(ways: Sequence[Policy], most: int, rows: Sequence[int]) -> list[list[Trial]]:
            return [[trial(way, most, seed, row) for seed, row in enumerate(rows)] for way in ways]

        tried: Tried = []
        for probe, ways in self._ways:
            rows = [self._row(recorded, seed, probe) for seed in range(self._settings.seeds)]
            tried.append([column(ways, most, rows) for most in self._budgets])
        return tried

    def _row(self, recorded: Recorded, seed: int, probe: Probe) -> int:
        if probe.difficulty is None:
            return 0
        tree = self.simulator.tree(recorded, seed, best_of(probe.difficulty.first))
        return bisect_left(probe.above, probe.difficulty(tree))

    def _cost(self, point: Point) -> float:
        if self._unit == "samples":
            return float(point.samples_used)
        known = point.usage["generated_tokens"], point.usage["verifier_tokens"]
        if None in known:
            raise ConfigurationError(
                "unit='tokens': the pool does not say how many tokens each answer and its judging "
                "took; tune by samples"
            )
        return math.fsum(tokens or 0.0 for tokens in known)


def _after(probe: Probe, policy: Policy) -> Policy:
    """Return the policy as a cell of a table is followed: after what the probe reads."""
    return policy if probe.difficulty is None else table(((policy,),), difficulty=probe.difficulty)
