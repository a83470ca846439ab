"""Weights of the embedded models: 8-bit integers on disk, float32 in memory, loaded once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from verifier_agent.errors import MissingExtra

try:
    import numpy as np
except ImportError as error:
    raise MissingExtra("an embedded model", "embedded") from error

from verifier_agent.embedded.transformer import Floats

Built = TypeVar("Built")

_LOCK = threading.Lock()
_BUILT: dict[str, Any] = {}


def quantised(matrix: Floats) -> dict[str, Any]:
    """Return a matrix as 8-bit integers with one float32 scale per row."""
    scale = np.abs(matrix).max(axis=1) / 127
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    return {"int8": np.rint(matrix / scale[:, None]).astype(np.int8), "scale": scale}


def write(path: Path, matrices: Mapping[str, Floats], about: Mapping[str, int]) -> None:
    """Write matrices, quantised, and the integers that describe the model."""
    arrays: dict[str, Any] = {f"about/{name}": np.array(value) for name, value in about.items()}
    for name, matrix in matrices.items():
        arrays |= {f"{kind}/{name}": array for kind, array in quantised(matrix).items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read(path: Path) -> tuple[dict[str, Floats], dict[str, int]]:
    """Read what `write` wrote.

    Matrices come back as float32, (inputs, outputs): the transpose of what torch holds, except
    embeddings.
    """
    with np.load(path, allow_pickle=False) as stored:
        about = {n.split("/", 1)[1]: int(stored[n]) for n in stored if n.startswith("about/")}
        matrices = {}
        for name in (n.split("/", 1)[1] for n in stored if n.startswith("int8/")):
            matrix = stored[f"int8/{name}"].astype(np.float32) * stored[f"scale/{name}"][:, None]
            matrices[name] = matrix if "embedding" in name else np.ascontiguousarray(matrix.T)
    return matrices, about


def shipped(name: str, build: Callable[[dict[str, Floats], dict[str, int]], Built]) -> Built:
    """Build a model from the package's file `name`, once per process and from any thread."""
    with _LOCK:
        if name not in _BUILT:
            _BUILT[name] = build(*read(Path(str(files("verifier_agent.embedded") / name))))
        built: Built = _BUILT[name]
        return built
