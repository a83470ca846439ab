"""What the answers of several models, put together, say of which one is right. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Concatenate, ParamSpec, cast

from pydantic import Field

from verifier_agent.errors import ConfigurationError
from verifier_agent.spec import Spec

P = ParamSpec("P")

Vote = tuple[str, str | None]
"""Who answered, and the key of the answer; None where there is none to compare."""
Chance = Annotated[float, Field(gt=0.0, lt=1.0)]
FRESH = 0.05
"""At least that much of a wrong model's answers is one that nobody gave before: a choice."""
POSSIBLE = 10
"""As if so many answers that nobody gave yet were as probable as each other: a choice."""


class Reliability(Spec):
    """From votes, in the order in which they were given, to what they say together."""

    kind = "reliability"
    inputs = 1
    __slots__ = ()

    def __call__(self, votes: Sequence[Vote]) -> Poll:
        """Return what is believed; votes of models that are not known do not count."""
        return cast(Poll, super().__call__(votes))

    @property
    def models(self) -> tuple[str, ...]:
        """The models whose votes count."""
        return tuple(self.arguments["models"])


def reliability(
    function: Callable[Concatenate[Sequence[Vote], P], Poll],
) -> Callable[P, Reliability]:
    """Turn `function(votes, models, …)` into a factory of reliabilities with the rest bound."""
    Reliability.define(function)

    def factory(*args: P.args, **kwargs: P.kwargs) -> Reliability:
        return Reliability.make(function.__name__, args, kwargs)

    Reliability.dress(factory, function)
    return factory


@reliability
def one_coin(
    votes: Sequence[Vote],
    models: Annotated[tuple[str, ...], Field(min_length=1)],
    right: tuple[Chance, ...],
    alike: tuple[tuple[Chance, ...], ...],
) -> Poll:
    """Each model is right as often on every question, and errs with others as often as it did.

    The one-coin model of Dawid and Skene 1979, with the models' errors not independent: models of
    one family make the same mistakes, so their agreement says less.

    Args:
        votes: Who said what. Several of one model are one vote, shared among what they say: what
            more of the same model's answers are worth, this does not know.
        models: By name.
        right: How often each model is right.
        alike: How often two models that are both wrong give the same answer; row by row, in the
            order of the models.
    """
    known = _Known(models, right, alike)
    counted = [(known.place[model], answer) for model, answer in votes if model in known.place]
    times = Counter(place for place, _ in counted)
    poll = Poll(known, {}, 1.0, {})
    for place, answer in counted:
        poll = poll.after(place, answer, 1 / times[place])
    return poll


class _Known:
    """The parameters of a one-coin model, checked."""

    def __init__(
        self,
        models: tuple[str, ...],
        right: tuple[float, ...],
        alike: tuple[tuple[float, ...], ...],
    ) -> None:
        n = len(models)
        if len(set(models)) < n or len(right) != n or [len(row) for row in alike] != [n] * n:
            raise ConfigurationError(
                f"one_coin: {n} models need different names, {n} numbers `right`, and {n} rows "
                f"of {n} numbers `alike`"
            )
        self.place = {model: place for place, model in enumerate(models)}
        self.right, self.alike = right, alike


@dataclass(frozen=True, slots=True)
class Poll:
    """What is believed after some votes: of each answer given that it is right."""

    known: _Known
    chances: Mapping[str, float]
    """P(right) by answer, the first given first: a posterior, which is as good as its model."""
    unseen: float
    """P(no answer given so far is right)."""
    given: Mapping[str, tuple[int, ...]]
    """Who gave each answer, by place among the models."""

    @property
    def leader(self) -> str | None:
        """The answer with the highest chance, the first of equals; None without any."""
        return max(self.chances, key=lambda answer: self.chances[answer], default=None)

    def tells(self, model: str) -> float:
        """Return how much the model's vote is expected to tell of which answer is right, in nats.

        The information that the two have in common. What it does for the chance that the leader is
        right would not do: mostly no single vote can change who leads, though two can.
        """
        place = self.known.place[model]
        after = 0.0
        for answer in (*self.chances, None):
            named = [
                chance * self._likelihood(place, answer, hypothesis)
                for hypothesis, chance in self.chances.items()
            ]
            if answer is None:  # an answer that nobody has given yet, which may be right
                named.append(self.unseen * self.known.right[place])
            after += _doubt(named, self.unseen * self._likelihood(place, answer, None))
        return max(0.0, _doubt(list(self.chances.values()), self.unseen) - after)

    def after(self, place: int, answer: str | None, weight: float) -> Poll:
        """Return what is believed after one more vote, of which so much counts."""
        masses = {
            hypothesis: chance * self._likelihood(place, answer, hypothesis) ** weight
            for hypothesis, chance in self.chances.items()
        }
        if answer is not None and answer not in masses:
            masses[answer] = self.unseen * self.known.right[place] ** weight
        unseen = self.unseen * self._likelihood(place, answer, None) ** weight
        total = math.fsum([*masses.values(), unseen])
        given = dict(self.given)
        if answer is not None:
            given[answer] = (*given.get(answer, ()), place)
        return Poll(
            self.known,
            {hypothesis: mass / total for hypothesis, mass in masses.items()},
            unseen / total,
            given,
        )

    def _likelihood(self, place: int, answer: str | None, truth: str | None) -> float:
        """Return the chance of a vote, had `truth` been right; None: had none given so far been.

        An `answer` of None is one that nobody gave before. A wrong model repeats a wrong answer as
        often as it errs like the one of those who gave it that is most like it.
        """
        if answer is not None and answer == truth:
            return self.known.right[place]
        row = self.known.alike[place]
        repeats = {
            other: max((row[giver] for giver in givers if giver != place), default=0.0)
            for other, givers in self.given.items()
            if other != truth
        }
        total = math.fsum(repeats.values())
        cut = min(1.0, (1 - FRESH) / total) if total else 1.0
        same = repeats.get(answer, 0.0) if answer is not None else 0.0
        share = same * cut if same else 1 - total * cut
        return (1 - self.known.right[place]) * share


def _doubt(named: Sequence[float], unseen: float) -> float:
    """Return the entropy of masses in nats, times their sum."""
    total = math.fsum([*named, unseen])
    masses = [*named, *[unseen / POSSIBLE] * POSSIBLE]
    return -math.fsum(mass * math.log(mass / total) for mass in masses if mass > 0)
