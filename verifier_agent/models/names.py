"""From a name to a chat model: "embedded", "openai:NAME", "provider:NAME"."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableBinding
from pydantic import ValidationError

from verifier_agent.errors import ConfigurationError, MissingExtra, nearest
from verifier_agent.plain import faults

if TYPE_CHECKING:
    from verifier_agent.embedded.decoding import Weights

PROVIDERS = {
    "anthropic": "langchain-anthropic",
    "azure_ai": "langchain-azure-ai",
    "azure_openai": "langchain-openai",
    "baseten": "langchain-baseten",
    "bedrock": "langchain-aws",
    "bedrock_converse": "langchain-aws",
    "cohere": "langchain-cohere",
    "deepseek": "langchain-deepseek",
    "fireworks": "langchain-fireworks",
    "google_genai": "langchain-google-genai",
    "google_vertexai": "langchain-google-vertexai",
    "groq": "langchain-groq",
    "huggingface": "langchain-huggingface",
    "ibm": "langchain-ibm",
    "mistralai": "langchain-mistralai",
    "nvidia": "langchain-nvidia-ai-endpoints",
    "ollama": "langchain-ollama",
    "openrouter": "langchain-openrouter",
    "perplexity": "langchain-perplexity",
    "together": "langchain-together",
    "upstage": "langchain-upstage",
    "xai": "langchain-xai",
}
"""Provider, as `init_chat_model` spells it, to the package with its integration."""

EMBEDDED: dict[str, Weights] = {
    "embedded": "generator",
    "embedded-sibling": "sibling",
}
"""The models that ship, by name, to their weights."""

_INFERRED = (
    (r"gpt-|o\d|chatgpt", "openai"),
    (r"claude", "anthropic"),
    (r"command", "cohere"),
    (r"accounts/fireworks", "fireworks"),
    (r"gemini", "google_genai"),
    (r"amazon\.|anthropic\.|meta\.", "bedrock"),
    (r"mistral|mixtral", "mistralai"),
    (r"deepseek", "deepseek"),
    (r"grok", "xai"),
    (r"sonar", "perplexity"),
    (r"solar", "upstage"),
)
"""Beginnings of bare names whose provider is plain."""


def resolve_model(
    model: str | BaseChatModel, *, base_url: str | None = None, **options: Any
) -> BaseChatModel:
    """Return the chat model that `model` names; a chat model is returned as it is.

    Args:
        model: "embedded" or "embedded-sibling"; "openai:NAME"; any NAME together with `base_url`;
            "provider:NAME" or a bare name whose provider is plain ("claude-…"), for which
            langchain's integration is used; or a chat model.
        base_url: of a server that speaks OpenAI's chat API, with its "/v1".
        options: arguments of the model's class, for instance `temperature`.

    Raises:
        MissingExtra: the package for this provider is not installed.
        ConfigurationError: the name or an option is wrong.
    """
    if not isinstance(model, str):
        return _given(model, base_url, options)
    name = model.strip()
    if not name:
        raise ConfigurationError(
            "model '': a name is needed, for instance 'embedded' or 'openai:gpt-5-mini'"
        )
    try:
        return _named(name, base_url, options)
    except ConfigurationError:
        raise
    except ValidationError as error:  # its own text could show a key
        raise ConfigurationError(f"model {name!r}: {faults(error)}") from None


def _given(model: Any, base_url: str | None, options: dict[str, Any]) -> BaseChatModel:
    if isinstance(model, BaseChatModel):
        if base_url is not None or options:
            given = ", ".join(sorted(options) + (["base_url"] if base_url is not None else []))
            raise ConfigurationError(
                f"{given}: these belong to a model that is named; set them on the model itself"
            )
        return model
    if isinstance(model, RunnableBinding) and isinstance(model.bound, BaseChatModel):
        raise ConfigurationError(
            f"model is a {type(model).__name__} around {type(model.bound).__name__}: pass the "
            "model itself, and set what was bound on it"
        )
    raise ConfigurationError(f"model is a {type(model).__name__}: a chat model or a name is needed")


def _named(name: str, base_url: str | None, options: dict[str, Any]) -> BaseChatModel:
    prefix, colon, rest = name.partition(":")
    known = {"openai", *PROVIDERS}
    if name in EMBEDDED:
        return _embedded(name, base_url, options)
    if colon and prefix in known:
        if not rest:
            raise ConfigurationError(f"model {name!r}: the name after the colon is missing")
        provider, model = prefix, rest
    elif base_url is not None:
        provider, model = "openai", name  # such names hold colons of their own: "qwen3:8b"
    elif colon:
        raise ConfigurationError(
            f"model {name!r}: unknown provider {prefix!r}{nearest(prefix, known)}"
        )
    else:
        found = next((p for start, p in _INFERRED if re.match(start, name.lower())), None)
        if found is None:
            raise ConfigurationError(
                f"model {name!r}: no provider is plain from this name; write 'provider:{name}', "
                f"or pass base_url{nearest(name, {*EMBEDDED, *known})}"
            )
        provider, model = found, name
    server: dict[str, Any] = {} if base_url is None else {"base_url": base_url}
    if provider == "openai":
        from verifier_agent.models.openai_chat import OpenAIChatModel

        return OpenAIChatModel(model=model, **{**server, **options})
    return _from_langchain(provider, model, {**server, **options})


def _embedded(name: str, base_url: str | None, options: dict[str, Any]) -> BaseChatModel:
    if base_url is not None:
        raise ConfigurationError(f"model {name!r} runs in this process: it has no base_url")
    if importlib.util.find_spec("numpy") is None:
        raise MissingExtra(f"model {name!r}", "embedded")
    from verifier_agent.embedded import EmbeddedChatModel

    embedded: BaseChatModel = EmbeddedChatModel(weights=EMBEDDED[name], **options)
    return embedded


def _from_langchain(provider: str, model: str, options: dict[str, Any]) -> BaseChatModel:
    package = PROVIDERS[provider]
    missing = MissingExtra(f"model {provider + ':' + model!r}", "providers", package)
    try:
        from langchain.chat_models import init_chat_model
    except ImportError:
        raise missing from None
    if importlib.util.find_spec(package.replace("-", "_")) is None:
        raise missing
    built: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
    return built
