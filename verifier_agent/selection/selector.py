"""What a selector is: a pure function from judged candidates to one answer with a confidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, cast

from verifier_agent.errors import ConfigurationError, takes
from verifier_agent.spec import Spec
from verifier_agent.values import Judged, Selection, order

P = ParamSpec("P")

SelectorFunction = Callable[[Sequence[Judged]], Selection]
"""Any callable of this shape is accepted where a `Selector` is."""


class Selector(Spec):
    """How to choose among judged candidates."""

    kind = "selector"
    inputs = 1
    __slots__ = ()

    def __call__(self, judged: Sequence[Judged]) -> Selection:
        """Choose; `judged` holds finished candidates without errors.

        They are sorted by id first, so that ties never depend on which came back first.
        """
        return cast(Selection, super().__call__(sorted(judged, key=_place)))


def selector(
    function: Callable[Concatenate[Sequence[Judged], P], Selection],
) -> Callable[P, Selector]:
    """Turn `function(judged, …)` into a factory of selectors with its other arguments bound."""
    Selector.define(function)

    def factory(*args: P.args, **kwargs: P.kwargs) -> Selector:
        return Selector.make(function.__name__, args, kwargs)

    Selector.dress(factory, function)
    return factory


def _place(judged: Judged) -> tuple[tuple[str, int], ...]:
    return order(judged.candidate.id)


def resolve_selector(selector: SelectorFunction | str) -> SelectorFunction:
    """Read a selector's text form; a callable is returned as it is."""
    if isinstance(selector, str):
        return Selector.parse(selector)
    selector = Spec.settled(selector)
    if not callable(selector):
        raise ConfigurationError(
            f"selector={selector!r}: give a name such as 'vote', or a function of judged candidates"
        )
    if not takes(selector, 1):
        raise ConfigurationError(f"selector={selector!r} must take one argument: judged candidates")
    return selector
