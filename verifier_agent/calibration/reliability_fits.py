"""How reliable each of several models is, and how alike their errors are, from labelled answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from verifier_agent.calibration.reliabilities import Reliability, one_coin
from verifier_agent.errors import ConfigurationError

SHRINKAGE = 20.0
"""A pair of models counts as if it had erred together on so many more questions, as alike as all
pairs are on average: with a few hundred questions two good models hardly ever err together."""
DIGITS = 4
"""Of a chance, which is never rounded to 0 or 1."""

Labelled = tuple[str, str | None, int]
"""Who answered, the key of the answer, and 1 for right or 0 for wrong."""


@dataclass
class _Pairs:
    """How often two models were both wrong, and how often with the same answer."""

    both: dict[tuple[str, str], int] = field(default_factory=dict)
    same: dict[tuple[str, str], int] = field(default_factory=dict)

    def see(self, question: Sequence[Labelled]) -> None:
        """Take in one question: the first answer of each model."""
        wrong = {m: a for m, a, r in reversed(question) if not r}
        first = {m: r for m, _, r in reversed(question)}
        names = sorted(model for model in wrong if not first[model])
        for at, one in enumerate(names):
            for other in names[at + 1 :]:
                pair = one, other
                self.both[pair] = self.both.get(pair, 0) + 1
                if wrong[one] is not None and wrong[one] == wrong[other]:
                    self.same[pair] = self.same.get(pair, 0) + 1


def fit_one_coin(
    questions: Iterable[Sequence[Labelled]], models: Sequence[str] = ()
) -> Reliability:
    """Return the `one_coin` that fits the labelled answers of each question.

    The share of right answers is (right + 1) / (all + 2), an answer without a key being wrong;
    how alike two models err is shrunk towards all pairs' average.

    Args:
        questions: The answers to each.
        models: Whose. Default: all that answered.

    Raises:
        ConfigurationError: A model without an answer, or none at all.
    """
    right: dict[str, int] = {}
    seen: dict[str, int] = {}
    pairs, wanted = _Pairs(), set(models)
    for question in questions:
        kept = [one for one in question if not wanted or one[0] in wanted]
        for model, _, good in kept:
            seen[model] = seen.get(model, 0) + 1
            right[model] = right.get(model, 0) + good
        pairs.see(kept)
    names = tuple(models) or tuple(sorted(seen))
    missing = next((name for name in names if name not in seen), None)
    if missing is not None or not names:
        raise ConfigurationError(
            f"no labelled answer of {missing!r}: what it is worth is not known"
            if missing
            else "no labelled answer names the model that gave it"
        )
    every = (sum(pairs.same.values()) + 1) / (sum(pairs.both.values()) + 2)

    def alike(one: str, other: str) -> float:
        pair = min(one, other), max(one, other)
        both, same = pairs.both.get(pair, 0), pairs.same.get(pair, 0)
        return _rounded((same + SHRINKAGE * every) / (both + SHRINKAGE))

    return one_coin(
        names,
        tuple(_rounded((right[name] + 1) / (seen[name] + 2)) for name in names),
        tuple(tuple(alike(one, other) for other in names) for one in names),
    )


def _rounded(chance: float) -> float:
    least = 10.0**-DIGITS
    return min(1 - least, max(least, round(chance, DIGITS)))
