"""The plain form of values: only what JSON has, so that it survives every store and wire."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Self, cast

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python


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
