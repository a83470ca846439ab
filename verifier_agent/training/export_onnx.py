"""From a checkpoint to a folder that onnxruntime runs, if it ranks as the checkpoint does.

    verifier-agent export CHECKPOINT --preset qwen2.5-math-prm --out FOLDER

The folder is written only if the exported model, as onnxruntime computes it, ranks texts as full
precision does. There is no way around the check.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal, cast, get_args

from verifier_agent.embedded.family import LEVELS, examples
from verifier_agent.errors import ConfigurationError, MissingExtra, UnreadableVerdict
from verifier_agent.training.chains import corrupted
from verifier_agent.verifiers.local.checkpoint import Checkpoint
from verifier_agent.verifiers.local.exported import (
    FORMAT,
    INPUTS,
    MANIFEST,
    MODEL,
    OUTPUTS,
    TOKENIZER,
    Exported,
    Manifest,
    Probe,
    raw_scores,
)
from verifier_agent.verifiers.local.network import Network
from verifier_agent.verifiers.local.presets import preset
from verifier_agent.verifiers.local.ranks import rank_agreement
from verifier_agent.verifiers.local.readings import Reader, Reading
from verifier_agent.verifiers.local.spec import PRMSpec

try:
    import onnx
    import onnxscript  # noqa: F401  # torch's exporter needs it
    import torch

    from verifier_agent.training.int8 import quantized
except ImportError as error:
    raise MissingExtra("exporting a reward model", "export") from error

Precision = Literal["int8", "float32"]
LEAST = 0.98
"""Spearman's rank correlation with full precision that an export needs."""
PROBES = 8
"""Texts that the folder carries, to be scored again wherever it is opened."""
TEXTS = 60
"""Texts that an export is checked with where none are given."""
LARGEST = 2**30
"""Bytes of weights in the graph's file, half of what a protobuf can have; more stand beside it."""

Pairs = Sequence[tuple[str, str]]
"""Questions and answers."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was written."""

    path: Path
    agreement: float
    scores: int
    """How many the agreement is over."""
    bytes: int


def export(
    checkpoint: Path | str,
    out: Path | str,
    spec: PRMSpec | str,
    *,
    precision: Precision = "int8",
    texts: Pairs | None = None,
    least: float = LEAST,
) -> Done:
    """Write a checkpoint as a folder for the runtime `onnx`.

    Args:
        checkpoint: A folder of transformers.
        out: The folder to be made; it must not be there yet.
        spec: How the model is read, or a preset's name.
        precision: Of the weights and of what they are multiplied with.
        texts: Questions and answers of the kind that will be judged, at least two, to check the
            export with. Default: short arithmetic stories with and without mistakes.
        least: The rank agreement that is asked for, 0.98 or more.

    Raises:
        MissingExtra: torch, transformers, onnx or onnxscript is not installed.
        ConfigurationError: A wrong argument; or the export does not rank as the checkpoint does,
            and nothing was written.
    """
    out = Path(out)
    if out.exists():
        raise ConfigurationError(f"out={str(out)!r} is there already; name another folder")
    precision_of(precision)
    if not LEAST <= least <= 1:
        raise ConfigurationError(f"least={least!r}: between {LEAST} and 1")
    source = Checkpoint(checkpoint, preset(spec) if isinstance(spec, str) else spec)
    probes = _probes(source, stories() if texts is None else texts)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        made = Path(folder) / "made"
        made.mkdir()
        _write_model(source, made, precision)
        source.tokens.tokenizer.save(str(made / TOKENIZER))
        found = _checked(source, made, probes, precision, least)
        size = sum(file.stat().st_size for file in made.iterdir())
        made.rename(out)
    return Done(out, found, sum(len(probe.raw) for probe in probes), size)


def precision_of(name: str) -> Precision:
    """Return the precision of that name; raises ConfigurationError for another one."""
    if name not in get_args(Precision):
        raise ConfigurationError(f"precision={name!r}: int8 or float32")
    return cast(Precision, name)


def stories() -> list[tuple[str, str]]:
    """Return questions with worked solutions, half of them with planted mistakes."""
    rng, pairs = Random("export"), []
    for number in range(TEXTS // 2):
        level = number % max(LEVELS) + 1
        problem = examples(level, 1, seed=number)[0]
        texts = (problem.solution, corrupted(rng, problem).solution)
        pairs += [(problem.question, text.replace("\n", "\n\n")) for text in texts]
    return pairs


def _probes(source: Checkpoint, texts: Pairs) -> list[Probe]:
    """Return the readings of texts with the scores of full precision; those too long are left."""
    reader = Reader(source.spec, source.frame, source.tokens)
    readings: list[Reading] = []
    for question, answer in texts:
        try:
            steps = source.spec.steps(answer)
            readings += reader.read(question, steps, source.shape.window)[0]
        except UnreadableVerdict:
            continue
    raw = _raw_scores(source, source.spec, readings)
    if len({number for numbers in raw for number in numbers}) < 2:
        raise ConfigurationError(
            f"of {len(texts)} texts {len(readings)} fit the model, and their scores do not differ: "
            "nothing can be checked with them; give other texts"
        )
    return [
        Probe(segments=reading.segments, reads=reading.reads, raw=tuple(numbers))
        for reading, numbers in zip(readings, raw, strict=True)
    ]


def _raw_scores(network: Network, spec: PRMSpec, readings: Sequence[Reading]) -> list[list[float]]:
    try:
        return raw_scores(network, spec, readings)
    except UnreadableVerdict as error:
        raise ConfigurationError(f"{error}; nothing was written") from None


def _write_model(source: Checkpoint, folder: Path, precision: Precision) -> None:
    """Write the graph: torch traces it, with batch, new and known tokens left open."""
    shape = source.shape
    ids = torch.zeros((2, 7), dtype=torch.int64)
    positions = torch.arange(5, 12).expand(2, 7).contiguous()
    mask = torch.zeros((2, 1, 7, 12))
    past = torch.zeros((shape.layers, 2, 2, shape.heads, 5, shape.head))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        program = torch.onnx.export(
            source.network,
            (ids, positions, mask, past),
            dynamo=True,
            verbose=False,
            dynamic_shapes=(
                {0: "batch", 1: "new"},
                {0: "batch", 1: "new"},
                {0: "batch", 2: "new", 3: "all"},
                {2: "batch", 4: "known"},
            ),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
        )
    assert program is not None, "with dynamo=True a program is returned"
    full = folder / "full.onnx"
    program.save(str(full), external_data=True)
    model: Any = onnx.load(str(full))
    if precision == "int8":
        model = quantized(model)
    for file in folder.iterdir():
        file.unlink()
    # a model that is too large for a protobuf cannot be asked for its size
    size = sum(len(array.raw_data) for array in model.graph.initializer)
    onnx.save(model, str(folder / MODEL), save_as_external_data=size > LARGEST)


def _checked(
    source: Checkpoint, folder: Path, probes: Sequence[Probe], precision: str, least: float
) -> float:
    """Write the manifest, open the folder as anybody would, and compare all scores."""
    manifest = Manifest(
        format=FORMAT,
        spec=source.spec,
        frame=source.frame,
        shape=source.shape,
        precision=precision,
        agreement=0.0,
        probes=(),
    )
    file = folder / MANIFEST
    file.write_text(json.dumps(manifest.to_dict()))
    opened = Exported(folder, threads=1)
    readings = [Reading(probe.segments, probe.reads) for probe in probes]
    raw = _raw_scores(opened, source.spec, readings)
    found = rank_agreement(
        [number for probe in probes for number in probe.raw],
        [number for numbers in raw for number in numbers],
    )
    if not found >= least:
        raise ConfigurationError(
            f"the {precision} export ranks {len(probes)} texts as full precision does by "
            f"{found:.4f} only (Spearman), {least} are needed; nothing was written. Try "
            "--precision float32, or texts of the kind that will be judged"
        )
    own = [replace(probe, raw=tuple(given)) for probe, given in zip(probes, raw, strict=True)]
    kept = tuple(own[:: -(-len(own) // PROBES)])
    manifest = replace(manifest, agreement=found, probes=kept)
    file.write_text(json.dumps(manifest.to_dict()))
    return found
