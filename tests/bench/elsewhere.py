"""A control: the reward model's scores without the place that it points to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from verifier_agent.embedded import EmbeddedRewardModel
from verifier_agent.values import Candidate, Task, Verdict


class Elsewhere:
    """The reward model, but for where it points: at a random line, or with `restart` nowhere.

    What a solution scores stays the same, and so do the trigger of a revision and the rule of
    acceptance; only the place of the cut differs.
    """

    name = "elsewhere"
    hard = False

    def __init__(self, *, restart: bool = False) -> None:
        self._restart = restart
        self._model = EmbeddedRewardModel()
        self.footprint = self._model.footprint
        self.bound = self._model.bound

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge, and hide where it points."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge, and hide where it points."""
        return [self._hidden(v) for v in self._model.verify_sync(task, candidates)]

    def _hidden(self, verdict: Verdict) -> Verdict:
        steps: tuple[float | None, ...] = ()
        if verdict.steps and not self._restart:
            # which line it is depends on the solution alone, so a run can be repeated
            at = Random(f"{verdict.candidate}{verdict.steps}").randrange(len(verdict.steps))
            steps = tuple(float(place != at) for place in range(len(verdict.steps)))
        # without step scores the embedded generator can only be asked for a new draft
        return replace(verdict, verifier=self.name, steps=steps, feedback="")
