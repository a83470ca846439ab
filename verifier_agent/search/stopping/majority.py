"""How probable it is, by the votes, that the leading answer is the one a model gives most often."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

_SPREAD = 9.0
"""Standard deviations of the leader's weight that are integrated over: beyond lies under 1e-12."""
_NODES = 400
"""Of the trapezoidal rule, which is exact to 1e-9 here; the tests compare with scipy."""


def mass_above_half(first: int, second: int) -> float:
    """Return P(p > 1/2) for p ~ Beta(first + 1, second + 1).

    For whole parameters it is a binomial sum: 1 - P(at most `second` heads of all tosses), where
    there are first + second + 1 tosses.
    """
    tosses = first + second + 1
    below, ways = 0, 1
    for heads in range(second + 1):
        below += ways
        ways = ways * (tosses - heads) // (heads + 1)
    return float(1 - below / 2**tosses)


def chance_of_lead(leader: int, others: Sequence[int], prior: float) -> float:
    """Return P(the leader's share is the largest) for shares ~ Dirichlet(votes + prior).

    Shares are independent gamma variables over their sum, so it is the integral of the leader's
    density times the others' distribution functions: P(all of them stay below).
    """
    rivals = Counter(others)
    shape = leader + prior
    # over the logarithm of the weight, where even the density of a rare answer is smooth
    low = math.log(shape) - _SPREAD / math.sqrt(shape) - 34 / shape
    high = math.log(shape + _SPREAD * math.sqrt(shape + _SPREAD))
    width = (high - low) / _NODES
    total = 0.0
    for node in range(_NODES + 1):
        x = math.exp(low + node * width)
        density = math.exp(shape * math.log(x) - x - math.lgamma(shape))
        total += density * math.prod(
            gamma_below(votes + prior, x) ** n for votes, n in rivals.items()
        )
    return min(1.0, total * width)


def gamma_below(shape: float, x: float) -> float:
    """Return P(a gamma variable of this shape and scale 1 is at most `x`), for x > 0.

    A series below the mean, a continued fraction above it (Press et al., Numerical Recipes, 6.2).
    """
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        n = shape
        while term > total * 1e-15:
            n += 1
            term *= x / n
            total += term
        return min(1.0, front * total)
    b = x + 1 - shape
    c, d = 1e300, 1 / b
    fraction = d
    for i in range(1, 1000):
        a = -i * (i - shape)
        b += 2
        d = 1 / (a * d + b)
        c = b + a / c
        fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return 1 - front * fraction
