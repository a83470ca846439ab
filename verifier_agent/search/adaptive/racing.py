"""What more votes are worth: the optimal stopping of a race between the two leading answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

PRIOR = 1.0
"""Shares of the two leading answers are Beta(PRIOR, PRIOR) before any vote: any is as likely."""
TENTH = 10
"""Which vote costs just the price. Only the product of the two counts: it is the price's unit."""
FARTHEST = 64
"""So many votes are looked ahead: the work grows with the square, the decision hardly changes."""


@dataclass(frozen=True, slots=True)
class Race:
    """What going on with the race is worth to who may end it after any vote."""

    share: float
    """The leader's expected share of the votes for the two: what ending now is worth."""
    gain: float
    """By how much the chosen answer's expected share rises until the best moment to end."""
    cost: float
    """What the votes until then are expected to cost, in the unit of the gain."""
    votes: float
    """How many more votes for one of the two that takes on average."""
    least: int
    """How many it takes at least; 0 if the best moment is now."""


@lru_cache(maxsize=2**14)
def race(first: int, second: int, more: int, price: float) -> Race:
    """Return what at most `more` votes are worth after `first` to `second`.

    The tenth vote in all costs `price`, the k-th `TENTH` · `price` / k, so that twice as many cost
    the same wherever one is: one more is dear on a question that two would settle, and cheap on one
    that took thirty. An answer counts as right as often as it is given, among the two: ending is
    worth the expected share of the leader, a vote moves it, and the best moment to end follows by
    backward induction over all counts that can still come (Chow and Robbins 1963). A settled race
    and one that many more votes would leave open are both worth little: the leader of the first
    hardly changes, and in the second it hardly matters who leads. With `price` 0 all that may
    change the leader is worth it.
    """
    more = min(more, FARTHEST)
    start = first + second
    worth: list[Race] = []
    for ahead in range(more, -1, -1):
        later, worth = worth, []
        for won in range(ahead + 1):
            share = (first + won + PRIOR) / (start + ahead + 2 * PRIOR)
            now = Race(max(share, 1 - share), 0.0, 0.0, 0.0, 0)
            if ahead < more:
                cost = TENTH * price / (start + ahead + 1)
                now = _better(now, share, (later[won + 1], later[won]), cost)
            worth.append(now)
    return worth[0]


def _better(now: Race, share: float, then: tuple[Race, Race], cost: float) -> Race:
    """Return `now`, or what one more vote leads to, up or down, if that is worth more."""
    up, down = then
    gain = share * (up.share + up.gain) + (1 - share) * (down.share + down.gain) - now.share
    cost += share * up.cost + (1 - share) * down.cost
    # the smallest of gains is rounding
    if gain - cost <= 1e-12:
        return now
    votes = 1 + share * up.votes + (1 - share) * down.votes
    return Race(now.share, gain, cost, votes, 1 + min(up.least, down.least))
