"""Scores from token probabilities: the expected value over the levels that could have been said.

As in G-Eval (Liu et al. 2023, 2303.16634) and LLM-as-a-Verifier (2607.05391): where the provider
tells the probabilities of the alternatives, their mean says more than the one that was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

LEAST_MASS = 0.5
"""Below this the levels are not what the model was about to say, and their mean says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """What the token probabilities say of a level."""

    value: float
    """The expected value."""
    levels: dict[str, float]
    """Each level's probability, given that it is one of them."""
    mass: float
    """How much of the probability the levels have together."""


def readout(
    message: AIMessage, spelled: str, key: str, values: Mapping[str, float]
) -> Readout | None:
    """Return the expected value of the field `key` of the report that is `spelled` so.

    `values`: each level as it is spelled, and its value; no level begins another. None where the
    reply has no token probabilities, where the level cannot be found among the tokens, or where
    the levels have less than `LEAST_MASS`.
    """
    tokens = (message.response_metadata.get("logprobs") or {}).get("content") or []
    place = _place("".join(str(token.get("token", "")) for token in tokens), spelled, key)
    start = 0
    for token in tokens if place is not None else ():
        text = str(token.get("token", ""))
        if place is not None and start <= place < start + len(text):
            return of_token(token, values)
        start += len(text)
    return None


def _place(text: str, spelled: str, key: str) -> int | None:
    """Return where the value of the last field `key` begins in `text`."""
    report = text.rfind(spelled)
    field = spelled.rfind(f'"{key}"')
    if report < 0 or field < 0:
        return None
    at = field + len(key) + 2
    while at < len(spelled) and spelled[at] in ' \t\r\n:"':
        at += 1
    return report + at if at < len(spelled) else None


def of_token(token: Mapping[str, Any], values: Mapping[str, float]) -> Readout | None:
    """Return the expected value at one place of a reply, in OpenAI's form of logprobs."""
    # the drawn token may be missing among the alternatives: it counts too
    given = {str(t.get("token")): t.get("logprob") for t in token.get("top_logprobs") or ()}
    given.setdefault(str(token.get("token")), token.get("logprob"))
    levels: dict[str, float] = {}
    for said, logprob in given.items():
        level = _level(said, values)
        if level is None:
            continue
        if not isinstance(logprob, int | float) or math.isnan(logprob) or logprob > 1e-3:
            return None
        levels[level] = levels.get(level, 0.0) + math.exp(logprob)
    mass = math.fsum(levels.values())
    if not LEAST_MASS <= mass <= 1.0 + 1e-3:
        return None
    shares = {level: levels[level] / mass for level in sorted(levels)}
    value = math.fsum(share * values[level] for level, share in shares.items())
    return Readout(value=value, levels=shares, mass=min(mass, 1.0))


def _level(said: str, values: Mapping[str, float]) -> str | None:
    """Return the level that the token `said` is, or begins, in any case; None if not just one."""
    text = said.strip(' \t\r\n"').casefold()
    begun = [level for level in values if text and level.casefold().startswith(text)]
    whole = [level for level in begun if level.casefold() == text]
    return (whole or begun)[0] if len(whole) == 1 or len(begun) == 1 else None
