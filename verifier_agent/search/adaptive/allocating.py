"""Which of many questions is given the next answer: the one where it is worth most. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from verifier_agent.search.adaptive.prospects import Prior, Prospect

REFIT = 1.15
"""The prior is fitted anew whenever there are this many times the answers of the last fit."""


class Allocation:
    """Questions by what another answer to each is worth per cost, the best first.

    Each is taken, worked on, and put back with what is known of it then; several may be taken at
    a time. The same calls give the same choices: there is no clock and no chance in it.
    """

    def __init__(self, prospects: Sequence[Prospect], *, price: float = 0.0) -> None:
        """Begin with what is known of each question.

        Args:
            prospects: By the place of each question.
            price: What an answer must at least gain, in right answers; with 0 anything is worth it.
        """
        self._price = price
        self.prospects = list(prospects)
        """What is known of each."""
        self._costs = [1.0] * len(self.prospects)
        self._taken: set[int] = set()
        self._fit()

    def take(self) -> int | None:
        """Return the place of the question to go on with; None where nothing is worth it."""
        while self._heap:
            _, place, version = heapq.heappop(self._heap)
            if version == self._versions[place] and place not in self._taken:
                self._taken.add(place)
                return place
        return None

    def drop(self, place: int) -> None:
        """Leave a question out until it is put back."""
        self._taken.add(place)

    def put(self, place: int, prospect: Prospect, cost: float | None = None) -> None:
        """Put a question back with what is now known of it, and what one of its answers costs.

        Without a cost it is the last one known, or the same for all.
        """
        self._answers += prospect.drawn - self.prospects[place].drawn
        self.prospects[place] = prospect
        self._costs[place] = self._costs[place] if cost is None else cost
        self._taken.discard(place)
        if self._answers >= self._due:
            self._fit()
        else:
            self._push(place)

    def gain(self, place: int) -> float:
        """Return what another answer to a question is expected to gain."""
        return self.prospects[place].gain(self._prior)

    def _fit(self) -> None:
        self._prior = Prior.fitted(self.prospects)
        self._answers = sum(p.drawn for p in self.prospects)
        self._due = max(1.0, self._answers) * REFIT
        self._heap: list[tuple[float, int, int]] = []
        self._versions = [0] * len(self.prospects)
        for place in range(len(self.prospects)):
            self._push(place)

    def _push(self, place: int) -> None:
        gain = self.gain(place)
        self._versions[place] += 1
        if gain > self._price and place not in self._taken:
            entry = (-gain / self._costs[place], place, self._versions[place])
            heapq.heappush(self._heap, entry)
