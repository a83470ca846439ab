"""The plain form of values: only what JSON has, so that it survives every store and wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from verifier_agent.errors import ConfigurationError


@cache
def _adapter(cls: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def _plain(other: Any) -> Any:
    """Return an array as lists, a spec as its own plain form, anything else as text."""
    for form in ("tolist", "to_dict"):
        try:
            return getattr(other, form)()
        except Exception:
            continue
    return str(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Something with a plain JSON form."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form: only dicts, lists, strings, finite numbers, booleans and None.

        Arrays become lists, NaN None, other objects their own plain form or text: odd evidence
        never loses a paid call.
        """
        return dict(
            to_jsonable_python(self, fallback=_plain, inf_nan_mode="null", bytes_mode="base64")
        )

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Rebuild the value; raises pydantic.ValidationError where the form is not ours."""
        return cast(Self, _adapter(cls).validate_python(plain))  # type: ignore[arg-type]


V = TypeVar("V", bound=Value)


def read_file(
    kind: type[V], given: V | Mapping[str, Any] | Path | str, noun: str, schema: int
) -> V:
    """Return a value from one, from its plain form, or from a JSON file of it.

    Its field `schema` must be that number. Raises ConfigurationError, with the noun, for a file
    that cannot be read, or that holds something else.
    """
    if isinstance(given, kind):
        return given
    shown = noun if isinstance(given, Mapping) else str(given)
    try:
        plain = (
            given
            if isinstance(given, Mapping)
            else json.loads(Path(cast(str, given)).read_text(encoding="utf-8"))
        )
        if not isinstance(plain, Mapping) or plain.get("schema") != schema:
            raise ConfigurationError(f"{shown}: this is no {noun} of schema {schema}")
        return kind.from_dict(dict(plain))
    except OSError as error:
        raise ConfigurationError(f"{shown}: {error.strerror or error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{shown}: no {noun}: {place}: {first['msg']}") from None
    except ValueError as error:  # no JSON, or not even text
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{shown}: this is no JSON: {error}") from None


def faults(error: ValidationError) -> str:
    """Say what is wrong with untrusted data, each fault by its place; its values may be secrets."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, one["loc"])), _fault(one["type"], one["msg"]))))
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    )


def _fault(kind: str, message: str) -> str:
    unknown = kind in ("extra_forbidden", "unexpected_keyword_argument")
    return "there is no such setting" if unknown else message.removeprefix("Value error, ")
