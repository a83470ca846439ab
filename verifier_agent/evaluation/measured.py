"""What is read off a finished run, replayed or live: its end, and its beginnings, as if the budget
had ended there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from verifier_agent.calibration import Evidence
from verifier_agent.evaluation.usage import Usage
from verifier_agent.graph import Run
from verifier_agent.graph.choosing import choose
from verifier_agent.graph.judging import Batch, applies, ask, shown
from verifier_agent.selection import SelectorFunction
from verifier_agent.tree import Tree
from verifier_agent.values import Basis, Candidate, Outcome, Select, Selection, Verifier


@dataclass(frozen=True, slots=True)
class Point:
    """Where a run stands after at most so many samples: what it would choose, what it has used."""

    sample: int | None
    """Index of the chosen one among the question's samples; None if there was none to choose."""
    samples_used: int
    tokens: int | None
    """Generated tokens of those samples; None where they are unknown of one."""
    usage: Usage
    evidence: Evidence | None = None
    """What there is for and against the chosen one; None where nothing was chosen, or live."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one question."""

    id: str
    seed: int
    answer: str | None
    end: Point
    confidence: float | None
    basis: Basis
    outcome: Outcome
    curve: tuple[Point, ...]
    """The same for each of the smaller limits."""
    scores: tuple[tuple[str, int, float], ...] = ()
    """Verifier, index of a sample and its score, where a verifier judged it by itself."""


def measure(
    name: str,
    seed: int,
    beginnings: Beginnings,
    limits: Sequence[int],
    point: Callable[[Tree, Selection], Point],
) -> Measured:
    """Read off a run of question `name`; `point` says what a tree has used."""
    run = beginnings.run
    selection = run.selection
    return Measured(
        id=name,
        seed=seed,
        answer=selection.answer,
        end=point(run.tree, selection),
        confidence=selection.confidence,
        basis=selection.basis,
        outcome=selection.outcome,
        curve=tuple(point(*beginnings.at(limit)) for limit in limits),
    )


def smaller_limits(most: int) -> list[int]:
    """Return the powers of two below `most`."""
    return [2**i for i in range(most.bit_length()) if 2**i < most]


def chronological(run: Run) -> list[Candidate]:
    """Return the candidates in the order in which they were asked for."""
    asked = [n for decision in run.decisions for p in decision["actions"] for n in p["ids"]]
    return [run.tree[name] for name in asked if name in run.tree]


class Beginnings:
    """The beginnings of a finished run: what it would have had and chosen under smaller budgets.

    A policy that decides by the tree alone, as all that ship do, makes the same draws under a
    smaller budget until it ends, so a beginning of the run is that run; this is not so for one
    that looks at what remains. Verifiers that compare answers are asked again about the beginning,
    unless that costs something: then what they said at the time stands.
    """

    def __init__(self, run: Run, verifiers: Sequence[Verifier], selector: SelectorFunction) -> None:
        self.run = run
        self._selector = selector
        self._again = [
            v for v in verifiers if getattr(v, "relational", False) and not hasattr(v, "bound")
        ]
        self._wanted = shown(run.decisions)
        again = {v.name for v in self._again}
        self._kept = [v for v in run.tree.verdicts if v.verifier not in again]
        self._order = chronological(run)

    def at(self, limit: int) -> tuple[Tree, Selection]:
        """Return the tree of the first `limit` candidates, and what is chosen from it."""
        tree = self.run.tree
        if limit >= len(tree):
            return tree, self.run.selection
        first = self._order[:limit]
        names = {candidate.id for candidate in first}
        # a comparison's version is how many it compared
        kept = [v for v in self._kept if v.candidate in names and v.version <= limit]
        bare = Tree(tree.task, first, kept, seed=tree.seed)
        judged = [c for c in bare if c.id in self._wanted and c.done and c.error is None]
        for verifier in self._again:
            if judged and applies(verifier, bare):
                kept += ask(tree.task, Batch(verifier=verifier, candidates=tuple(judged)))
        prefix = Tree(tree.task, first, kept, seed=tree.seed) if self._again else bare
        return prefix, choose(self._selector, prefix, Select())
