"""What an agent is made of, and what one call may change."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.runnables import RunnableConfig

from verifier_agent.budget import UNITS, Budget, Footprint, Price
from verifier_agent.calibration import Calibration, SelectionFit, enough
from verifier_agent.errors import ConfigurationError, PolicyError, nearest
from verifier_agent.graph.merging import Plain
from verifier_agent.graph.tables import Answerer, callers, single
from verifier_agent.models import Capabilities
from verifier_agent.search import Policy, PolicyFunction, resolve_policy
from verifier_agent.selection import Selector, SelectorFunction, resolve_selector
from verifier_agent.values import Cost, Generate, Revise, Verifier
from verifier_agent.verifiers.formal.form import Forms

UNKNOWN = Footprint()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything live that an agent was built with."""

    models: Mapping[str, Answerer]
    """By the names that actions call them; the first is asked where none is named."""
    verifiers: tuple[Verifier, ...]
    policy: PolicyFunction
    selector: SelectorFunction
    budget: Budget
    prices: Mapping[str, Price]
    footprints: Mapping[str, Footprint]
    max_tokens: int | None
    seed: int | None
    answer: Callable[[str], str | None]
    attempts: int
    """Requests per candidate at most, where the budget allows it."""
    context: Mapping[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    risk: float | None = None
    """How often an answer may be wrong; a less sure one is given up."""

    def check(self) -> None:
        """Raise ConfigurationError if the budget limits what this model cannot bound or price."""
        self._check_risk()
        called = [one.name for one in callers(self.models.values(), self.verifiers)]
        unpriced = [name for name in called if name not in self.prices]
        if self.budget.usd is not None and unpriced:
            raise ConfigurationError(
                f"budget usd={self.budget.usd}: the price of {unpriced[0]!r} is unknown; "
                f"pass prices={{{unpriced[0]!r}: Price(input=…, output=…)}} "
                "in dollars per million tokens"
            )
        renamed = [one.capabilities.name for one in self.models.values() if "model" in one.options]
        if renamed and (self.budget.usd is not None or self.budget.joules is not None):
            raise ConfigurationError(
                f"a limit in dollars or joules goes by {renamed[0]!r}, and the argument `model` "
                "would ask another one: make that a model of the agent"
            )
        known = {name for name, footprint in self.footprints.items() if footprint.joules_known}
        unmeasured = [name for name in called if name not in known]
        if self.budget.joules is not None and unmeasured:
            raise ConfigurationError(
                f"budget joules={self.budget.joules}: the energy of {unmeasured[0]!r} is unknown; "
                f"pass footprints={{{unmeasured[0]!r}: Footprint(parameters=…, "
                "joules_per_flop=(…, …))}"
            )
        if (self.budget.tokens, self.budget.usd, self.budget.joules) == (None, None, None):
            return
        judges = (getattr(verifier, "capabilities", None) for verifier in single(self.verifiers))
        own = (one.capabilities for one in self.models.values())
        for able in (*own, *(j for j in judges if isinstance(j, Capabilities))):
            if able.cap is None:
                raise ConfigurationError(
                    f"a limit in tokens, dollars or joules cannot hold for {able.name!r}: no way "
                    "is known to cap the length of its replies; use a limit in calls or seconds"
                )

    def bind(self, options: Mapping[str, Any]) -> Parts:
        """Return the same with more arguments for every request to the models."""
        models = {name: one.bind(options) for name, one in self.models.items()}
        return replace(self, models=models, verifiers=with_form(self.verifiers, models))

    def _check_risk(self) -> None:
        if self.risk is None:
            return
        if self.calibration is None:
            raise ConfigurationError(f"risk={self.risk:g}: a calibration is needed; pass one too")
        fit = self.sureness(self.selector)
        judges = ", ".join(verifier.name for verifier in self.verifiers) or "no verifier"
        if fit is None:
            known = "; ".join(
                f"{one.selector} with {', '.join(one.verifiers) or 'no verifier'}"
                for one in self.calibration.selections
            )
            raise ConfigurationError(
                f"risk={self.risk:g}: the calibration does not know {self.selector!r} with "
                f"{judges}; it knows {known or 'no selector'}"
            )
        if repr(self.policy) != fit.policy:
            raise ConfigurationError(
                f"risk={self.risk:g}: its bound is for runs of {fit.policy}, and does not hold "
                f"for {self.policy!r}; use that policy, or calibrate for this one"
            )
        enough(fit, self.risk)

    def sureness(self, selector: SelectorFunction) -> SelectionFit | None:
        """Return what is known of how sure the selector's choices are; None without that."""
        if self.calibration is None or not isinstance(selector, Selector):
            return None
        return self.calibration.selection_fit(repr(selector), [v.name for v in self.verifiers])

    def answerer(self, action: Generate | Revise) -> tuple[str, Answerer]:
        """Return the model that an action asks, with its name; raises PolicyError for another."""
        name = next(iter(self.models)) if action.model is None else action.model
        if name not in self.models:
            raise PolicyError(f"{action!r} asks model {name!r}{nearest(name, self.models)}")
        return name, self.models[name]

    def metered(self, cost: Cost, name: str) -> Cost:
        """Fill in dollars, FLOPs and joules of calls to `name`; None where they are unknown."""
        price, cost = self.prices.get(name), self.footprints.get(name, UNKNOWN).of(cost)
        return replace(cost, usd=None) if price is None else price.of(cost)


def with_form(
    verifiers: tuple[Verifier, ...], models: Mapping[str, Answerer]
) -> tuple[Verifier, ...]:
    """Return the verifiers, and one more that checks the form that the models are asked for.

    One of that name which the user gave stands in its place.
    """
    others = tuple(v for v in verifiers if not isinstance(v, Forms))
    forms = {name: one.form for name, one in models.items() if one.form.asked}
    if not forms or any(v.name == Forms.name for v in others):
        return others
    return *others, Forms(forms)


PER_CALL = ("account", "budget", "context", "max_tokens", "policy", "run_id", "seed", "selector")
"""What one call may change of an agent's settings."""


def per_call(parts: Parts, config: RunnableConfig) -> tuple[Parts, str | None]:
    """Apply `config["configurable"]["verifier_agent"]`; return the run id too, if one is given.

    Raises ConfigurationError for an unknown key or a wrong value.
    """
    given = config.get("configurable", {}).get("verifier_agent") or {}
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f'config["configurable"]["verifier_agent"]={given!r}: a dict is needed'
        )
    for key in given:
        if key not in PER_CALL:
            raise ConfigurationError(f"unknown setting {key!r}{nearest(str(key), PER_CALL)}")
    changes: dict[str, Any] = {key: given[key] for key in ("max_tokens", "seed") if key in given}
    if "budget" in given:
        changes["budget"] = read_budget(given["budget"])
    if "policy" in given:
        changes["policy"] = _named(given["policy"], Policy, resolve_policy)
    if "selector" in given:
        changes["selector"] = _named(given["selector"], Selector, resolve_selector)
    if "context" in given:
        changes["context"] = {**parts.context, **read_context(given["context"])}
    changed = replace(parts, **changes)
    check_numbers(changed.seed, changed.max_tokens)
    changed.check()
    run_id = given.get("run_id")
    return changed, None if run_id is None else str(run_id)


def _named(value: Any, kind: type[Policy] | type[Selector], resolve: Callable[[Any], Any]) -> Any:
    value = kind.from_dict(value) if isinstance(value, Mapping) else resolve(value)
    if not isinstance(value, kind):
        raise ConfigurationError(
            f"{kind.kind}={value!r}: one given per call is stored with the run, so it must be a "
            f"named one (decorated with @{kind.kind}) or its text"
        )
    return value


def read_context(context: Any) -> Mapping[str, Any]:
    """Return `context` if it is a dict of plain JSON, which is what a stored run can hold."""
    if not isinstance(context, Mapping):
        raise ConfigurationError(f"context={context!r}: a dict is needed")
    for key, value in context.items():
        try:
            json.dumps({key: value}, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(
                f"context[{key!r}]={value!r}: the run is stored as JSON, and this is none: {error}"
            ) from None
    return context


def read_budget(budget: Budget | Mapping[str, Any]) -> Budget:
    """Return a Budget from one, or from a dict of its limits."""
    if isinstance(budget, Budget):
        return budget
    if not isinstance(budget, Mapping):
        raise ConfigurationError(f"budget={budget!r}: give Budget(calls=8), or {{'calls': 8}}")
    for unit in budget:
        if unit not in UNITS:
            raise ConfigurationError(f"unknown budget unit {unit!r}{nearest(str(unit), UNITS)}")
    return Budget(**budget)


def check_numbers(seed: Any, max_tokens: Any) -> None:
    """Raise ConfigurationError unless the seed is an int or None, and max_tokens positive."""
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise ConfigurationError(f"seed={seed!r}: a whole number is needed")
    if seed is not None and not -(2**63) <= seed < 2**63:
        raise ConfigurationError(f"seed={seed!r}: a whole number of 64 bits is needed")
    if max_tokens is not None and not (
        isinstance(max_tokens, int) and not isinstance(max_tokens, bool) and max_tokens >= 1
    ):
        raise ConfigurationError(
            f"max_tokens={max_tokens!r}: a whole number of at least 1 is needed"
        )


def check_retries(max_retries: Any) -> None:
    """Raise ConfigurationError unless `max_retries` is a whole number or None."""
    if max_retries is not None and (
        isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 0
    ):
        raise ConfigurationError(f"max_retries={max_retries!r}: a whole number of at least 0")


def begin(parts: Parts, run_id: str | None) -> Plain:
    """Return the plain settings that a new run is stored with."""
    return {
        "id": run_id or uuid.uuid4().hex,
        # without a seed every run is another one; the seed it took is stored, so it can be repeated
        "seed": parts.seed if parts.seed is not None else uuid.uuid4().int % 2**31,
        "budget": parts.budget.to_dict(),
        "policy": _stored(parts.policy),
        "selector": _stored(parts.selector),
        "max_tokens": parts.max_tokens,
        "context": dict(parts.context),
        "models": list(parts.models),
        "verifiers": [verifier.name for verifier in parts.verifiers],
    }


def _stored(spec: Any) -> Plain | None:
    """Return the plain form of a named policy or selector; None for one that has none."""
    if not isinstance(spec, Policy | Selector):
        return None
    try:
        return spec.to_dict()
    except ConfigurationError:  # it holds a plain function
        return None


def selector_of(parts: Parts, run: Plain) -> SelectorFunction:
    """Return the selector that the stored run was begun with; the agent's own if it has no form."""
    return Selector.from_dict(run["selector"]) if run["selector"] else parts.selector


def resume(parts: Parts, run: Plain) -> Parts:
    """Return `parts` with what a stored run was begun with and the controller goes by.

    A policy that is, or holds, a plain function has no stored form: the agent's own is used.
    """
    return replace(
        parts,
        budget=Budget.from_dict(run["budget"]),
        policy=Policy.from_dict(run["policy"]) if run["policy"] else parts.policy,
        max_tokens=run["max_tokens"],
        context=run["context"],
    )
