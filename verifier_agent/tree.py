"""A read-only view of one run: its task, its candidates and what was said of them.

The tree is the only search state. Visits, beams, posteriors are folds over it, so a policy is a
pure function of a `Tree`; every view is sorted by id, so no decision depends on finishing order.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal

from verifier_agent.budget import Spent
from verifier_agent.values import Candidate, Judged, Task, Verdict, order


class Tree:
    """Candidates and verdicts of one run, indexed."""

    def __init__(
        self,
        task: Task,
        candidates: Iterable[Candidate] = (),
        verdicts: Iterable[Verdict] = (),
        *,
        seed: int = 0,
        spent: Spent | None = None,
    ) -> None:
        self.task = task
        self.seed = seed
        self.spent = spent or Spent.of(())
        self.candidates = tuple(sorted(candidates, key=lambda c: order(c.id)))
        self.verdicts = tuple(
            sorted(verdicts, key=lambda v: (order(v.candidate), v.verifier, v.version))
        )

    def __len__(self) -> int:
        return len(self.candidates)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def __contains__(self, candidate: object) -> bool:
        return candidate in self._by_id

    def __getitem__(self, candidate: str) -> Candidate:
        return self._by_id[candidate]

    @cached_property
    def _by_id(self) -> dict[str, Candidate]:
        return {c.id: c for c in self.candidates}

    @cached_property
    def _children(self) -> dict[str | None, list[Candidate]]:
        children: dict[str | None, list[Candidate]] = {}
        for candidate in self.candidates:
            children.setdefault(candidate.parent, []).append(candidate)
        return children

    def children(
        self, parent: str | None, via: Literal["generate", "revise"] | None = None
    ) -> tuple[Candidate, ...]:
        """Return the candidates made from `parent` (None: from the question), failed ones too."""
        found = self._children.get(parent, [])
        return tuple(c for c in found if via is None or c.via == via)

    def path(self, candidate: str) -> tuple[Candidate, ...]:
        """Return the candidates from the root down to `candidate`, itself included."""
        line = [self[candidate]]
        while (parent := line[-1].parent) is not None:
            line.append(self[parent])
        return tuple(reversed(line))

    @cached_property
    def _latest(self) -> dict[str, dict[str, Verdict]]:
        latest: dict[str, dict[str, Verdict]] = {}
        for verdict in self.verdicts:
            said = latest.setdefault(verdict.candidate, {})
            if verdict.verifier not in said or said[verdict.verifier].version < verdict.version:
                said[verdict.verifier] = verdict
        return latest

    def judged(self, candidate: str) -> Judged:
        """Return `candidate` with the latest verdict of each verifier."""
        said = self._latest.get(candidate, {})
        return Judged(
            candidate=self[candidate], verdicts=tuple(said[name] for name in sorted(said))
        )

    def score(self, candidate: str) -> float | None:
        """Return the score that counts for `candidate`; None if nobody could judge it."""
        return self.judged(candidate).score

    @cached_property
    def finished(self) -> tuple[Judged, ...]:
        """Complete answers without an error: those that can be selected."""
        return tuple(self.judged(c.id) for c in self.candidates if c.done and c.error is None)

    @cached_property
    def incumbent(self) -> Judged | None:
        """The best finished candidate so far: highest score, unscored last, then by id."""
        # `max` keeps the first of equals, and the view is sorted by id
        return max(self.finished, key=lambda j: -1.0 if j.score is None else j.score, default=None)

    @cached_property
    def answers(self) -> dict[str, int]:
        """How many finished candidates gave each answer, most frequent first, then by first id."""
        counts: dict[str, int] = {}
        for judged in self.finished:
            if judged.candidate.answer is not None:
                counts[judged.candidate.answer] = counts.get(judged.candidate.answer, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def random(self, *salt: object) -> random.Random:
        """Return a generator seeded by the run's seed and `salt`: the same on every machine."""
        return random.Random(f"{self.seed}:{salt!r}")
