"""Chat models: names to models, what a model can do, what a request may cost, what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verifier_agent.models.bindings import ModelLike, in_place_of, read_options, resolve_bound
from verifier_agent.models.capabilities import (
    Capabilities,
    call_options,
    capabilities,
    with_capabilities,
)
from verifier_agent.models.failures import (
    UnusableReply,
    is_transient,
    may_be_billed,
    over_limit,
    retry_after,
)
from verifier_agent.models.names import resolve_model
from verifier_agent.models.tokens import Margins, input_bound, text_bound, usage_cost
from verifier_agent.models.tool_calls import tool_calls_text

if TYPE_CHECKING:
    from verifier_agent.models.openai_chat import OpenAIChatModel

__all__ = [
    "Capabilities",
    "Margins",
    "ModelLike",
    "OpenAIChatModel",
    "UnusableReply",
    "call_options",
    "capabilities",
    "in_place_of",
    "input_bound",
    "is_transient",
    "may_be_billed",
    "over_limit",
    "read_options",
    "resolve_bound",
    "resolve_model",
    "retry_after",
    "text_bound",
    "tool_calls_text",
    "usage_cost",
    "with_capabilities",
]


def __getattr__(name: str) -> Any:
    # a chat model is a large class to build, and most programs bring their own
    if name != "OpenAIChatModel":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from verifier_agent.models.openai_chat import OpenAIChatModel

    return OpenAIChatModel
