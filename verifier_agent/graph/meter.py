"""What a run has used so far, told by its nodes while they work: known too if it breaks off."""

from __future__ import annotations

import time
from collections.abc import Mapping

from langchain_core.runnables import RunnableConfig

from verifier_agent.budget import Spent
from verifier_agent.graph.state import Run
from verifier_agent.values import Cost

METER = "verifier_agent_meter"
"""Where the meter stands in `config["configurable"]`, beside the settings, which are plain."""


class Meter:
    """The spend of one run: what has come, and what is under way at its upper bound."""

    def __init__(self, run: str, before: Run | None) -> None:
        self.run = run
        made = () if before is None else before.tree.candidates
        said = () if before is None else before.tree.verdicts
        self._costs = {c.id: c.cost for c in made} | {v.key: v.cost for v in said}
        self._under_way: dict[str, Cost] = {}
        self._seconds = 0.0 if before is None else before.seconds
        self._started = time.perf_counter()
        self._ended: Spent | None = None

    @classmethod
    def of(cls, config: RunnableConfig, run: str) -> Meter | None:
        """Return the meter of this run, if it has one; another run's is none of its business."""
        meter = config.get("configurable", {}).get(METER)
        return meter if isinstance(meter, Meter) and meter.run == run else None

    def begin(self, piece: str, bound: Cost) -> None:
        """Take in that a piece of work begins, and the most that it can cost."""
        self._under_way[piece] = bound

    def finish(self, piece: str, costs: Mapping[str, Cost]) -> None:
        """Take in what it did cost, by the key of each candidate or verdict."""
        self._costs.update(costs)
        self._under_way.pop(piece, None)

    def end(self, spent: Spent) -> None:
        """Take in what the whole run says that it has spent."""
        self._ended = spent

    @property
    def spent(self) -> Spent:
        """What the run has used since it began; of one that has not ended, at most that.

        Its seconds are then those since this invocation began, and those in its nodes before.
        """
        if self._ended is not None:
            return self._ended
        seconds = self._seconds + time.perf_counter() - self._started
        return Spent.of([*self._costs.values(), *self._under_way.values()], seconds)
