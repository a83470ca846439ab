"""What a chat model can do and how it is told to: its capabilities, and calls that fit them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel

from verifier_agent.budget import Footprint
from verifier_agent.models.tokens import Margins


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one chat model understands per call.

    A chat model states its own in a property `capabilities`: one of these, or a dict of its
    fields. Others are read from their fields, on the careful side: what is not known is missing.
    """

    name: str
    """The model's name, as in price tables."""
    native_n: bool = False
    """Takes `n`: one request, n answers, even while a stream handler listens. The usages of the
    messages add up to the request's."""
    prefix: bool = False
    """Continues a trailing AIMessage instead of answering it."""
    schema: bool = False
    """Holds its answer to a JSON schema sent as `response_format`."""
    openai: bool = False
    """Takes per call whatever OpenAI's chat API knows, as it is called there: `top_p`, …"""
    instructions: bool = True
    """False if it reads questions of one kind only, and can be told nothing else."""
    seed: bool = False
    seeds: bool = False
    """Takes `seeds`, one for each of the n answers of a request."""
    temperature: bool = False
    stop: bool = True
    """False where stop strings are turned down; every chat model's `invoke` takes the argument."""
    logprobs: bool = False
    cap: str | None = None
    """The argument that caps generated tokens; None: they cannot be capped per call."""
    default_cap: int | None = None
    """The cap that the model was built with; None: unknown."""
    retries: int = 0
    """Further requests that the model may send by itself, unseen, for each call."""
    free: bool = False
    """True if a call costs no money."""
    footprint: Footprint | None = None
    """Its size, and the energy it takes, where it knows them."""
    margins: Margins = field(default_factory=Margins)
    """What its chat template may add to a prompt, for `input_bound`."""


def capabilities(model: BaseChatModel) -> Capabilities:
    """Return what `model` says of itself, or else what its fields show."""
    stated = getattr(model, "capabilities", None)
    if isinstance(stated, Mapping):
        fields = {**stated, "margins": Margins(**stated.get("margins", {}))}
        if isinstance(fields.get("footprint"), Mapping):
            fields["footprint"] = Footprint(**fields["footprint"])
        return Capabilities(**fields)
    return stated if isinstance(stated, Capabilities) else _from_fields(model)


# The fields of the integrations that langchain's `init_chat_model` knows; a field of this name
# is also an argument of a call. `max_tokens` comes last: where both exist, it is an alias.
CAPS = ("max_output_tokens", "max_completion_tokens", "max_tokens")
_NAMES = ("model_name", "model", "model_id", "deployment_name")
_SDK_RETRIES = 2
"""What the openai and anthropic SDKs do where an integration leaves `max_retries` at None."""


def samples_its_own_way(name: str) -> bool:
    """Say whether `name` is a reasoning model of OpenAI's.

    They turn down `temperature`, `stop` and `logprobs` with status 400.
    """
    return re.match(r"(o\d|gpt-([5-9]|\d\d))(?!.*chat)", name.lower()) is not None


def _from_fields(model: BaseChatModel) -> Capabilities:
    fields = type(model).model_fields
    # Ollama's integration takes its options from the constructor: per call it knows none of them
    settled = "num_predict" in fields
    cap = next((name for name in CAPS if name in fields), None)
    limit = getattr(model, "num_predict" if settled else cap or "", None)
    names = (getattr(model, name, None) for name in _NAMES)
    name = next((n for n in names if isinstance(n, str) and n), model._llm_type)
    openai = "openai" in model._llm_type
    rigid = openai and samples_its_own_way(name)
    retries = getattr(model, "max_retries", _SDK_RETRIES) if "max_retries" in fields else 0
    return Capabilities(
        name=name,
        openai=openai,
        schema=openai,
        seed="seed" in fields and not settled,
        temperature="temperature" in fields and not (settled or rigid),
        stop=not rigid,
        logprobs="logprobs" in fields
        and "bool" in str(fields["logprobs"].annotation)
        and not rigid,
        cap=None if settled else cap,
        default_cap=limit if isinstance(limit, int) and limit > 0 else None,
        retries=_SDK_RETRIES if retries is None else max(0, int(retries)),
    )


def call_options(
    able: Capabilities,
    *,
    n: int = 1,
    temperature: float | None = None,
    seeds: Sequence[int] = (),
    stop: Sequence[str] = (),
    max_tokens: int | None = None,
    logprobs: bool = False,
) -> dict[str, Any]:
    """Return the arguments of one call that this model understands; the others are left out.

    `seeds` holds one per answer; a model that takes a single seed gets the first.
    """
    options: dict[str, Any] = {}
    if n > 1 and able.native_n:
        options["n"] = n
    if temperature is not None and able.temperature:
        options["temperature"] = temperature
    if seeds and able.seeds:
        options["seeds"] = list(seeds)
    elif seeds and able.seed:
        options["seed"] = seeds[0]
    if stop and able.stop:
        options["stop"] = list(stop)
    if max_tokens is not None and able.cap is not None:
        options[able.cap] = max_tokens
    if logprobs and able.logprobs:
        options["logprobs"] = True
    return options
