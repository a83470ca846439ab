"""Who serves a model: certain, or None."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.language_models.base import LangSmithParams
from pydantic import Field

from verifier_agent.models import resolve_model
from verifier_agent.models.providers import provider_of
from verifier_agent.testing import ModelServer, always

LOCAL = "http://127.0.0.1:9/v1"
INTEGRATIONS = [
    ("langchain_anthropic.ChatAnthropic", "anthropic"),
    ("langchain_cohere.ChatCohere", "cohere"),
    ("langchain_deepseek.ChatDeepSeek", "deepseek"),
    ("langchain_fireworks.ChatFireworks", "fireworks"),
    ("langchain_google_genai.ChatGoogleGenerativeAI", "google_genai"),
    ("langchain_groq.ChatGroq", "groq"),
    ("langchain_mistralai.ChatMistralAI", "mistralai"),
    ("langchain_ollama.ChatOllama", None),
    ("langchain_openai.ChatOpenAI", "openai"),
    ("langchain_openrouter.ChatOpenRouter", None),
    ("langchain_together.ChatTogether", "together"),
    ("langchain_xai.ChatXAI", "xai"),
]


class Integration(FakeListChatModel):
    """A chat model with what integrations have: a stated provider and a field for the address."""

    responses: list[str] = Field(default_factory=list)
    states: str = "groq"
    groq_api_base: str | None = None
    root_client: Any = None

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(ls_provider=self.states, ls_model_type="chat")


class ChatOpenAI(FakeListChatModel):
    """Called like an integration, but it states nothing itself."""

    responses: list[str] = Field(default_factory=list)
    base_url: str | None = None


class Tracer(FakeListChatModel):
    """States a provider for the sake of traces, and says nothing of where it sends."""

    responses: list[str] = Field(default_factory=list)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(ls_provider="openai", ls_model_type="chat")


def test_openais_own_api_is_openai() -> None:
    assert provider_of(resolve_model("openai:gpt-5", api_key="k")) == "openai"
    stated = resolve_model("gpt-5", api_key="k", base_url="https://api.openai.com/v1")
    assert provider_of(stated) == "openai"


@pytest.mark.parametrize(
    "url",
    [
        LOCAL,
        "http://localhost:11434/v1",
        "https://gateway.example.com/openai/v1",
        "https://api.openai.com.example.com/v1",
        "https://example.com/api.openai.com/v1",
        "https://eu.api.openai.com/v1",
        "https://openrouter.ai/api/v1",
        "https://a.openai.azure.com/openai/v1",
    ],
)
def test_the_same_api_at_another_address_is_nobodys(url: str) -> None:
    assert provider_of(resolve_model("gpt-5", api_key="k", base_url=url)) is None


def test_an_address_from_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(always("x")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert provider_of(resolve_model("openai:gpt-5", api_key="k")) is None


def test_what_the_sdk_reads_from_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider_of(Integration()) == "groq"
    monkeypatch.setenv("GROQ_BASE_URL", LOCAL)
    assert provider_of(Integration()) is None
    assert provider_of(Integration(groq_api_base="https://api.groq.com")) == "groq"


def test_the_client_inside_has_the_last_word() -> None:
    client = SimpleNamespace(base_url=LOCAL)
    assert provider_of(Integration(states="openai", root_client=client)) is None
    client.base_url = "https://api.openai.com/v1/"
    assert provider_of(Integration(states="openai", root_client=client)) == "openai"


def test_integrations_may_spell_a_provider_their_own_way() -> None:
    assert provider_of(Integration(states="mistral")) == "mistralai"


@pytest.mark.parametrize("states", ["", "azure", "amazon_bedrock", "ollama", "openrouter"])
def test_whoever_has_no_single_price_list_is_unknown(states: str) -> None:
    assert provider_of(Integration(states=states)) is None


@pytest.mark.parametrize("model", [ChatOpenAI(), Tracer(), FakeListChatModel(responses=[])])
def test_a_class_that_does_not_say_where_it_sends_is_unknown(model: FakeListChatModel) -> None:
    assert provider_of(model) is None


def test_the_embedded_model_is_nobodys() -> None:
    pytest.importorskip("numpy")
    assert provider_of(resolve_model("embedded")) is None


@pytest.mark.parametrize(("path", "provider"), INTEGRATIONS, ids=lambda each: str(each))
def test_langchains_integrations_are_told_apart(path: str, provider: str | None) -> None:
    package, _, name = path.rpartition(".")
    pytest.importorskip(package)
    build = getattr(importlib.import_module(package), name)
    keys = {"cohere_api_key": "k"} if "Cohere" in name else {"api_key": "k"}
    options: dict[str, Any] = {"model": "m"} | ({} if "Ollama" in name else keys)
    assert provider_of(build(**options)) == provider
    assert provider_of(build(**options, base_url=LOCAL)) is None
