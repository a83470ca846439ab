"""Live evaluation: the agent's runs on a data set, measured as replayed ones are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig
from pydantic_core import to_jsonable_python

from verifier_agent.budget import Budget, Footprint, Price
from verifier_agent.calibration import SelectionFit
from verifier_agent.evaluation.recordings.data import Entry
from verifier_agent.evaluation.recordings.transcripts import transcribe
from verifier_agent.evaluation.settings import AtMost, Settings
from verifier_agent.graph import Run, create_verifier_agent
from verifier_agent.graph.build import DEFAULT_BUDGET, read_models
from verifier_agent.graph.settings import read_budget
from verifier_agent.search import PolicyFunction
from verifier_agent.verifiers import VerifierLike, resolve_verifiers

MOST = 8
"""Samples that a run may draw where neither a policy nor another number is given."""
TOGETHER = 8
"""Questions in flight; models that compute in this process have one."""
STEPS = 10_000
"""LangGraph's own limit must not end a run: the budget and the policy do."""

Plain = dict[str, Any]
ModelLike = str | BaseChatModel | Mapping[str, str | BaseChatModel]
"""As for an agent: one, or several by the names that a policy asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live(Settings):
    """How a data set is run through an agent, whose own defaults hold but for the policy's.

    Without `max_samples` the policy and the budget say how many answers a run may draw; the
    policy that is used when none is named draws at most 8.
    """

    verifier: VerifierLike | Sequence[VerifierLike] | None = "auto"
    """As for an agent. None: nobody judges."""
    budget: Budget | Mapping[str, Any] | None = None
    """Of each run."""
    prices: Mapping[str, Price | Mapping[str, float]] | None = None
    footprints: Mapping[str, Footprint | Mapping[str, Any]] | None = None


class Runner:
    """One agent for all questions of a data set. Raises ConfigurationError for wrong settings."""

    def __init__(self, model: ModelLike, settings: Live) -> None:
        self.models = read_models(model)
        self.settings = settings
        chat_models = {name: one.model for name, one in self.models.items()}
        first = next(iter(chat_models.values()))
        self._verifiers = resolve_verifiers(settings.verifiers, model=first)
        self._selector = settings.resolved_selector(list(self.models), self._verifiers)
        policy = settings.resolved_policy(settings.max_samples or MOST)
        self.setup = self._setup(policy)
        self._agent = create_verifier_agent(
            chat_models,
            verifier=self._verifiers,
            policy=policy if settings.max_samples is None else AtMost(policy, settings.max_samples),
            selector=self._selector,
            budget=settings.budget,
            prices=settings.prices,
            footprints=settings.footprints,
            calibration=settings.calibration,
            risk=settings.risk,
        )

    @property
    def together(self) -> int:
        """How many questions are in flight, unless it is said."""
        return 1 if all(one.capabilities.free for one in self.models.values()) else TOGETHER

    @property
    def weighed_by(self) -> str | None:
        """The verifier whose scores the baselines weigh by: the first that judges by itself."""
        alone = (
            v.name
            for v in self._verifiers
            if not getattr(v, "relational", False) and not hasattr(v, "applies")
        )
        return next(alone, None)

    @property
    def sureness(self) -> SelectionFit | None:
        """What confidences are calibrated by; None where they are not."""
        return self.settings.sureness(self._selector, self._verifiers)

    async def check(self, entry: Entry) -> None:
        """Raise what the first decision on this question raises, as for too small a budget."""
        await self._agent.ainvoke(_asked(entry), _config(entry, 0), interrupt_before="*")

    async def run(self, entry: Entry) -> bytes:
        """Run one question, once with each seed, and return its transcript as a line."""
        runs = [
            Run.of(await self._agent.ainvoke(_asked(entry), _config(entry, seed)))
            for seed in range(self.settings.seeds)
        ]
        return transcribe(entry, self.setup, runs, self._verifiers, self._selector)

    def _setup(self, policy: PolicyFunction) -> Plain:
        """Return what tells these runs from others, as plain JSON."""
        given = self.settings
        setup: Plain = {
            "models": {
                name: {
                    "name": one.capabilities.name,
                    "temperature": getattr(one.model, "temperature", None),
                }
                for name, one in self.models.items()
            },
            "verifiers": [verifier.name for verifier in self._verifiers],
            "policy": _named(policy),
            "selector": _named(self._selector),
            "max_samples": given.max_samples,
            "seeds": given.seeds,
            "budget": DEFAULT_BUDGET if given.budget is None else read_budget(given.budget),
            "prices": given.prices or {},
            "footprints": given.footprints or {},
        }
        if given.calibration is not None:
            setup |= {"calibration": given.calibration.to_dict(), "risk": given.risk}
        plain: Plain = to_jsonable_python(setup, fallback=repr)
        return plain


def _asked(entry: Entry) -> Plain:
    return {"messages": [("user", entry.question)]}


def _config(entry: Entry, seed: int) -> RunnableConfig:
    given = {"seed": seed, "context": entry.context}
    return {"recursion_limit": STEPS, "configurable": {"verifier_agent": given}}


def _named(part: Any) -> str:
    """Return a name that is the same in every process, which the repr of a function is not."""
    name = getattr(part, "__qualname__", None)
    return repr(part) if name is None else f"{part.__module__}.{name}"
