"""A hosted reward model as text: `hosted:classify:http://localhost:8000?model=NAME&scale=logit`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.verifiers.hosted.reward_model import HostedRewardModel
from verifier_agent.verifiers.hosted.wires import WIRE_NAMES

FAMILY = "hosted"
FORM = "hosted:WIRE:URL?model=NAME&spec=PRESET"
KEY = "key_env"
"""Names the environment variable that holds the key: a key in the text would be recorded."""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _scale(text: str) -> str | tuple[float, float]:
    """Read the name of a scale, or a range: "0..4"."""
    low, dots, high = text.partition("..")
    return (float(low), float(high)) if dots else text


OPTIONS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("dialect", "model", "spec", "template", "attribute", "name"), str),
    **dict.fromkeys(("step_token_id", "label", "batch", "concurrency", "attempts"), int),
    "label_token_ids": _numbers,
    "scale": _scale,
    "seconds": float,
}
"""The arguments of `HostedRewardModel` that text can hold, and how each is read."""


def named_reward_model(rest: str) -> HostedRewardModel:
    """Return the reward model that `WIRE:URL?model=…&spec=…` means.

    Values are percent-encoded, as in any URL. Raises ConfigurationError for anything unknown,
    given twice, or missing.
    """
    wire, _, address = rest.partition(":")
    url, _, query = address.partition("?")
    if not url or wire not in WIRE_NAMES:
        raise ConfigurationError(
            f"verifier 'hosted:{rest}': write {FORM}{nearest(wire, WIRE_NAMES)}; "
            "`verifier-agent doctor --verifier URL` finds the wire"
        )
    try:
        pairs = parse_qsl(query, strict_parsing=bool(query), keep_blank_values=True)
    except ValueError as error:
        raise ConfigurationError(f"verifier 'hosted:{rest}': {error}") from None
    given: dict[str, Any] = {}
    for option, value in pairs:
        if option in given:
            raise ConfigurationError(f"verifier 'hosted:{rest}': {option} is given twice")
        given[option] = _read(rest, option, value)
    key = given.pop(KEY, None)
    return HostedRewardModel(url, wire=wire, api_key=key, **given)


def _read(rest: str, option: str, value: str) -> Any:
    if option == KEY:
        if not os.environ.get(value):
            raise ConfigurationError(
                f"verifier 'hosted:{rest}': the variable {value!r} is not set, or empty"
            )
        return os.environ[value]
    if option not in OPTIONS:
        raise ConfigurationError(
            f"verifier 'hosted:{rest}': unknown option {option!r}{nearest(option, [*OPTIONS, KEY])}"
        )
    try:
        return OPTIONS[option](value)
    except ValueError:
        raise ConfigurationError(
            f"verifier 'hosted:{rest}': {option}={value!r} is no number"
        ) from None


def written(wire: str, url: str, options: Mapping[str, Any]) -> str:
    """Return the text that means a reward model with these options."""
    given = {option: _said(option, value) for option, value in options.items()}
    query = urlencode(given, quote_via=quote, safe=":/{}.")
    return f"{FAMILY}:{wire}:{url}" + (f"?{query}" if query else "")


def _said(option: str, value: Any) -> str:
    """Write a value as `OPTIONS` reads it."""
    between = ".." if option == "scale" else ","
    return between.join(map(str, value)) if isinstance(value, tuple) else str(value)
