"""What this server answers as: named models, each with its strategy, verifier and budget."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models import BaseChatModel

from verifier_agent.budget import UNITS, Budget, Footprint, Price
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph import Agent, create_verifier_agent
from verifier_agent.graph.build import DEFAULT_BUDGET
from verifier_agent.integrations.server.keys import Key
from verifier_agent.integrations.server.options import bind
from verifier_agent.integrations.server.refusals import unknown_model
from verifier_agent.models import resolve_model
from verifier_agent.search import PolicyLike
from verifier_agent.selection import SelectorFunction
from verifier_agent.verifiers import VerifierLike

KEPT = 64
"""Agents kept for the next request with the same tools and verifiers."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """One model that clients can name; the arguments are those of `create_verifier_agent`."""

    model: str | BaseChatModel
    verifier: VerifierLike | Sequence[VerifierLike] = "auto"
    policy: PolicyLike | None = None
    budget: Budget = DEFAULT_BUDGET
    """Of each choice; a request can ask for less, never for more."""
    selector: str | SelectorFunction | None = None
    prices: Mapping[str, Price | Mapping[str, float]] | None = None
    footprints: Mapping[str, Footprint | Mapping[str, Any]] | None = None
    max_tokens: int | None = None
    answer: Callable[[str], str | None] | None = None


class Catalogue:
    """All models of a server, and the agents made of them."""

    def __init__(self, served: Mapping[str, Served]) -> None:
        """Build every agent once, so that a wrong setting stops the server and no request.

        Raises ConfigurationError for it, and if nothing is served.
        """
        if not served:
            raise ConfigurationError("models={}: a server needs at least one model to serve")
        self._served = {
            name: replace(one, model=resolve_model(one.model)) for name, one in served.items()
        }
        self._kept: OrderedDict[str, Agent] = OrderedDict()
        for name in self._served:
            self.agent(name, None, {})

    def __iter__(self) -> Iterator[str]:
        return iter(self._served)

    def check(self, key: Key, seconds: float) -> None:
        """Raise ConfigurationError if a run could hold all that the account of `key` has."""
        left = None if key.account is None else key.account.remaining()
        for name, one in self._served.items():
            limits = {**one.budget.to_dict(), "seconds": seconds}
            for unit in UNITS if left is not None else ():
                if math.isfinite(getattr(left, unit)) and limits[unit] is None:
                    raise ConfigurationError(
                        f"the account of key {key.name!r} is limited in {unit}, and the budget of "
                        f"model {name!r} is not: give it a limit in {unit}"
                    )

    def find(self, asked: str) -> tuple[str, str | None]:
        """Return the served name, and the policy that stands behind it: "NAME@POLICY".

        Raises Refused for a name that is not served.
        """
        if asked in self._served:
            return asked, None
        # a name may hold an "@" itself, and so may a policy
        starts = [name for name in self._served if asked.startswith(f"{name}@")]
        if not starts:
            raise unknown_model(asked, list(self._served))
        name = max(starts, key=len)
        return name, asked.removeprefix(f"{name}@")

    def served(self, name: str) -> Served:
        """Return what is served by this name."""
        return self._served[name]

    def agent(self, name: str, verifier: Sequence[str] | None, options: Mapping[str, Any]) -> Agent:
        """Return the agent of a name, with the verifiers and arguments that a request gives.

        Raises ConfigurationError for what cannot be had.
        """
        key = json.dumps([name, verifier, options], sort_keys=True)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        agent = self._kept[key] = self._build(self._served[name], verifier, options)
        if len(self._kept) > KEPT + len(self._served):
            self._kept.popitem(last=False)
        return agent

    def _build(
        self, one: Served, verifier: Sequence[str] | None, options: Mapping[str, Any]
    ) -> Agent:
        return create_verifier_agent(
            bind(one.model, options),  # type: ignore[arg-type]  # resolved above
            verifier=one.verifier if verifier is None else list(verifier),
            policy=one.policy,
            budget=one.budget,
            selector=one.selector,
            prices=one.prices,
            footprints=one.footprints,
            max_tokens=one.max_tokens,
            answer=one.answer,
        )
