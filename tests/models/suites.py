"""What langchain's own suites are told of any chat model that asks the loopback assistant."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from verifier_agent.testing import ModelServer


class Suite:
    """For both suites; the module has a fixture `server`."""

    server: ModelServer

    @pytest.fixture(autouse=True)
    def _give_server(self, server: ModelServer) -> None:
        type(self).server = server

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "another"


class Integration(ChatModelIntegrationTests):  # type: ignore[misc]
    """The integration suite, with usage in detail."""

    @property
    def supported_usage_metadata_details(self) -> dict[str, Any]:
        details = ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def _ask(self, question: str, stream: bool) -> AIMessage:
        model = self.chat_model_class(**self.chat_model_params)
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
