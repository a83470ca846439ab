"""An ONNX graph in 8 bits whose scores do not depend on what they are computed beside.

Weights are rounded to 8 bits by column, and every row of what they are multiplied with by itself.
onnxruntime's own dynamic quantization takes one scale for all rows of a batch: there the score of
an answer changes with its neighbours, and with how much of it was known before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verifier_agent.errors import MissingExtra

try:
    from onnx import helper, numpy_helper
except ImportError as error:
    raise MissingExtra("exporting a reward model", "export") from error

LEAST_COLUMNS = 16
"""Matrices with fewer, such as the head that scores, stay as they are."""
LEVELS = 127
"""Of 8 bits, on each side of zero."""
ZERO = 128
"""Of rows, which are unsigned: such products are fast on all processors with 8-bit instructions."""


@dataclass
class _Rewriting:
    """A graph on its way to 8 bits."""

    weights: dict[str, Any]
    nodes: list[Any] = field(default_factory=list)
    made: dict[str, Any] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    rounded: set[str] = field(default_factory=set)

    def node(self, kind: str, given: list[str], name: str, **more: Any) -> str:
        """Add a node with one output; return the output's name."""
        self.nodes.append(helper.make_node(kind, given, [name], **more))
        return name

    def constant(self, name: str, value: Any) -> str:
        """Add an array; return its name."""
        self.made[name] = value
        return name


def quantized(model: Any) -> Any:
    """Return an onnx model with the constant matrices of its products and look-ups in 8 bits."""
    graph = model.graph
    work = _Rewriting({one.name: one for one in graph.initializer if len(one.dims) == 2})
    work.constant("int8.step", np.array(1 / LEVELS, np.float32))
    work.constant("int8.zero", np.array(ZERO, np.uint8))
    work.constant("int8.tiny", np.array(1e-12, np.float32))
    work.constant("int8.last", np.array([-1], np.int64))
    for node in graph.node:
        if node.op_type == "MatMul" and _columns(work, node.input[1]) >= LEAST_COLUMNS:
            _product(work, node)
        elif node.op_type == "Gather" and node.input[0] in work.weights and not node.attribute:
            _look_up(work, node)
        else:
            work.nodes.append(node)
    kept = [one for one in graph.initializer if one.name not in work.gone or _is_used(work, one)]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(work.nodes)
    graph.initializer.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in work.made.items())
    if all(one.domain != "com.microsoft" for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def _columns(work: _Rewriting, name: str) -> int:
    return int(work.weights[name].dims[1]) if name in work.weights else 0


def _is_used(work: _Rewriting, one: Any) -> bool:
    return any(one.name in node.input for node in work.nodes)


def _product(work: _Rewriting, node: Any) -> None:
    """Replace a product: x W = (x / |x|) W · |x|, row by row."""
    x, name, out = node.input[0], node.input[1], node.output[0]
    if x not in work.rounded:
        work.rounded.add(x)
        work.node("Abs", [x], f"{x}.abs")
        work.node("ReduceMax", [f"{x}.abs", "int8.last"], f"{x}.most", keepdims=1)
        work.node("Max", [f"{x}.most", "int8.tiny"], f"{x}.size")
        work.node("Div", [x, f"{x}.size"], f"{x}.unit")
        work.node("QuantizeLinear", [f"{x}.unit", "int8.step", "int8.zero"], f"{x}.int8")
    matrix = numpy_helper.to_array(work.weights[name])
    work.gone.add(name)
    scale = _scale(matrix, axis=0)
    levels = work.constant(f"{out}.weight", np.rint(matrix / scale).astype(np.int8))
    scales = work.constant(f"{out}.scale", scale)
    given = [f"{x}.int8", levels, "int8.step", scales, "int8.zero"]
    product = work.node("MatMulIntegerToFloat", given, f"{out}.unit", domain="com.microsoft")
    work.node("Mul", [product, f"{x}.size"], out)


def _look_up(work: _Rewriting, node: Any) -> None:
    """Replace a table's rows by 8-bit ones with a scale each."""
    name, places, out = node.input[0], node.input[1], node.output[0]
    table = numpy_helper.to_array(work.weights[name])
    if table.dtype != np.float32:
        work.nodes.append(node)
        return
    work.gone.add(name)
    scale = _scale(table, axis=1)[:, None]
    levels = work.constant(f"{out}.table", np.rint(table / scale).astype(np.int8))
    scales = work.constant(f"{out}.scale", scale)
    row = work.node("Gather", [levels, places], f"{out}.row")
    found = work.node("Cast", [row], f"{out}.float", to=1)
    size = work.node("Gather", [scales, places], f"{out}.size")
    work.node("Mul", [found, size], out)


def _scale(matrix: Any, axis: int) -> Any:
    return (np.maximum(np.abs(matrix).max(axis=axis), 1e-12) / LEVELS).astype(np.float32)
