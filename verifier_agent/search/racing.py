"""What more votes are worth: the optimal stopping of a race between the two leading answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

PRIOR = 0.3
"""Shares of the two leading answers are Beta(PRIOR, PRIOR) before any vote: most questions have a
clear favourite. Chosen with the price on recorded answers; see docs/benchmarks.md."""
FARTHEST = 64
"""So many votes are looked ahead: the work grows with the square, the decision hardly changes."""


@dataclass(frozen=True, slots=True)
class Race:
    """What going on with the race is worth to who may end it after any vote."""

    share: float
    """The leader's expected share of the votes for the two: what ending now is worth."""
    gain: float
    """By how much the chosen answer's expected share rises until the best moment to end."""
    votes: float
    """How many more votes for one of the two that takes on average."""
    least: int
    """How many it takes at least; 0 if the best moment is now."""


@lru_cache(maxsize=2**14)
def race(first: int, second: int, more: int, price: float) -> Race:
    """Return what at most `more` votes, at `price` each, are worth after `first` to `second`.

    An answer counts as right as often as it is given, among the two: ending is worth the expected
    share of the leader, a vote moves it, and the best moment to end follows by backward induction
    over all counts that can still come (Chow and Robbins 1963). A settled race and one that many
    more votes would leave open are both worth little: the leader of the first hardly changes,
    and in the second it hardly matters who leads. With `price` 0 all that may change the leader
    is worth it.
    """
    more = min(more, FARTHEST)
    start = first + second
    worth: list[Race] = []
    for ahead in range(more, -1, -1):
        later, worth = worth, []
        for won in range(ahead + 1):
            share = (first + won + PRIOR) / (start + ahead + 2 * PRIOR)
            ended = max(share, 1 - share)
            now = Race(ended, 0.0, 0.0, 0)
            worth.append(
                now if ahead == more else _better(now, share, later[won + 1], later[won], price)
            )
    return worth[0]


def _better(now: Race, share: float, up: Race, down: Race, price: float) -> Race:
    """Return `now`, or what one more vote leads to if that is worth more."""
    gain = share * (up.share + up.gain) + (1 - share) * (down.share + down.gain) - now.share
    votes = 1 + share * up.votes + (1 - share) * down.votes
    # the smallest of gains is rounding
    if gain - price * votes <= 1e-12:
        return now
    return Race(now.share, gain, votes, 1 + min(up.least, down.least))
