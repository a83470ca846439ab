"""Chat models with something bound to them: tools, a form of the answer, stop strings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import (
    Runnable,
    RunnableBinding,
    RunnableParallel,
    RunnableSequence,
)

from verifier_agent.errors import ConfigurationError
from verifier_agent.models.capabilities import CAPS, Capabilities
from verifier_agent.models.names import resolve_model

ModelLike = str | Runnable[LanguageModelInput, AIMessage]
"""What is accepted where a model is asked for: a name, a chat model, or one with bound arguments,
as `model.bind_tools(…)` gives."""


def resolve_bound(model: ModelLike) -> tuple[BaseChatModel, dict[str, Any]]:
    """Return the chat model that is meant, and the arguments bound to it for every call.

    Raises ConfigurationError for what is no chat model, and for a binding with a config.
    """
    if not isinstance(model, RunnableBinding):
        return resolve_model(model), {}  # type: ignore[arg-type]  # refuses other runnables
    if any(model.config.values()) or model.config_factories:
        raise ConfigurationError(
            f"the model is bound to the config {model.config!r}, which belongs to a run: give the "
            "model with its bound arguments only, and the config to `invoke`"
        )
    inner, options = resolve_bound(model.bound)
    return inner, {**options, **model.kwargs}


def read_options(
    able: Capabilities, options: Mapping[str, Any]
) -> tuple[dict[str, Any], int | None]:
    """Return the arguments of every call, and the cap on generated tokens among them.

    The cap is spelled as the model takes it, whatever it was called. Raises ConfigurationError for
    more than one answer per call: how many are asked for is the policy's to say.
    """
    if (options.get("n") or 1) != 1:
        raise ConfigurationError(
            f"n={options['n']!r}: how many answers are drawn is said by the policy, "
            "for instance policy='best_of(8)'"
        )
    held = (options.get(able.within) if able.within else None) or {}
    given = [*(options.get(name) for name in CAPS), held.get(able.cap)]
    caps = [cap for cap in given if isinstance(cap, int) and cap > 0]
    read = {key: value for key, value in options.items() if key not in ("n", "stream")}
    if not caps or able.cap is None:
        return read, None
    cap = min(caps)
    read = {key: value for key, value in read.items() if key not in CAPS}
    if able.within is not None:
        return {**read, able.within: {**(held or able.settings), able.cap: cap}}, cap
    return {**read, able.cap: cap}, cap


def in_place_of(
    old: Runnable[Any, Any], new: Runnable[Any, Any], runnable: Runnable[Any, Any]
) -> Runnable[Any, Any]:
    """Return `runnable` with `new` wherever it runs `old`: in bindings, sequences, parallel steps.

    So a model that stands before another offers tools and structured output exactly as that does.
    """
    match runnable:
        case RunnableBinding():
            inner = in_place_of(old, new, runnable.bound)
            return runnable.model_copy(update={"bound": inner})
        case RunnableSequence():
            steps = [in_place_of(old, new, step) for step in runnable.steps]
            return RunnableSequence(*steps, name=runnable.name)
        case RunnableParallel():
            branches = {k: in_place_of(old, new, step) for k, step in runnable.steps__.items()}
            return RunnableParallel(branches)
    return new if runnable is old else runnable
