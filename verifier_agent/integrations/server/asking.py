"""From a request to what an agent is asked: which one, with which settings, how often. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage

from verifier_agent.accounts import Account
from verifier_agent.budget import UNITS, Budget
from verifier_agent.graph import Agent
from verifier_agent.integrations.server.served import Catalogue
from verifier_agent.integrations.server.wire import Limit, Settings


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What both APIs ask for, once their own forms are read."""

    model: str
    messages: Sequence[BaseMessage]
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments for the model: tools, the form of the answer, sampling."""
    settings: Settings | None = None
    n: int = 1
    seed: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request to an agent: as many runs as choices are wanted."""

    model: str
    """As the client named it."""
    served: str
    """As the server names it."""
    agent: Agent
    messages: Sequence[BaseMessage]
    runs: tuple[Mapping[str, Any], ...]
    """The settings of each run."""


def prepare(catalogue: Catalogue, wanted: Wanted, seconds: float, account: Account | None) -> Ask:
    """Return what is to be asked; no run takes longer than `seconds`, and `account` pays.

    Raises Refused for an unknown model or an argument that it does not take, ConfigurationError
    for a wrong setting.
    """
    name, policy = catalogue.find(wanted.model)
    given = wanted.settings or Settings()
    verifier = [given.verifier] if isinstance(given.verifier, str) else given.verifier
    chosen: dict[str, Any] = {
        "policy": given.policy or policy,
        "selector": given.selector,
        "context": given.context,
        "max_tokens": wanted.max_tokens,
        "account": account,
        "budget": narrowed(catalogue.served(name).budget, given.budget, seconds).to_dict(),
    }
    settings = {key: value for key, value in chosen.items() if value is not None}
    seeds: list[Mapping[str, Any]] = [{} for _ in range(wanted.n)]
    if wanted.seed is not None:
        # of 64 bits like the first, so that each choice is a run that can be repeated
        seeds = [{"seed": (wanted.seed + i + 2**63) % 2**64 - 2**63} for i in range(wanted.n)]
    return Ask(
        model=wanted.model,
        served=name,
        agent=catalogue.agent(name, verifier, wanted.options),
        messages=wanted.messages,
        runs=tuple({**settings, **seed} for seed in seeds),
    )


def narrowed(own: Budget, asked: Limit | None, seconds: float) -> Budget:
    """Return the stricter limit of each unit: a request can ask for less, never for more."""
    limits: dict[str, float] = {}
    for unit in UNITS:
        given = [getattr(own, unit), getattr(asked, unit, None)]
        known = [limit for limit in (*given, seconds if unit == "seconds" else None) if limit]
        if known:
            limits[unit] = min(known)
    return Budget(**limits)  # type: ignore[arg-type]  # whole units stay whole
