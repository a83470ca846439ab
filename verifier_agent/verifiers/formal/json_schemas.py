"""How a value is held to a JSON schema (extra `tools`)."""

from __future__ import annotations

import functools
import importlib.util
import json
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from verifier_agent.answers.structured import refuse_constant
from verifier_agent.errors import MissingExtra


def strict_json(source: str) -> Any:
    """Return the value of a text of JSON.

    Raises ValueError where it is none, as NaN and Infinity are; OverflowError or RecursionError
    where it may be, and holds a number that is too large to be read here or is too deeply nested.
    """
    return json.loads(
        source, parse_constant=refuse_constant, parse_int=_whole, parse_float=_decimal
    )


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise OverflowError(f"a number of {len(text)} digits is not read") from None


def _decimal(text: str) -> float:
    if math.isinf(value := float(text)):
        raise OverflowError(f"{text[:40]} is too large to be read")
    return value


def require_jsonschema() -> None:
    """Raise MissingExtra where jsonschema is not installed."""
    if importlib.util.find_spec("jsonschema") is None:
        raise MissingExtra("a check against a JSON schema", "tools")


def validator_of(schema: Mapping[str, Any]) -> Any:
    """Return a validator of jsonschema. What the schema refers to elsewhere is not fetched."""
    from jsonschema.validators import validator_for
    from referencing import Registry

    return _exact(validator_for(schema))(schema, registry=Registry())


@functools.cache
def _exact(kind: Any) -> Any:
    from jsonschema.validators import extend

    return extend(kind, {"multipleOf": _multiple_of})


def _multiple_of(validator: Any, step: float, value: Any, schema: Any) -> Iterator[Any]:
    """Hold decimals to what is written: divided as floats, 19.99 is no multiple of 0.01."""
    from jsonschema.exceptions import ValidationError

    if validator.is_type(value, "number") and Fraction(str(value)) % Fraction(str(step)):
        yield ValidationError(f"{value!r} is not a multiple of {step}")
