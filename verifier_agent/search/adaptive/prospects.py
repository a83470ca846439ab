"""What one more answer to a question is worth, among many questions. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from verifier_agent.search.adaptive.believing import believed, opinion
from verifier_agent.tree import Tree
from verifier_agent.values import Outcome, Select

FARTHEST = 16
"""So many votes are looked ahead: with 32 the choices on recorded answers were the same."""
SPEECHLESS = 4
"""After so many answers none of which has a key or a score, another one cannot be chosen either."""
HALVINGS = 20
"""Of the interval in which a fair price is searched: to a millionth of a right answer."""
CONCENTRATION = 2.0
"""Answers that the prior weighs as much as, before the batch shows it: as if all were as likely."""
MEANS = tuple((2 * i + 1) / 40 for i in range(20))
CONCENTRATIONS = tuple(CONCENTRATION * 2.0**i for i in range(-4, 5))
"""The priors among which the likeliest is chosen, by mean and by concentration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What is known of a question by the answers that there are: a fold over its tree."""

    drawn: int = 0
    """Whole answers asked for, failed ones too."""
    votes: int = 0
    """For the answer given most often, without those that a verifier refuted."""
    rival: int = 0
    """For the next one."""
    judged: int = 0
    """Answers of which verifiers said how good they are, and those that failed beside them."""
    good: float = 0.0
    """The sum of what they said: how many of these are right, if scores are chances."""
    right: float = 0.0
    """The chance that the best answer is right, by what verifiers said."""
    proven: bool = False
    """True if it is proven right."""

    @classmethod
    def of(cls, tree: Tree) -> Self:
        """Read it off a tree."""
        finished = tree.finished
        drawn = sum(1 for c in tree if c.done)
        belief = believed(finished)
        if belief is not None:
            opinions = [said for j in finished if (said := opinion(j)) is not None]
            return cls(
                drawn=drawn,
                judged=len(opinions) + drawn - len(finished),
                good=math.fsum(opinions),
                right=belief.right,
                proven=belief.proven,
            )
        keys = (j.candidate.answer for j in finished if not j.refuted)
        voices = Counter(key for key in keys if key is not None)
        (_, votes), (_, rival) = [*voices.most_common(2), ("", 0), ("", 0)][:2]
        return cls(drawn=drawn, votes=votes, rival=rival)

    def gain(self, prior: Prior) -> float:
        """By how much one more answer is expected to raise the chance to end with a right one.

        With scores it is the chance that the best answer is wrong times the chance that the next
        one is good; with votes alone, the price per answer at which going on is just worth it.
        """
        if not self.drawn:
            return math.inf
        if self.proven:
            return 0.0
        if self.judged:
            return (1 - self.right) * prior.promise(self.good, self.judged)
        if self.drawn >= SPEECHLESS and not self.votes:
            return 0.0
        # of the answers to come, as many are for one of the two as have been so far
        heard = (self.votes + self.rival + 1) / (self.drawn + 2)
        return heard * fair_price(self.votes, self.rival)

    def ending(self, gain: float, price: float) -> Select:
        """Return how a run ends of which another answer is not worth its price."""
        outcome: Outcome = "agreed" if 2 * self.votes > self.drawn else "plateau"
        if self.judged:
            outcome = "gave_up" if self.right < 0.5 else "completed"
        if self.proven:
            outcome = "verified"
        reason = f"another answer is worth {gain:+.4f}, and has to be worth more than {price:g}"
        return Select(outcome=outcome, reason="it is proven" if self.proven else reason)


@lru_cache(maxsize=2**14)
def fair_price(first: int, second: int) -> float:
    """Return the highest price of a vote at which to go on is worth it after `first` to `second`.

    It is the Gittins index of the race between the two leading answers: shares are uniform before
    any vote, ending is worth the leader's expected share, and one may end after any vote (Chow and
    Robbins 1963; Gittins 1979). Under one budget over many races, to go on with the one whose
    index is highest is what a common price for all (the Lagrange multiplier of the budget) leads
    to, and it meets the budget exactly. Found by halving: the higher the price, the less is worth.
    """
    low, high = 0.0, 0.5
    for _ in range(HALVINGS):
        price = (low + high) / 2
        if _worth_at(first, second, price) > 0:
            low = price
        else:
            high = price
    return low


def _worth_at(first: int, second: int, price: float) -> float:
    """Return what going on is worth beyond ending now, by backward induction."""
    later = [0.0] * (FARTHEST + 1)
    for ahead in range(FARTHEST - 1, -1, -1):
        shares = [(first + won + 1) / (first + second + ahead + 2) for won in range(ahead + 1)]
        then = [(first + won + 1) / (first + second + ahead + 3) for won in range(ahead + 2)]
        ended = [max(share, 1 - share) + more for share, more in zip(then, later, strict=True)]
        later = [
            max(
                0.0,
                share * ended[won + 1] + (1 - share) * ended[won] - max(share, 1 - share) - price,
            )
            for won, share in enumerate(shares)
        ]
    # what is below it is rounding
    return later[0] - 1e-12


@dataclass(frozen=True, slots=True)
class Prior:
    """How the questions of a batch differ: the chance of a good answer is Beta distributed."""

    mean: float = 0.5
    concentration: float = CONCENTRATION

    def promise(self, good: float, judged: int) -> float:
        """Return the chance that the next answer is good, after `good` of `judged`."""
        return (self.mean * self.concentration + good) / (self.concentration + judged)

    @classmethod
    def fitted(cls, prospects: Iterable[Prospect]) -> Self:
        """Return the likeliest prior, by what verifiers said in the whole batch (empirical Bayes).

        The likelihood is beta-binomial, an answer counts as good by halves rounded; a log-normal
        prior keeps the concentration near 2 until questions with several answers say otherwise.
        It needs no correction for which questions were given more answers: that was decided by
        what the likelihood is conditioned on.
        """
        seen = Counter((round(p.good), p.judged) for p in prospects if p.judged)
        if not seen:
            return cls()

        def likelihood(prior: Self) -> float:
            a = prior.mean * prior.concentration
            b = prior.concentration - a
            near = math.log(prior.concentration / CONCENTRATION) ** 2 / 2
            return (
                math.fsum(
                    times * (_log_beta(a + good, b + judged - good) - _log_beta(a, b))
                    for (good, judged), times in seen.items()
                )
                - near
            )

        return max((cls(mean, size) for mean in MEANS for size in CONCENTRATIONS), key=likelihood)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
