"""Who serves a chat model, told by its class and by the address that it sends to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel

_HOSTS = {
    "anthropic": ("api.anthropic.com",),
    "cohere": ("api.cohere.com", "api.cohere.ai"),
    "deepseek": ("api.deepseek.com",),
    "fireworks": ("api.fireworks.ai",),
    "google_genai": ("generativelanguage.googleapis.com",),
    "groq": ("api.groq.com",),
    "mistralai": ("api.mistral.ai",),
    "openai": ("api.openai.com",),
    "together": ("api.together.xyz", "api.together.ai"),
    "xai": ("api.x.ai",),
}
"""Provider, as in `names.PROVIDERS`, to its own hosts. Regional ones charge other prices."""
_SPELLED = {"mistral": "mistralai"}
"""What an integration calls its provider, where that differs from `names.PROVIDERS`."""

_ADDRESSES = ("base_url", "api_base", "api_url", "endpoint")
"""Endings of the fields in which integrations keep the address that they send to."""
_VARIABLES = {
    "cohere": "CO_API_URL",
    "fireworks": "FIREWORKS_BASE_URL",
    "google_genai": "GOOGLE_GEMINI_BASE_URL",
    "groq": "GROQ_BASE_URL",
    "openai": "OPENAI_BASE_URL",
}
"""What the SDK under an integration reads where the integration states no address."""


def provider_of(model: BaseChatModel) -> str | None:
    """Return who serves `model`, as `init_chat_model` spells it; None if that is not certain.

    Certain is a model whose class states its provider, and that sends to this provider's own
    host: not a local server or a gateway that speaks the same API, not a region with prices of
    its own, not a cloud (Azure, Bedrock, Vertex AI) where deployments have names of their own,
    not a router, whose prices depend on where it sends a request.
    """
    if type(model)._get_ls_params is BaseChatModel._get_ls_params:
        return None  # langchain's own goes by the name of the class
    stated = model._get_ls_params().get("ls_provider", "")
    provider = _SPELLED.get(stated, stated)
    fields = [name for name in type(model).model_fields if name.endswith(_ADDRESSES)]
    if provider not in _HOSTS or not fields or getattr(model, "_use_vertexai", False):
        return None
    given = list(_addresses(model, fields))
    if not given and provider in _VARIABLES:
        given = [os.environ.get(_VARIABLES[provider])]
    elsewhere = [url for url in given if url and _host(url) not in _HOSTS[provider]]
    return None if elsewhere else provider


def _addresses(model: BaseChatModel, fields: list[str]) -> Iterator[Any]:
    """Yield every address that `model` states, and that of the openai client inside it."""
    yield from filter(None, (getattr(model, name) for name in fields))
    inside = getattr(getattr(model, "root_client", None), "base_url", None)
    if inside is not None:
        yield inside


def _host(url: Any) -> str | None:
    return urlsplit(str(url)).hostname
