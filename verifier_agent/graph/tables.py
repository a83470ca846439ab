"""Price and footprint tables: what the user gave, and what is known of the models called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from verifier_agent.budget import Footprint, Price
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import Capabilities
from verifier_agent.values import Verifier

Kind = TypeVar("Kind", Price, Footprint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Something that is paid for: the model, or a verifier that spends."""

    name: str
    """As in the tables."""
    paid: bool
    """True if its calls cost money."""
    footprint: Footprint | None
    """What it says of itself."""


def caller_of_model(able: Capabilities) -> Caller:
    """Return the model that answers."""
    return Caller(name=able.name, paid=not able.free, footprint=able.footprint)


def caller_of_verifier(verifier: Verifier) -> Caller:
    """Return a verifier, under the name of the model it calls if it calls one."""
    able = getattr(verifier, "capabilities", None)
    if isinstance(able, Capabilities):
        return caller_of_model(able)
    name = getattr(verifier, "model_name", None)
    own = getattr(verifier, "footprint", None)
    return Caller(name=name or verifier.name, paid=name is not None, footprint=own)


def callers(able: Capabilities, verifiers: Sequence[Verifier]) -> list[Caller]:
    """Return the model and every verifier that spends: one with a `bound`, or a model."""
    spending = [v for v in verifiers if hasattr(v, "bound") or hasattr(v, "model_name")]
    return [caller_of_model(able), *map(caller_of_verifier, spending)]


def price_table(given: Any, called: Sequence[Caller]) -> dict[str, Price]:
    """Return the prices given, each a Price or a dict of its fields, and 0 for what is free."""
    free = {one.name: Price(input=0.0, output=0.0) for one in called if not one.paid}
    return free | _read("prices", given, Price, "Price(input=…, output=…)")


def footprint_table(given: Any, called: Sequence[Caller]) -> dict[str, Footprint]:
    """Return the footprints given, and for the others what the models say of themselves."""
    own = {one.name: one.footprint for one in called if one.footprint is not None}
    form = "Footprint(parameters=…, joules_per_flop=(…, …))"
    return own | _read("footprints", given, Footprint, form)


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
