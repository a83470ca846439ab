"""Arguments of a request that go on to the model: tools, the form of the answer, sampling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from verifier_agent.integrations.server.refusals import Refused
from verifier_agent.models import capabilities
from verifier_agent.models.openai_wire import write_tool_choice

Bound = Runnable[LanguageModelInput, AIMessage]


def bind(model: BaseChatModel, options: Mapping[str, Any]) -> Bound:
    """Return `model` with the arguments of a request bound to it.

    Raises Refused, with the name of the argument, for what the model does not take: it would be
    paid for and not heard.
    """
    able = capabilities(model)
    for name in options:
        taken = {
            "tools": type(model).bind_tools is not BaseChatModel.bind_tools,
            "temperature": able.temperature,
            "stop": able.stop,
            "tool_choice": True,
            "response_format": able.schema,
        }.get(name, able.openai or name in type(model).model_fields)
        if not taken:
            raise Refused(
                400,
                f"{name}: the model {able.name!r} behind this one does not take it",
                code="unsupported_parameter",
                param=name,
            )
    rest = {name: value for name, value in options.items() if name not in ("tools", "tool_choice")}
    choice, tools = options.get("tool_choice"), options.get("tools", ())
    named = choice["function"]["name"] if isinstance(choice, dict) else choice
    write_tool_choice(named, tools)  # refuses a tool that is not offered
    if not tools or (named == "none" and not able.openai):
        return model.bind(**rest) if rest else model
    # "any" is langchain's word for it, which every integration knows
    return model.bind_tools(tools, tool_choice="any" if named == "required" else named, **rest)
