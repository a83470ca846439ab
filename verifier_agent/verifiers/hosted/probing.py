"""What a server of a reward model speaks: every wire that it may have is asked, and read.

A probe only suggests: what it found has to be said to `HostedRewardModel`, which guesses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from verifier_agent.errors import ConfigurationError, VerifierUnavailable
from verifier_agent.models import is_transient
from verifier_agent.models.failures import in_words
from verifier_agent.models.openai_client import Connection, Server
from verifier_agent.verifiers.hosted.names import KEY, written
from verifier_agent.verifiers.hosted.reward_model import HostedRewardModel
from verifier_agent.verifiers.hosted.settings import root_of
from verifier_agent.verifiers.hosted.trials import Tried, tried
from verifier_agent.verifiers.hosted.wires import WIRES, Wire
from verifier_agent.verifiers.local.presets import PRESETS, preset

SECONDS = 20.0
TEMPLATE = "{question}\n\n{answer}"
"""For servers that take texts only, where nobody names the model's own."""
_HOSTS = {"cohere": "cohere", "jina": "jina", "voyageai": "voyage"}
"""Parts of the names of hosts, to their dialects."""
_TELLS = {
    "/get_model_info": ("sglang", "model_path"),
    "/info": ("tei", "model_id"),
    "/props": ("llama.cpp", ""),
    "/v1/metadata": ("nim", ""),
    "/version": ("vllm", ""),
}
"""Routes that one kind of server has, to its dialect and the key of the model's name."""
_OTHERS = {"vllm": ("vllm-generative", "openai"), "sglang": ("openai",), "llama.cpp": ("openai",)}
"""Dialects that a kind of server speaks besides its own."""
_ABSENT = ("NotFoundError", "APIConnectionError", "AuthenticationError", "405")
"""Errors that another way to ask on the same route does not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Which server it is, as far as it tells."""

    dialect: str = ""
    """Empty if it does not tell."""
    version: str = ""
    model: str = ""
    """The first model that it lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What one wire gave."""

    wire: Wire
    url: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of `HostedRewardModel` that it was asked with, but for url, wire, dialect."""
    tried: Tried

    @property
    def python(self) -> str:
        """The line that makes this verifier."""
        named = {"wire": self.wire.name, "dialect": self.wire.dialect, **self.settings}
        key = named.pop(KEY, "")
        given = [f"{name}={value!r}" for name, value in named.items()]
        given += [f'api_key=os.environ["{key}"]'] if key else []
        return f"HostedRewardModel({', '.join([repr(self.url), *given])})"

    @property
    def text(self) -> str:
        """What names this verifier on the command line, and wherever text does."""
        named = {"dialect": self.wire.dialect, **self.settings}
        return written(self.wire.name, self.url, named)


async def probe(
    url: str, *, api_key: str | None = None, seconds: float = SECONDS, **told: Any
) -> tuple[Kind, list[Probe]]:
    """Say which server it is, and what each wire gave that it may have.

    Each wire is asked in at most four ways, until one works: as the preset that the model's name
    suggests, as a model of steps, as one of a single number, as one of two labels.

    Args:
        url: The server's.
        api_key: Its key.
        seconds: For each request.
        told: Arguments of `HostedRewardModel` that are known: model, spec, scale, template, …

    Raises:
        ConfigurationError: The URL is none, or there is no such preset.
        VerifierUnavailable: Nobody answers there.
    """
    url = root_of(url)
    if isinstance(told.get("spec"), str) and told["spec"]:
        preset(told["spec"])
    kind = await identify(url, api_key, seconds)
    known = {"model": kind.model} | {name: value for name, value in told.items() if value}
    known = {name: value for name, value in known.items() if value}
    found = []
    for wire in likely_wires(kind):
        attempts = []
        for settings in _ways(wire, known):
            attempts.append(await _try(wire, url, settings, api_key, seconds))
            error = attempts[-1].tried.error
            if not error or any(absent in error for absent in _ABSENT):
                break
        found.append(next((one for one in attempts if one.tried.works), attempts[0]))
    return kind, found


async def identify(url: str, api_key: str | None, seconds: float) -> Kind:
    """Return which server it is, by its host's name or by routes that only its kind has."""
    host = urlsplit(url).hostname or ""
    for part, dialect in _HOSTS.items():
        if part in host.split("."):
            return Kind(dialect=dialect)
    key = SecretStr(api_key or "none")
    server = Server(base_url=url, api_key=key, headers=(), timeout=seconds, max_retries=0)
    connection = Connection(server)
    listed = await _told(connection, f"{url}/v1/models", first=True)
    first: Any = next(iter(listed.get("data") or ()), {})
    model = str(first.get("id", "")) if isinstance(first, dict) else ""
    for route, (dialect, name) in _TELLS.items():
        if told := await _told(connection, url + route):
            version = str(told.get("version", ""))
            return Kind(dialect=dialect, version=version, model=str(told.get(name) or model))
    return Kind(model=model)


async def _told(connection: Connection, url: str, *, first: bool = False) -> dict[str, Any]:
    """Return the JSON object at a route; empty if it has none.

    Where it is the first that is asked for, raises VerifierUnavailable if nobody answers at all.
    """
    try:
        found = (await connection.get(url)).json()
    except Exception as error:  # it need not have the route
        if first and getattr(error, "status_code", None) is None and is_transient(error):
            raise VerifierUnavailable(f"{url}: nobody answers there ({in_words(error)})") from None
        return {}
    return found if isinstance(found, dict) else {}


def likely_wires(kind: Kind) -> Iterator[Wire]:
    """Yield the wires that a server may have; all of them, where it does not tell its kind."""
    dialects = (kind.dialect, *_OTHERS.get(kind.dialect, ()))
    yield from (wire for wire in WIRES if not kind.dialect or wire.dialect in dialects)


def _ways(wire: Wire, known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the settings to ask a wire with, the likeliest first; at least one."""
    unused: tuple[str, ...] = ("template",) if wire.shows in ("pair", "chat") else ()
    unused += () if wire.shows == "labels" else ("label_token_ids",)
    known = {name: value for name, value in known.items() if name not in unused}
    needs = {"template": TEMPLATE} if wire.shows == "text" and "template" not in known else {}
    given = {**known, **needs}
    if {"spec", "scale"} & known.keys():
        return [given]
    if wire.shows in ("pair", "text", "either"):
        named = [name for name in PRESETS if name in str(known.get("model", "")).lower()]
        steps = ["qwen2.5-math-prm"] if wire.steps else []
        presets = [{"spec": name} for name in dict.fromkeys([*named, *steps])]
        number: dict[str, Any] = {"scale": "probability" if _is_activated(wire) else "logit"}
        more: list[dict[str, Any]] = [*presets, number, {"scale": "probability", "label": 1}]
        return [{**given, **way} for way in more if _fits(wire, {**given, **way})] or [given]
    return [{**given, "scale": "logit"}] if wire.name == "chat_reward" else [given]


def _is_activated(wire: Wire) -> bool:
    """Say whether what a wire gives is likely to be a probability; where it is asked, it is not."""
    return wire.name == "rerank" and wire.dialect not in ("vllm", "tei", "llama.cpp")


def _fits(wire: Wire, settings: Mapping[str, Any]) -> bool:
    try:
        HostedRewardModel("http://localhost", **_of(wire, settings))
    except ConfigurationError:
        return False
    return True


def _of(wire: Wire, settings: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in settings.items() if name != KEY}
    return {"wire": wire.name, "dialect": wire.dialect, **given}


async def _try(
    wire: Wire, url: str, settings: Mapping[str, Any], api_key: str | None, seconds: float
) -> Probe:
    try:
        limits: dict[str, Any] = {"api_key": api_key, "attempts": 1, "seconds": seconds}
        verifier = HostedRewardModel(url, **_of(wire, settings), **limits)
        said = await tried(verifier)
    except ConfigurationError as error:
        said = Tried(error=f"not asked: {error}")
    return Probe(wire=wire, url=url, settings=settings, tried=said)
