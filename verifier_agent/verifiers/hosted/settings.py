"""What the arguments of a hosted reward model mean together: its spec, and its server's root."""

from __future__ import annotations

from urllib.parse import urlsplit

from verifier_agent.errors import ConfigurationError
from verifier_agent.verifiers.hosted.wires import Wire
from verifier_agent.verifiers.local.spec import Labels, Number, PRMSpec, Scale, TokenPair


def spec_of(
    wire: Wire,
    spec: PRMSpec | None,
    scale: Scale | tuple[float, float] | None,
    label: int | None,
) -> PRMSpec:
    """Return how the model is read; raises ConfigurationError where nobody says it."""
    if spec is not None and not (scale is None and label is None):
        raise ConfigurationError(
            "reward: give spec=…, or else scale=… and label=…, since a spec has its own"
        )
    if spec is not None:
        return spec
    if wire.shows == "labels" and scale in (None, "probability"):
        # the tokens are known by number, and these words stand for them
        return PRMSpec(layout="chat", read="end", readout=TokenPair(good="good", bad="bad"))
    if scale is None and not wire.probability:
        raise ConfigurationError(
            f"{wire.title}: say what its numbers are, by a preset (spec='qwen2.5-math-prm') or, "
            "for a model that gives one number for an answer, by scale='logit', 'probability', "
            "'signed' or (lowest, highest); label=1 with it, if that is a probability of labels"
        )
    one = "probability" if scale is None or isinstance(scale, tuple) else scale
    if one not in ("probability", "logit", "signed"):
        raise ConfigurationError(f"reward scale={scale!r}: probability, logit, signed or a range")
    if label is not None and (scale not in ("probability", "signed") or label < 0):
        raise ConfigurationError(
            f"reward label={label!r}, scale={scale!r}: labels have probabilities, and are counted "
            "from 0"
        )
    readout = Number() if label is None else Labels(label=label)
    return PRMSpec(layout="chat", read="end", readout=readout, scale=one)


def root_of(url: str) -> str:
    """Return the root of a server, without "/v1"; raises ConfigurationError for no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"reward url={url!r}: {error}") from None
    known = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not known or parts.query or parts.fragment:
        raise ConfigurationError(f"reward url={url!r}: one like http://localhost:8000 is needed")
    if parts.username or parts.password:
        raise ConfigurationError("reward url: credentials belong in api_key, not in the URL")
    return url.rstrip("/").removesuffix("/v1")
