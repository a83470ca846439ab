"""langchain's own suites for chat models, against the loopback server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.models.assistant import assistant
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer(assistant) as running:
        yield running


class Suite:
    """What both suites are told."""

    server: ModelServer

    @pytest.fixture(autouse=True)
    def _give_server(self, server: ModelServer) -> None:
        type(self).server = server

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAIChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "loopback", "base_url": self.server.url}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "another"


class TestUnit(Suite, ChatModelUnitTests):  # type: ignore[misc]
    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"OPENAI_API_KEY": "sk-env"}, {"model": "gpt-5-mini"}, {"api_key": "sk-env"}


class TestIntegration(Suite, ChatModelIntegrationTests):  # type: ignore[misc]
    @property
    def supported_usage_metadata_details(self) -> dict[str, Any]:
        details = ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def _ask(self, question: str, stream: bool) -> AIMessage:
        model = OpenAIChatModel(**self.chat_model_params)
        if not stream:
            return model.invoke(question)
        chunks = list(model.stream(question))
        total = chunks[0]
        for chunk in chunks[1:]:
            total = total + chunk
        return total

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._ask("reason", stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._ask("cached", stream)


class TestIntegrationByJsonSchema(TestIntegration):
    """Once more, with structured output by `response_format`."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "json_schema"}
