"""An exported model of a few nodes: a real graph for onnxruntime, and what it computes by hand.

It has one layer whose attention is uniform: a token's state is the mean of the numbers of all
tokens up to it, and its row that mean and its negative.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.verifiers.local import checkpoints as made
from verifier_agent.verifiers.local.exported import FORMAT, INPUTS, OUTPUTS, Manifest
from verifier_agent.verifiers.local.frames import frame_of
from verifier_agent.verifiers.local.network import Shape
from verifier_agent.verifiers.local.spec import PRMSpec

TABLE = np.random.default_rng(0).normal(size=(made.VOCABULARY + 300, 1)).astype(np.float32)
SPEC = PRMSpec(layout="chat", mark="<extra_0>", read="mark")
WINDOW = 120


def write(path: Path, spec: PRMSpec = SPEC, table: Any = TABLE) -> Path:
    """Write the folder of an exported model."""
    path.mkdir(parents=True, exist_ok=True)
    onnx.save(graph(table), str(path / "model.onnx"))
    tokenizer = made.byte_level(["<|im_start|>", "<|im_end|>", "<extra_0>"])
    tokenizer.save(str(path / "tokenizer.json"))
    manifest = Manifest(
        format=FORMAT,
        spec=spec,
        frame=frame_of(spec, render, ""),
        shape=Shape(layers=1, heads=1, head=1, outputs=2, window=WINDOW, parameters=3),
        precision="float32",
        agreement=1.0,
        probes=(),
    )
    (path / "verifier.json").write_text(json.dumps(manifest.to_dict()))
    return path


def render(messages: Sequence[Any]) -> str:
    """Write a chat as Qwen's template does."""
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)


def score(ids: Sequence[int], table: Any = TABLE) -> float:
    """Return P(label 1) at the last of these tokens, by hand."""
    mean = float(np.mean([table[token, 0] for token in ids]))
    return float(1 / (1 + np.exp(2 * mean)))


def graph(table: Any) -> Any:
    """Return the graph."""
    constants = {
        "table": table,
        "head": np.array([[1.0, -1.0]], np.float32),
        "value": np.array([0, 1], np.int64),  # of keys and values the values
        "first": np.array(0, np.int64),
        "second": np.array(1, np.int64),
        "front": np.array([0, 1, 3], np.int64),
        "doubled": np.array([1, 2, 1, 1, 1, 1], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["x"]),  # (batch, new, 1)
        helper.make_node("Unsqueeze", ["x", "front"], ["layered"]),  # (1, 1, batch, 1, new, 1)
        helper.make_node("Tile", ["layered", "doubled"], ["made"]),
        helper.make_node("Concat", ["past", "made"], ["all"], axis=4),
        helper.make_node("Gather", ["all", "first"], ["layer"], axis=0),
        helper.make_node("Gather", ["layer", "second"], ["values"], axis=0),
        helper.make_node("Softmax", ["mask"], ["weights"], axis=-1),
        helper.make_node("MatMul", ["weights", "values"], ["states"]),
        helper.make_node("Squeeze", ["states", "one"], ["state"]),
        helper.make_node("MatMul", ["state", "head"], ["rows"]),
    ]
    constants["one"] = np.array([1], np.int64)
    kinds = (TensorProto.INT64, TensorProto.INT64, TensorProto.FLOAT, TensorProto.FLOAT)
    shapes = (["b", "n"], ["b", "n"], ["b", 1, "n", "m"], [1, 2, "b", 1, "p", 1])
    given = map(helper.make_tensor_value_info, INPUTS, kinds, shapes)
    results = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip(OUTPUTS, (["b", "n", 2], [1, 2, "b", 1, "n", 1]), strict=True)
    ]
    arrays = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    built = helper.make_graph(nodes, "tiny", list(given), results, arrays)
    return helper.make_model(built, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
