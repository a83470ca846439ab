"""langchain's own suites for chat models, on `VerifiedChatModel` over three kinds of model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.models.assistant import assistant
from tests.models.suites import Integration, Suite
from verifier_agent import VerifiedChatModel
from verifier_agent.testing import ModelServer


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer(assistant) as running:
        yield running


class Verified(Suite):
    """Over the model by name."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return VerifiedChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"verifier": "agreement", "policy": "best_of(2)", **self.inner}

    @property
    def inner(self) -> dict[str, Any]:
        return {"model": "openai:loopback", "base_url": self.server.url}


class Over(Verified):
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


class TestUnit(Verified, ChatModelUnitTests):  # type: ignore[misc]
    pass


class TestIntegration(Verified, Integration):
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
