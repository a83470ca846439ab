"""From names to models."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda

from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.models import OpenAIChatModel, resolve_model
from verifier_agent.models.names import PROVIDERS
from verifier_agent.testing import ModelServer, always

SECRET = "sk-very-secret"
SERVER = "http://127.0.0.1:9/v1"


def test_a_chat_model_is_returned_as_it_is() -> None:
    model = FakeListChatModel(responses=["x"])
    assert resolve_model(model) is model


@pytest.mark.parametrize("options", [{"temperature": 1}, {"base_url": SERVER}])
def test_options_belong_to_a_name(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="set them on the model itself"):
        resolve_model(FakeListChatModel(responses=["x"]), **options)


def test_a_bound_model_is_refused_with_the_remedy() -> None:
    bound = FakeListChatModel(responses=["x"]).bind(stop=["y"])
    with pytest.raises(ConfigurationError, match="FakeListChatModel: pass the model itself"):
        resolve_model(bound)  # type: ignore[arg-type]


@pytest.mark.parametrize("thing", [RunnableLambda(len), 7, None, object()])
def test_what_is_no_chat_model_is_refused_by_its_type(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match=type(thing).__name__):
        resolve_model(thing)


@pytest.mark.parametrize("name", ["openai:gpt-5-mini", "gpt-4o", "o3-mini", " openai:gpt-5-mini "])
def test_openais_names_make_our_model(name: str) -> None:
    model = resolve_model(name, api_key=SECRET, temperature=0.3)
    assert isinstance(model, OpenAIChatModel)
    assert model.official
    assert model.temperature == 0.3
    assert model.model == name.strip().removeprefix("openai:")


@pytest.mark.parametrize("name", ["openai:qwen3:8b", "qwen3:8b", "Qwen/Qwen3-8B", "claude-local"])
def test_any_name_works_at_a_compatible_server(name: str) -> None:
    with ModelServer(always("x")) as server:
        model = resolve_model(name, base_url=server.url)
        assert model.invoke("q").text == "x"
        assert server.settle()
        assert server.served[0].request.body["model"] == name.removeprefix("openai:")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "a name is needed"),
        ("  ", "a name is needed"),
        ("openai:", "after the colon is missing"),
        ("anthropic:", "after the colon is missing"),
        ("opnai:gpt-5", "did you mean 'openai'"),
        ("antropic:claude", "did you mean 'anthropic'"),
        ("embeded", "did you mean 'embedded'"),
        ("my-model", "or pass base_url"),
    ],
)
def test_a_wrong_name_is_refused_with_a_suggestion(name: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        resolve_model(name)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "OPENAI_API_KEY"),
        ({"api_key": SECRET, "temprature": 1}, "temprature"),
        ({"api_key": SECRET, "max_tokens": 0}, "max_tokens"),
        ({"api_key": SECRET, "base_url": "nonsense"}, "localhost:8000"),
    ],
)
def test_wrong_options_are_configuration_errors_without_secrets(
    options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        resolve_model("openai:gpt-5-mini", **options)
    assert SECRET not in str(caught.value)


def test_a_missing_key_is_named_with_the_remedy_and_without_the_words_of_a_validator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said = "model 'openai:x': OpenAI needs a key: set OPENAI_API_KEY, or pass api_key"
    with pytest.raises(ConfigurationError, match=f"^{said}$"):
        resolve_model("openai:x")


def test_a_missing_integration_is_named_with_the_line_that_installs_it() -> None:
    absent = next(
        provider
        for provider, package in PROVIDERS.items()
        if importlib.util.find_spec(package.replace("-", "_")) is None
    )
    with pytest.raises(MissingExtra) as caught:
        resolve_model(f"{absent}:some-model")
    line = f"pip install 'verifier-agent[providers]' {PROVIDERS[absent]}"
    assert str(caught.value).endswith(line)
    assert caught.value.extra == "providers"


@pytest.mark.skipif(
    importlib.util.find_spec("langchain_anthropic") is not None, reason="it is installed here"
)
def test_a_bare_name_with_a_plain_provider_goes_to_that_provider() -> None:
    with pytest.raises(MissingExtra, match="langchain-anthropic"):
        resolve_model("claude-opus-5")


def test_without_langchain_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    with pytest.raises(MissingExtra, match=r"verifier-agent\[providers\]"):
        resolve_model("anthropic:claude-opus-5")


@pytest.mark.parametrize(("provider", "package"), sorted(PROVIDERS.items()))
def test_every_provider_we_name_is_known_to_langchain(provider: str, package: str) -> None:
    chat_models = pytest.importorskip("langchain.chat_models")
    if importlib.util.find_spec(package.replace("-", "_")) is not None:
        pytest.skip(f"{package} is installed, so nothing is missing")
    with pytest.raises(ImportError, match=rf"requires the {package} package"):
        chat_models.init_chat_model("some-model", model_provider=provider)


def test_embedded_needs_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(MissingExtra, match=r"verifier-agent\[embedded\]"):
        resolve_model("embedded")


def test_embedded_is_a_name() -> None:
    pytest.importorskip("numpy")
    model = resolve_model("embedded", temperature=0.5)
    assert model._llm_type == "embedded"
    assert model.temperature == 0.5  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="no base_url"):
        resolve_model("embedded", base_url=SERVER)


def test_compatible_servers_need_no_langchain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "langchain", None)
    assert isinstance(resolve_model("any", base_url=SERVER), OpenAIChatModel)
    assert isinstance(resolve_model("gpt-5-mini", api_key=SECRET), OpenAIChatModel)
