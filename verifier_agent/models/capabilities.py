"""What a chat model can do and how it is told to: its capabilities, and calls that fit them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel

from verifier_agent.budget import Footprint
from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.models.tokens import Margins

Model = TypeVar("Model", bound=BaseChatModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one chat model understands per call.

    A chat model states its own in a property `capabilities`: one of these, or a dict of its
    fields. Others are read from their fields and from langchain's profile of the model, on the
    careful side: what is not known is missing. `with_capabilities` corrects them.
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
    within: str | None = None
    """The argument that holds temperature, seed, stop and cap as one dict; None: each is one."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What that dict holds already: one that is given with a call takes the place of all of it."""
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


_CORRECTED = "_verifier_agent_capabilities"
"""Where a corrected model carries them: langchain's copies, bindings and pickles keep it."""


def capabilities(model: BaseChatModel) -> Capabilities:
    """Return what was said of `model`, or it says of itself, or else what its fields show."""
    corrected = vars(model).get(_CORRECTED)
    if isinstance(corrected, Capabilities):
        return corrected
    stated = getattr(model, "capabilities", None)
    if isinstance(stated, Mapping):
        fields = {**stated, "margins": Margins(**stated.get("margins", {}))}
        if isinstance(fields.get("footprint"), Mapping):
            fields["footprint"] = Footprint(**fields["footprint"])
        return Capabilities(**fields)
    return stated if isinstance(stated, Capabilities) else _from_fields(model)


def with_capabilities(model: Model, **stated: Any) -> Model:
    """Return a copy of `model` of which these capabilities are known; the others stay.

    For what a server behind an integration can do beyond it, or cannot: `prefix=True` where it
    continues a trailing AIMessage, `temperature=False` where it turns one down. Raises
    ConfigurationError for what is no field of `Capabilities`.
    """
    if not isinstance(model, BaseChatModel):
        raise ConfigurationError(
            f"{type(model).__name__} is no chat model: say what one can do before it is bound"
        )
    known = [one.name for one in fields(Capabilities)]
    for name in stated:
        if name not in known:
            raise ConfigurationError(f"unknown capability {name!r}{nearest(name, known)}")
    copy = model.model_copy()
    vars(copy)[_CORRECTED] = replace(capabilities(model), **stated)
    return copy


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
    # two digits from 10 on, but not Azure's name of GPT-3.5, "gpt-35-turbo"
    return re.match(r"(o\d|gpt-([5-9]|[12]\d))(?!.*chat)", name.lower()) is not None


def _from_fields(model: BaseChatModel) -> Capabilities:
    fields = type(model).model_fields
    settings = _ollama_options(model) if "num_predict" in fields else None
    caps = ("num_predict",) if settings is not None else CAPS
    cap = next((name for name in caps if name in fields), None)
    limit = getattr(model, cap or "", None)
    names = (getattr(model, name, None) for name in _NAMES)
    name = next((n for n in names if isinstance(n, str) and n), model._llm_type)
    openai = "openai" in model._llm_type
    rigid = openai and samples_its_own_way(name)
    retries = getattr(model, "max_retries", _SDK_RETRIES) if "max_retries" in fields else 0
    return Capabilities(
        name=name,
        openai=openai,
        schema=openai,
        seed="seed" in fields,
        temperature="temperature" in fields and not (rigid or _keeps_its_temperature(model)),
        stop=not rigid,
        logprobs="logprobs" in fields
        and "bool" in str(fields["logprobs"].annotation)
        and not rigid,
        cap=cap,
        within=None if settings is None else "options",
        settings=settings or {},
        default_cap=limit if isinstance(limit, int) and limit > 0 else None,
        retries=_SDK_RETRIES if retries is None else max(0, int(retries)),
    )


def _keeps_its_temperature(model: BaseChatModel) -> bool:
    """True if langchain's profile says so, or if it is one of Anthropic's that thinks."""
    profile = getattr(model, "profile", None) or {}
    thinks = getattr(model, "thinking", None)
    thinking = isinstance(thinks, Mapping) and thinks.get("type") != "disabled"
    return profile.get("temperature") is False or thinking


_OLLAMA_OPTIONS = (
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
    "num_ctx",
    "num_gpu",
    "num_thread",
    "num_predict",
    "repeat_last_n",
    "repeat_penalty",
    "temperature",
    "seed",
    "stop",
    "tfs_z",
    "top_k",
    "top_p",
)
"""What langchain_ollama's `ChatOllama` puts in `options` itself where a call has none."""


def _ollama_options(model: BaseChatModel) -> dict[str, Any]:
    """Return what an Ollama model was built with, of that which its `options` hold."""
    given = {name: getattr(model, name, None) for name in _OLLAMA_OPTIONS}
    return {name: value for name, value in given.items() if value is not None}


_SETTLED = ("temperature", "seed", "stop")


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
    if able.within is not None:
        inside = {name: options.pop(name) for name in _SETTLED if name in options}
        inside |= {able.cap: options.pop(able.cap)} if able.cap in options else {}
        if stop and able.stop:
            inside["stop"] = [*inside["stop"], *(able.settings.get("stop") or ())]
        options |= {able.within: {**able.settings, **inside}} if inside else {}
    if logprobs and able.logprobs:
        options["logprobs"] = True
    return options
