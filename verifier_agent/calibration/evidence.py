"""What a finished run shows for and against its answer, in a few numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from verifier_agent.plain import Value
from verifier_agent.values import Judged, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Value):
    """What P(correct) of a selection is computed from: votes are heads, whatever they weighed."""

    votes: int = 1
    """Candidates that give the chosen answer."""
    runner_up: int = 0
    """Candidates that give the commonest other answer."""
    others: int = 0
    """All the rest, those without an answer key included."""
    confidence: float | None = None
    """What the selector said, in its own unit."""
    score: float | None = None
    """The mean score of the candidates that give the chosen answer."""
    models: tuple[str, ...] = ()
    """Who wrote the candidates, by name, each once."""
    drawn: bool = True
    """True if all are independent whole answers: no revisions, no searched steps."""


def weigh(selection: Selection, judged: Sequence[Judged]) -> Evidence | None:
    """Return what `judged`, all finished candidates, say of the selection; None if it is empty."""
    chosen = next((j for j in judged if j.candidate.id == selection.candidate), None)
    if chosen is None:
        return None
    key = chosen.candidate.answer
    keys = Counter(j.candidate.answer for j in judged)
    same = [j for j in judged if j is chosen or (key is not None and j.candidate.answer == key)]
    against = max((n for k, n in keys.items() if k is not None and k != key), default=0)
    given = [j.score for j in same if j.score is not None]
    return Evidence(
        votes=len(same),
        runner_up=against,
        others=len(judged) - len(same) - against,
        confidence=selection.confidence,
        score=math.fsum(given) / len(given) if given else None,
        models=tuple(sorted({j.candidate.model for j in judged})),
        drawn=all(j.candidate.parent is None for j in judged),
    )
