"""The model of an agent as its middleware may call it: `handler(request)`, any number of times."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain.agents.structured_output import AutoStrategy, ProviderStrategy, ToolStrategy
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult, LLMResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from verifier_agent.models import Capabilities, capabilities

MARK = "verifier_agent"
"""Where a candidate's message keeps which response it is from."""


class HandledModel(BaseChatModel):
    """Asks `handler`; the model inside is what callbacks see, so this has no run of its own."""

    request: Any
    handler: Any
    _responses: dict[str, ModelResponse[Any]] = PrivateAttr(default_factory=dict)
    _failures: list[Exception] = PrivateAttr(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        """What the model inside understands per call; a request gives one answer."""
        able = capabilities(self.request.model)
        fields = {name: getattr(able, name) for name in Capabilities.__slots__}
        return Capabilities(**{**fields, "native_n": False, "prefix": False})

    @property
    def failure(self) -> Exception | None:
        """The last error of the handler; None if it had none."""
        return self._failures[-1] if self._failures else None

    @property
    def _llm_type(self) -> str:
        return "verifier-agent-handled"

    def generate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        *_: Any,
        **kwargs: Any,
    ) -> LLMResult:
        """Ask the handler, without a run of its own for callbacks to see."""
        results = [self._generate(one, stop, **kwargs) for one in messages]
        return LLMResult(generations=[list(result.generations) for result in results])

    async def agenerate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        *_: Any,
        **kwargs: Any,
    ) -> LLMResult:
        """Ask the handler, without a run of its own for callbacks to see."""
        results = [await self._agenerate(one, stop, **kwargs) for one in messages]
        return LLMResult(generations=[list(result.generations) for result in results])

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, *_: Any, **kwargs: Any
    ) -> ChatResult:
        try:
            return self._told(self.handler(self._asked(messages, stop, kwargs)))
        except Exception as error:
            self._failures.append(error)
            raise

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, *_: Any, **kwargs: Any
    ) -> ChatResult:
        try:
            return self._told(await self.handler(self._asked(messages, stop, kwargs)))
        except Exception as error:
            self._failures.append(error)
            raise

    def _asked(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> ModelRequest[Any]:
        settings = {key: value for key, value in kwargs.items() if key not in _NOT_SETTINGS}
        if stop:
            settings["stop"] = stop
        if self.request.system_message is not None and isinstance(messages[0], SystemMessage):
            messages = messages[1:]
        model = self.request.model
        asked: ModelRequest[Any] = self.request.override(
            messages=list(messages),
            model_settings={**self.request.model_settings, **settings},
            # what is only tried is not streamed to the user: the agent shows what is chosen
            model=model.model_copy(update={"tags": [*(model.tags or ()), "nostream"]}),
        )
        return asked

    def _told(self, response: ModelResponse[Any]) -> ChatResult:
        said = next((m for m in response.result if isinstance(m, AIMessage)), None)
        if said is None:
            return ChatResult(generations=[])
        name = uuid.uuid4().hex
        self._responses[name] = response
        told = said.model_copy(
            update={"response_metadata": {**said.response_metadata, MARK: {"response": name}}}
        )
        return ChatResult(generations=[ChatGeneration(message=told)])

    def response(self, chosen: AIMessage, final: AIMessage) -> ModelResponse[Any]:
        """Return the response that `chosen` is from, with `final` in place of its message.

        One that an earlier process was given is known by its message alone.
        """
        name = (chosen.response_metadata.get(MARK) or {}).get("response")
        known = self._responses.get(str(name))
        if known is None:
            return ModelResponse(result=[final])
        result = [final if isinstance(m, AIMessage) else m for m in known.result]
        return ModelResponse(result=result, structured_response=known.structured_response)


_NOT_SETTINGS = {
    *("tools", "tool_choice", "response_format"),
    *("callbacks", "tags", "metadata", "run_name", "run_id"),
}
"""Arguments of a call that the handler works out by itself."""


def offered(request: ModelRequest[Any]) -> dict[str, Any]:
    """Return the tools that a request offers, those for structured output included.

    They are for budgets to count and for the form to be checked; the handler binds its own.
    """
    schemas = request.response_format
    if isinstance(schemas, AutoStrategy):
        schemas = ToolStrategy(schemas.schema)
    tools = [convert_to_openai_tool(tool) for tool in request.tools]
    if isinstance(schemas, ToolStrategy):
        tools += [
            {"type": "function", "function": {"name": one.name, "parameters": one.json_schema}}
            for one in schemas.schema_specs
        ]
    if isinstance(schemas, ProviderStrategy):
        return {"tools": tools, **schemas.to_model_kwargs()}
    return {"tools": tools} if tools else {}
