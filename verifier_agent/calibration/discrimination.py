"""How well scores tell right answers from wrong ones, whatever they are worth as probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

Pairs = Sequence[tuple[float, int]]
"""A score, and 1 for right or 0 for wrong."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What comes of accepting every score of at least `score`."""

    score: float
    hits: float
    """The share of right answers that is accepted: 1 - FNR."""
    alarms: float
    """The share of wrong answers that is accepted: FPR."""

    @property
    def j(self) -> float:
        """Youden's J = 1 - FPR - FNR: 0 tells nothing, 1 all."""
        return self.hits - self.alarms


def roc(pairs: Pairs) -> list[Cut]:
    """Return the curve of all cuts, from the strictest on; empty unless there are both kinds."""
    right = sum(r for _, r in pairs)
    wrong = len(pairs) - right
    if not right or not wrong:
        return []
    cuts, hits, alarms = [], 0, 0
    for score, tied in groupby(sorted(pairs, reverse=True), key=lambda pair: pair[0]):
        outcomes = [r for _, r in tied]
        hits += sum(outcomes)
        alarms += len(outcomes) - sum(outcomes)
        cuts.append(Cut(score, hits / right, alarms / wrong))
    return cuts


def auroc(pairs: Pairs) -> float | None:
    """Return the chance that a right answer scores higher than a wrong one; ties are half.

    None unless there are both kinds. The area under `roc`: Mann and Whitney 1947.
    """
    cuts = roc(pairs)
    if not cuts:
        return None
    area, hits, alarms = 0.0, 0.0, 0.0
    for cut in cuts:
        area += (cut.alarms - alarms) * (hits + cut.hits) / 2
        hits, alarms = cut.hits, cut.alarms
    return area


def discrimination(pairs: Pairs) -> Cut | None:
    """Return the cut with the highest J, the strictest of equals; None unless there are both kinds.

    Where J is near 0 a verifier's word should change nothing (2607.17641 measured how revision
    rules fail there).
    """
    return max(roc(pairs), key=lambda cut: cut.j, default=None)
