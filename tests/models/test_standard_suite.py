"""langchain's own suites for chat models, against the loopback server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.models.assistant import assistant
from tests.models.suites import Integration, Suite
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer(assistant) as running:
        yield running


class Hosted(Suite):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAIChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "loopback", "base_url": self.server.url}


class TestUnit(Hosted, ChatModelUnitTests):  # type: ignore[misc]
    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"OPENAI_API_KEY": "sk-env"}, {"model": "gpt-5-mini"}, {"api_key": "sk-env"}


class TestIntegration(Hosted, Integration):
    pass


class TestIntegrationByJsonSchema(TestIntegration):
    """Once more, with structured output by `response_format`."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "json_schema"}
