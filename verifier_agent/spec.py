"""Named pure functions with checked arguments: the form of policies, stop rules and selectors.

A decorated function becomes a factory: `best_of` is written as `best_of(tree, remaining, n=8)`
and used as `best_of(n=16)`, which returns a `Spec`, a frozen value that can be called, compared,
pickled, printed as it was written, turned into plain JSON and read back from either form.
"""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from verifier_agent.errors import ConfigurationError, nearest


@dataclass(frozen=True, slots=True)
class Definition:
    """A decorated function, and the parameters that its factory takes."""

    function: Callable[..., Any]
    parameters: Mapping[str, inspect.Parameter]


@cache
def _adapter(function: Callable[..., Any], parameter: str) -> TypeAdapter[Any]:
    return TypeAdapter(typing.get_type_hints(function, include_extras=True)[parameter])


class Spec:
    """A named pure function with its arguments bound; each kind has its own names."""

    kind: ClassVar[str] = "spec"
    inputs: ClassVar[int] = 1
    """How many leading parameters are given at each call, not when it is made."""
    definitions: ClassVar[dict[str, Definition]]
    kinds: ClassVar[dict[str, type[Spec]]] = {}

    __slots__ = ("arguments", "name")
    name: str
    arguments: dict[str, Any]

    def __init_subclass__(cls) -> None:
        cls.definitions = {}
        Spec.kinds[cls.kind] = cls

    @classmethod
    def define(cls, function: Callable[..., Any]) -> None:
        """Register `function` under its own name."""
        parameters = list(inspect.signature(function).parameters.items())[cls.inputs :]
        cls.definitions[function.__name__] = Definition(function, dict(parameters))

    @classmethod
    def make(cls, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Self:
        """Bind arguments to the definition called `name`, checking each against its annotation.

        Raises ConfigurationError for an unknown name, a missing argument or a wrong value.
        """
        definition = cls.definitions.get(name)
        if definition is None:
            raise ConfigurationError(f"unknown {cls.kind} {name!r}{nearest(name, cls.definitions)}")
        signature = inspect.Signature(list(definition.parameters.values()))
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ConfigurationError(f"{name}{signature}: {error}") from None
        bound.apply_defaults()
        spec = cls.__new__(cls)
        checked: dict[str, Any] = {}
        for parameter, value in bound.arguments.items():
            try:
                checked[parameter] = _adapter(definition.function, parameter).validate_python(value)
            except ValidationError as error:
                why = error.errors()[0]["msg"]
                raise ConfigurationError(f"{name}: {parameter}={value!r}: {why}") from None
        object.__setattr__(spec, "name", name)
        object.__setattr__(spec, "arguments", checked)
        return spec

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {self.kind} is frozen; make another one")

    def __call__(self, *inputs: Any) -> Any:
        """Call the function with `inputs` and the bound arguments."""
        return self.definitions[self.name].function(*inputs, **self.arguments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and (self.kind, self.name, self.arguments) == (
            other.kind,
            other.name,
            other.arguments,
        )

    def __hash__(self) -> int:
        return hash((self.kind, repr(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).make, (self.name, (), self.arguments)

    def __repr__(self) -> str:
        """Read as it was written: arguments that are the default are left out."""
        given = {
            name: value
            for name, value in self.arguments.items()
            if value != self.definitions[self.name].parameters[name].default
        }
        leading = []
        for name in self.arguments:
            if name not in given or self._by_keyword(name):
                break
            leading.append(repr(given.pop(name)))
        named = [f"{name}={value!r}" for name, value in given.items()]
        return f"{self.name}({', '.join(leading + named)})"

    def _by_keyword(self, name: str) -> bool:
        kind = self.definitions[self.name].parameters[name].kind
        return kind is inspect.Parameter.KEYWORD_ONLY

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON form, nested specs included.

        Raises ConfigurationError if an argument is a plain callable, which has no such form.
        """
        return {
            self.kind: self.name,
            "arguments": {k: _plain(v) for k, v in self.arguments.items()},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Rebuild what `to_dict` wrote."""
        spec = _revive(dict(plain))
        if not isinstance(spec, cls):
            raise ConfigurationError(f"expected a {cls.kind}, got {plain!r}")
        return spec

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form, for instance "until(sample(32), agree(0.95) | passed())".

        Names, literals, `|` and `&` only; nothing is evaluated. A bare name means its defaults.
        Raises ConfigurationError for anything else.
        """
        try:
            expression = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ConfigurationError(f"cannot read the {cls.kind} {text!r}: {error}") from None
        spec = _read(expression, text, cls)
        if not isinstance(spec, cls):
            raise ConfigurationError(
                f"{text!r} is not a {cls.kind}{nearest(text, cls.definitions)}"
            )
        return spec

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.to_dict()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ConfigurationError(f"{value!r} has no plain form; use a named one")


def _revive(value: Any) -> Any:
    if isinstance(value, dict):
        kind = next((k for k in Spec.kinds if k in value), None)
        if kind is None or set(value) != {kind, "arguments"}:
            raise ConfigurationError(f"cannot read {value!r}")
        arguments = {name: _revive(item) for name, item in value["arguments"].items()}
        return Spec.kinds[kind].make(value[kind], (), arguments)
    if isinstance(value, list):
        return tuple(_revive(item) for item in value)
    return value


def _read(node: ast.expr, text: str, wanted: type[Spec]) -> Any:
    match node:
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            named = {word.arg: _read(word.value, text, wanted) for word in keywords if word.arg}
            if len(named) == len(keywords):
                return _named(name, wanted).make(
                    name, tuple(_read(arg, text, wanted) for arg in args), named
                )
        case ast.Name(id=name):
            return _named(name, wanted).make(name, (), {})
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _read(left, text, wanted) | _read(right, text, wanted)
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return _read(left, text, wanted) & _read(right, text, wanted)
        case ast.Constant(value=None | bool() | int() | float() | str()):
            return node.value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
    shown = ast.get_source_segment(text.strip(), node) or text
    raise ConfigurationError(f"cannot read {shown!r}: only names, numbers, text, | and & are known")


def _named(name: str, wanted: type[Spec]) -> type[Spec]:
    for kind in (wanted, *Spec.kinds.values()):
        if name in kind.definitions:
            return kind
    known = [known for kind in Spec.kinds.values() for known in kind.definitions]
    raise ConfigurationError(f"unknown name {name!r}{nearest(name, known)}")
