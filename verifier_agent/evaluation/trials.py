"""Runs of every policy of a menu on one question, for tuning to choose by."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.measured import Point
from verifier_agent.evaluation.menus import Menu, Probe
from verifier_agent.evaluation.pools import Question, Survey
from verifier_agent.evaluation.recorded import Recorded
from verifier_agent.evaluation.replay import Replay
from verifier_agent.evaluation.simulating import Simulator
from verifier_agent.search import Policy, PolicyFunction, best_of, table
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
        self._menu, self._settings, self._budgets, self._unit = menu, settings, budgets, unit
        self.simulator = Simulator(settings, survey)

    def of(self, question: Question) -> Tried:
        """Run them on one question; what was recorded of its labels is read off the ends only."""
        return [
            [
                [self._trials(question, probe, policy, most) for policy in self._menu.policies]
                for most in self._budgets
            ]
            for probe in self._menu.probes
        ]

    def _trials(self, question: Question, probe: Probe, policy: Policy, most: int) -> list[Trial]:
        recorded = Recorded.of(question, in_order=self._settings.in_order)
        way: PolicyFunction = policy
        if probe.difficulty is not None:
            way = table(((policy,),), difficulty=probe.difficulty)
        trials = []
        for seed in range(self._settings.seeds):
            point = self.simulator.run(recorded, seed, way, most)
            right = 0 if point.sample is None else question.samples[point.sample].correct or 0
            trials.append(Trial(self._row(recorded, seed, probe), right, self._cost(point)))
        return trials

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
