"""langchain's own suites for chat models, on `VerifiedChatModel` over three kinds of model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.models.assistant import assistant
from verifier_agent import VerifiedChatModel
from verifier_agent.testing import ModelServer


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer(assistant) as running:
        yield running


class Suite:
    """What the suites over a loopback server are told."""

    server: ModelServer

    @pytest.fixture(autouse=True)
    def _give_server(self, server: ModelServer) -> None:
        type(self).server = server

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return VerifiedChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"verifier": "agreement", "policy": "best_of(2)", **self.inner}

    @property
    def inner(self) -> dict[str, Any]:
        return {"model": "openai:loopback", "base_url": self.server.url}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "another"


class Over(Suite):
    """The same over langchain's own integration."""

    @property
    def inner(self) -> dict[str, Any]:
        model = ChatOpenAI(
            model="loopback",
            base_url=self.server.url,
            api_key="none",  # type: ignore[arg-type]
            max_retries=0,
            use_responses_api=False,
        )
        return {"model": model}


class Integration(ChatModelIntegrationTests):  # type: ignore[misc]
    @property
    def supported_usage_metadata_details(self) -> dict[str, Any]:
        details = ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def _ask(self, question: str, stream: bool) -> AIMessage:
        model = VerifiedChatModel(**self.chat_model_params)
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


class TestUnit(Suite, ChatModelUnitTests):  # type: ignore[misc]
    pass


class TestIntegration(Suite, Integration):
    pass


class TestUnitOverLangchain(Over, ChatModelUnitTests):  # type: ignore[misc]
    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        # a key belongs to the inner model, which is given as it is
        return {k: v for k, v in super().standard_chat_model_params.items() if k != "api_key"}


class TestIntegrationOverLangchain(Over, Integration):
    pass


class TestUnitOverTheEmbeddedModel(ChatModelUnitTests):  # type: ignore[misc]
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return VerifiedChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "embedded", "policy": "best_of(2)"}

    @property
    def has_tool_calling(self) -> bool:
        return False

    @property
    def has_structured_output(self) -> bool:
        return False
