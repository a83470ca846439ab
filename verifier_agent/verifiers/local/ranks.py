"""Agreement of two rankings. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1; equal ones share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found, before = [0.0] * len(values), 0
    for _, tied in groupby(order, key=values.__getitem__):
        places = list(tied)
        for place in places:
            found[place] = before + (len(places) + 1) / 2
        before += len(places)
    return found


def rank_agreement(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's rank correlation; 0 where a ranking has no order at all."""
    a, b = ranks(one), ranks(other)
    middle = (len(a) + 1) / 2
    covariance = math.fsum((x - middle) * (y - middle) for x, y in zip(a, b, strict=True))
    spread = math.fsum((x - middle) ** 2 for x in a) * math.fsum((y - middle) ** 2 for y in b)
    return covariance / math.sqrt(spread) if spread else 0.0
