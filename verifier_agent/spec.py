"""Named pure functions with checked arguments: the form of policies, stop rules and selectors.

A decorated function becomes a factory: `best_of` is written as `best_of(tree, remaining, n=8)`
and used as `best_of(n=16)`, which returns a `Spec`, a frozen value that can be called, compared,
pickled, printed as it was written, turned into plain JSON and read back from either form.
"""

from __future__ import annotations

import ast
import inspect
import math
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, update_wrapper
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from verifier_agent.errors import ConfigurationError, nearest


@dataclass(frozen=True, slots=True)
class Definition:
    """A decorated function, and the parameters that its factory takes."""

    function: Callable[..., Any]
    parameters: Mapping[str, inspect.Parameter]


LONGEST = 10_000
"""Characters of a text form; reading it takes time and stack in proportion."""
DEEPEST = 50
"""How deep specs may nest: each level is a few frames of the stack whenever it is called."""


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
    factories: ClassVar[dict[Callable[..., Any], tuple[type[Spec], str]]] = {}

    __slots__ = ("arguments", "name")
    name: str
    arguments: dict[str, Any]

    def __init_subclass__(cls) -> None:
        cls.definitions = {}
        Spec.kinds[cls.kind] = cls

    @classmethod
    def define(cls, function: Callable[..., Any]) -> None:
        """Register `function` under its own name.

        Raises ConfigurationError if another module has taken the name.
        """
        other = cls.definitions.get(function.__name__)
        if other is not None and other.function.__module__ != function.__module__:
            raise ConfigurationError(
                f"there is a {cls.kind} {function.__name__!r} in {other.function.__module__} "
                "already; choose another name"
            )
        parameters = list(inspect.signature(function).parameters.items())[cls.inputs :]
        cls.definitions[function.__name__] = Definition(function, dict(parameters))

    @classmethod
    def dress(cls, factory: Callable[..., Any], function: Callable[..., Any]) -> None:
        """Make `factory` look like `function` without its inputs; used bare, it means its defaults.

        So `until(sample, agree)` is `until(sample(), agree())`, in Python as in the text form.
        """
        update_wrapper(factory, function)
        parameters = list(cls.definitions[function.__name__].parameters.values())
        vars(factory)["__signature__"] = inspect.Signature(parameters)
        Spec.factories[factory] = (cls, function.__name__)

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
        for parameter, given in bound.arguments.items():
            value = cls.settled(given)
            try:
                checked[parameter] = _adapter(definition.function, parameter).validate_python(value)
            except ValidationError as error:
                why = error.errors()[0]["msg"]
                raise ConfigurationError(
                    f"{name}: {parameter}={_short(repr(value))}: {why}"
                ) from None
            if isinstance(value, float) and not math.isfinite(value):
                raise ConfigurationError(
                    f"{name}: {parameter}={value!r}: a finite number is needed"
                )
        object.__setattr__(spec, "name", name)
        object.__setattr__(spec, "arguments", checked)
        return spec

    @staticmethod
    def settled(value: Any) -> Any:
        """Return `value`, or what it makes by default if it is a factory such as `best_of`."""
        try:
            kind, name = Spec.factories[value]
        except (KeyError, TypeError):  # TypeError: it cannot be hashed
            return value
        return kind.make(name, (), {})

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
        return hash((self.kind, self.name))  # equal arguments can look different: 0.0 and -0.0

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
        """Rebuild what `to_dict` wrote. Raises ConfigurationError for anything else."""
        spec = _revive(plain)
        if not isinstance(spec, cls):
            raise ConfigurationError(f"expected a {cls.kind}, got {_short(repr(plain))}")
        return spec

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form, for instance "until(sample(32), agree(0.95) | passed())".

        Names, literals, `|` and `&` only; nothing is evaluated. A bare name means its defaults.
        Raises ConfigurationError for anything else.
        """
        if len(text) > LONGEST:
            raise ConfigurationError(f"a {cls.kind} of {len(text)} characters is too long to read")
        try:
            expression = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            why = error.msg if isinstance(error, SyntaxError) else str(error)
            raise ConfigurationError(
                f"cannot read the {cls.kind} {_short(text)!r}: {why}"
            ) from None
        spec = _read(expression, text, cls)
        if not isinstance(spec, cls):
            raise ConfigurationError(
                f"{_short(text)!r} is not a {cls.kind}{nearest(_short(text), cls.definitions)}"
            )
        return spec

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take one, or its plain form, wherever a value has a field of this kind."""
        return core_schema.no_info_before_validator_function(
            lambda given: cls.from_dict(given) if isinstance(given, Mapping) else given,
            core_schema.is_instance_schema(cls),
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.to_dict()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ConfigurationError(f"{value!r} has no plain form; use a named one")


def _revive(value: Any, depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise ConfigurationError(f"more than {DEEPEST} levels of nesting")
    if isinstance(value, Mapping):
        kind = next((k for k in Spec.kinds if k in value), None)
        if kind is not None and set(value) == {kind, "arguments"}:
            name, given = value[kind], value["arguments"]
            if isinstance(name, str) and isinstance(given, Mapping):
                arguments = {key: _revive(item, depth + 1) for key, item in given.items()}
                return Spec.kinds[kind].make(name, (), arguments)
        keys = _short(", ".join(map(str, value)))
        raise ConfigurationError(f"cannot read a dict with the keys {keys}")
    if isinstance(value, list):
        return tuple(_revive(item, depth + 1) for item in value)
    return value


def _read(node: ast.expr, text: str, wanted: type[Spec], depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise ConfigurationError(f"{_short(text)!r} has more than {DEEPEST} levels of nesting")

    def read(inner: ast.expr) -> Any:
        return _read(inner, text, wanted, depth + 1)

    match node:
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            named = {word.arg: read(word.value) for word in keywords if word.arg}
            if len(named) == len(keywords):
                return _named(name, wanted, whole=depth == 0).make(
                    name, tuple(read(arg) for arg in args), named
                )
        case ast.Name(id=name):
            return _named(name, wanted, whole=depth == 0).make(name, (), {})
        case ast.BinOp(left=left, op=(ast.BitOr() | ast.BitAnd()) as sign, right=right):
            first, second = read(left), read(right)
            # numbers can be joined by these signs too, but here nothing is computed
            join = "__or__" if isinstance(sign, ast.BitOr) else "__and__"
            if isinstance(first, Spec) and hasattr(first, join):
                return getattr(first, join)(second)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return tuple(read(item) for item in items)
        case ast.Constant(value=None | bool() | int() | float() | str()):
            return node.value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
    shown = _short(ast.get_source_segment(text.strip(), node) or text)
    raise ConfigurationError(f"cannot read {shown!r}: only names, numbers, text, | and & are known")


def _named(name: str, wanted: type[Spec], *, whole: bool) -> type[Spec]:
    """Return whose name it is, that of the `whole` text or one inside of it."""
    for kind in (wanted, *Spec.kinds.values()):
        if name in kind.definitions:
            return kind
    if whole:
        raise ConfigurationError(
            f"unknown {wanted.kind} {_short(name)!r}{nearest(_short(name), wanted.definitions)}"
        )
    known = [known for kind in Spec.kinds.values() for known in kind.definitions]
    shown = _short(name)
    likely = wanted.definitions
    raise ConfigurationError(f"unknown name {shown!r}{nearest(shown, known, likely)}")


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"
