"""The published description is true: requests made from it are never answered otherwise."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from schemathesis.specs.openapi.checks import positive_data_acceptance

from verifier_agent.integrations.server import Key, Served, create_app

SECRET = "a-secret-of-a-client"
HEADERS = {"host": "127.0.0.1", "Authorization": f"Bearer {SECRET}"}
EXAMPLES = 25


class Four(BaseChatModel):
    """Says one thing, at once, with anything bound to it."""

    @property
    def capabilities(self) -> dict[str, Any]:
        return {
            "name": "four",
            "openai": True,
            "schema": True,
            "temperature": True,
            "cap": "max_tokens",
        }

    @property
    def _llm_type(self) -> str:
        return "four"

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        return self.bind(tools=tools, **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **_: Any
    ) -> ChatResult:
        usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
        message = AIMessage("Answer: 4", usage_metadata=usage)  # type: ignore[arg-type]
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        return self._generate(*args, **kwargs)


APP = create_app(
    {"small": Served(model=Four(), verifier="agreement", policy="best_of(1)")},
    keys=[Key(name="team", secret=SECRET)],
)
description = schemathesis.openapi.from_asgi("/openapi.json", APP, headers={"host": "127.0.0.1"})
description.config.generation.update(with_security_parameters=False)  # requests have our key


@description.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)
def test_no_request_breaks_the_server_or_its_word(case: schemathesis.Case) -> None:
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
        # else nothing would be answered but 404; a case that was wrong in its model alone is right
        # now, and judged again, since its body is set anew
        case.body = {**case.body, "model": "small"}
    got = case.call(headers=HEADERS)
    # policies, forms of conversations and the like have rules that no schema can say: 400
    case.validate_response(got, excluded_checks=[positive_data_acceptance], headers=HEADERS)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "2 + 2?"}]}),
        ("/v1/responses", {"input": "2 + 2?"}),
    ],
)
def test_a_stream_is_what_the_description_says(path: str, asked: dict[str, Any]) -> None:
    body = {**asked, "model": "small", "stream": True}
    case = description[path]["POST"].Case(body=body, media_type="application/json")
    got = case.call(headers=HEADERS)
    assert got.headers["content-type"] == ["text/event-stream; charset=utf-8"]
    case.validate_response(got, headers=HEADERS)


def test_the_description_names_what_is_served_and_how_errors_look() -> None:
    said = APP.openapi()
    assert set(said["paths"]) == {
        "/healthz",
        "/metrics",
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/{model}",
        "/v1/responses",
    }
    for path in ("/v1/chat/completions", "/v1/responses"):
        operation = said["paths"][path]["post"]
        assert operation["security"] == [{"HTTPBearer": []}]
        assert "422" not in operation["responses"]
        answers = operation["responses"]["200"]["content"]
        assert set(answers) == {"application/json", "text/event-stream"}
        for status in ("400", "401", "413", "429", "502"):
            told = operation["responses"][status]["content"]["application/json"]["schema"]
            assert told == {"$ref": "#/components/schemas/ErrorReply"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_every_field_that_is_taken_is_described(path: str) -> None:
    said = APP.openapi()
    body = said["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    fields = said["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert fields["additionalProperties"] is False
    assert "verifier_agent" in fields["properties"]
