"""Price and footprint tables: what the user gave, and what is known of the models called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from verifier_agent.budget import Footprint, Price
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import (
    Capabilities,
    ModelLike,
    capabilities,
    input_bound,
    read_options,
    resolve_bound,
)
from verifier_agent.models.impact import known_footprint
from verifier_agent.models.prices import known_price
from verifier_agent.models.providers import provider_of
from verifier_agent.values import Verifier
from verifier_agent.verifiers import Form

Kind = TypeVar("Kind", Price, Footprint)


@dataclass(frozen=True, slots=True)
class Answerer:
    """A model that writes answers."""

    model: BaseChatModel
    capabilities: Capabilities
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of every request: tools, the form of the answer, stop strings."""
    form: Form = field(default_factory=Form)
    """What they ask of an answer's form, as far as it can be checked."""

    @classmethod
    def of(cls, model: ModelLike) -> Answerer:
        """Return `model`, with what it can do and what is bound to it."""
        inner, options = resolve_bound(model)
        return cls(inner, capabilities(inner)).bind(options)

    def bind(self, options: Mapping[str, Any]) -> Answerer:
        """Return the same with more arguments for every request."""
        read, cap = read_options(self.capabilities, {**self.options, **options})
        able = self.capabilities
        able = able if cap is None else replace(able, default_cap=cap)
        if able.within is not None and able.within in read:
            able = replace(able, settings=read[able.within])
        return replace(self, capabilities=able, options=read, form=Form.checkable(read))

    def bound(self, messages: Sequence[BaseMessage]) -> int | None:
        """Return the most tokens that a prompt of these messages can have; None if unbounded."""
        form = {key: value for key, value in self.options.items() if key != "tools"}
        tools = self.options.get("tools") or ()
        return input_bound(messages, tools, self.capabilities.margins, form=form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Something that is paid for: a model, or a verifier that spends."""

    name: str
    """As in the tables."""
    paid: bool
    """True if its calls cost money."""
    footprint: Footprint | None
    """What it says of itself."""
    provider: str | None
    """Who serves the model; None if that is not certain."""

    @property
    def price(self) -> Price | None:
        """What is known of its price."""
        if not self.paid:
            return Price(input=0.0, output=0.0)
        return known_price(self.name, self.provider)

    @property
    def energy(self) -> Footprint | None:
        """What is known of its size and energy."""
        return self.footprint or known_footprint(self.name, self.provider)


def caller_of_model(model: BaseChatModel, able: Capabilities) -> Caller:
    """Return a model that is called."""
    return Caller(
        name=able.name,
        paid=not able.free,
        footprint=able.footprint,
        provider=None if able.free else provider_of(model),
    )


def members(verifier: Verifier) -> tuple[Verifier, ...]:
    """Return the verifiers that one is made of; none of most."""
    return tuple(getattr(verifier, "members", ()))


def single(verifiers: Iterable[Verifier]) -> Iterator[Verifier]:
    """Yield the verifiers, and instead of one that is made of others those."""
    for verifier in verifiers:
        inside = members(verifier)
        if inside:
            yield from single(inside)
        else:
            yield verifier


def called(verifier: Verifier) -> str:
    """Return the name of a verifier in the tables: that of the model it calls, if it calls one."""
    able = getattr(verifier, "capabilities", None)
    if isinstance(able, Capabilities):
        return able.name
    return getattr(verifier, "model_name", None) or verifier.name


def caller_of_verifier(verifier: Verifier) -> Caller:
    """Return a verifier."""
    model, able = getattr(verifier, "model", None), getattr(verifier, "capabilities", None)
    if isinstance(model, BaseChatModel) and isinstance(able, Capabilities):
        return caller_of_model(model, able)
    return Caller(
        name=called(verifier),
        paid=getattr(verifier, "model_name", None) is not None,
        footprint=getattr(verifier, "footprint", None),
        provider=None,
    )


def callers(models: Iterable[Answerer], verifiers: Sequence[Verifier]) -> list[Caller]:
    """Return the models and every verifier that spends: one with a `bound`, or a model."""
    answering = [caller_of_model(one.model, one.capabilities) for one in models]
    spending = [v for v in single(verifiers) if hasattr(v, "bound") or hasattr(v, "model_name")]
    return [*answering, *map(caller_of_verifier, spending)]


def price_table(given: Any, paid: Sequence[Caller]) -> dict[str, Price]:
    """Return the prices given, each a Price or a dict of its fields, then those that are known."""
    table = _read("prices", given, Price, "Price(input=…, output=…)")
    for one in paid:
        if one.name not in table and (price := one.price) is not None:
            table[one.name] = price
    return table


def footprint_table(given: Any, paid: Sequence[Caller]) -> dict[str, Footprint]:
    """Return the footprints given, each one or a dict of its fields, then those that are known."""
    form = "Footprint(parameters=…, joules_per_flop=(…, …))"
    table = _read("footprints", given, Footprint, form)
    for one in paid:
        if one.name not in table and (footprint := one.energy) is not None:
            table[one.name] = footprint
    return table


def _read(argument: str, given: Any, kind: type[Kind], form: str) -> dict[str, Kind]:
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError(f"{argument}={given!r}: give {{model name: {form}}}")
    read: dict[str, Kind] = {}
    for name, one in (given or {}).items():
        try:
            read[name] = one if isinstance(one, kind) else kind(**one)
        except TypeError:
            raise ConfigurationError(f"{argument}[{name!r}]={one!r}: give {form}") from None
    return read
