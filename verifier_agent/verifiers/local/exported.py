"""The runtime `onnx`: a folder that `verifier-agent export` wrote. No torch, no network, int8.

The folder carries a few readings with the scores that it gave them when it was exported and
compared with full precision. They are scored again when it is opened, for on a processor without
the right instructions 8-bit products can overflow without a word.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from verifier_agent.errors import ConfigurationError, MissingExtra, UnreadableVerdict
from verifier_agent.plain import Value
from verifier_agent.verifiers.local.frames import Frame
from verifier_agent.verifiers.local.network import Array, Network, Shape
from verifier_agent.verifiers.local.readings import Reading
from verifier_agent.verifiers.local.readout import raw_score
from verifier_agent.verifiers.local.scoring import Scoring
from verifier_agent.verifiers.local.spec import PRMSpec
from verifier_agent.verifiers.local.tokens import Tokens

try:
    import numpy as np
    import onnxruntime
except ImportError as error:
    raise MissingExtra("an exported reward model", "onnx") from error

MODEL, TOKENIZER, MANIFEST = "model.onnx", "tokenizer.json", "verifier.json"
FORMAT = 1
MOST_DRIFT = 0.05
"""How far a score may be from what it was at the export, as a share of the range of scores:
rounding differs a little between processors, and overflow by far more."""
INPUTS, OUTPUTS = ("ids", "positions", "mask", "past"), ("rows", "made")
"""Of the graph; see `Network.run`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe(Value):
    """A reading with its raw scores."""

    segments: tuple[tuple[int, ...], ...]
    reads: tuple[int, ...]
    raw: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Value):
    """What the folder of an exported model says of it."""

    format: int
    spec: PRMSpec
    frame: Frame
    shape: Shape
    precision: str
    """"int8" or "float32"."""
    agreement: float
    """Of ranks with full precision, on the texts that the export was checked with (Spearman)."""
    probes: tuple[Probe, ...]
    """Some of them, with the scores of the export itself."""


class Exported:
    """An exported model's network, tokenizer, spec and frame.

    Raises MissingExtra without onnxruntime and tokenizers, and ConfigurationError for a folder
    that is no export, and for one whose scores are others on this machine.
    """

    def __init__(self, path: Path | str, *, threads: int | None = None) -> None:
        self.path = Path(path)
        self.manifest = _manifest(self.path / MANIFEST)
        self.spec, self.frame = self.manifest.spec, self.manifest.frame
        self.shape = self.manifest.shape
        self.tokens = Tokens.read(self.path / TOKENIZER)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(self.path / MODEL), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library's errors have no common class
            raise ConfigurationError(f"{self.path / MODEL}: {error}") from None
        if (drift := _drift(self, self.spec, self.manifest.probes)) > MOST_DRIFT:
            raise ConfigurationError(
                f"{self.path}: on this machine its scores are off by {drift:.0%} of their range; "
                "export it with --precision float32"
            )

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Return an array of numpy."""
        return np.zeros(shape, np.float32)

    def run(self, ids: Any, positions: Any, mask: Any, past: Array) -> tuple[Any, Array]:
        """Compute; see `Network.run`."""
        fed = dict(zip(INPUTS, (ids, positions, mask, past), strict=True))
        rows, made = self._session.run(OUTPUTS, fed)
        return rows, made


def _manifest(file: Path) -> Manifest:
    try:
        manifest = Manifest.from_dict(json.loads(file.read_text()))
    except FileNotFoundError:
        raise ConfigurationError(
            f"{file.parent}: no exported reward model ({file.name} is missing); "
            "verifier-agent export writes one"
        ) from None
    except (ValueError, ValidationError) as error:
        raise ConfigurationError(f"{file}: {' '.join(str(error).split())}") from None
    if manifest.format != FORMAT:
        raise ConfigurationError(f"{file}: format {manifest.format}; this version reads {FORMAT}")
    return manifest


def raw_scores(network: Network, spec: PRMSpec, readings: Sequence[Reading]) -> list[list[float]]:
    """Return the raw scores of each reading."""
    found = Scoring(network, kept_bytes=0).read(readings)
    return [[raw_score(spec, row) for row in read.rows] for read in found]


def _drift(network: Network, spec: PRMSpec, probes: Sequence[Probe]) -> float:
    """Return the largest difference to the scores in the probes, as a share of their range.

    Infinite where a score is not finite.
    """
    readings = [Reading(probe.segments, probe.reads) for probe in probes]
    try:
        found = raw_scores(network, spec, readings)
    except UnreadableVerdict:
        return math.inf
    pairs = [
        (own, given)
        for probe, numbers in zip(probes, found, strict=True)
        for own, given in zip(probe.raw, numbers, strict=True)
    ]
    if not pairs:
        return 0.0
    own = [one for one, _ in pairs]
    return max(abs(one - other) for one, other in pairs) / ((max(own) - min(own)) or 1.0)
