"""The embedded models' transformer in numpy: reads, and predicts the next token.

The same arithmetic as `training.network`, in float32 on weights that were stored as 8-bit integers.
Keys and values of everything read so far are kept in arrays that are allocated once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from verifier_agent.errors import MissingExtra

try:
    import numpy as np
    from numpy.typing import NDArray
except ImportError as error:
    raise MissingExtra("an embedded model", "embedded") from error

Floats: TypeAlias = "NDArray[np.float32]"
Ints: TypeAlias = "NDArray[np.int64]"
Bools: TypeAlias = "NDArray[np.bool_]"

ROTARY_BASE = 1_000.0
QUERY_SCALE = 2.5
"""Normalised queries and keys alone give too flat an attention for exact look-up."""

EPSILON = np.finfo(np.float32).eps


def normalised(x: Floats) -> Floats:
    """Divide by the root mean square of the last axis."""
    mean = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
    scaled: Floats = x / np.sqrt(mean + EPSILON)
    return scaled


def softmax(x: Floats) -> Floats:
    """Exponentiate and normalise over the last axis, in place: attention is the largest array."""
    x -= x.max(axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x


def log_softmax(x: Floats) -> Floats:
    """Return log-probabilities, in nats, over the last axis."""
    shifted = x - x.max(axis=-1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


class Cache:
    """Keys and values of what was read: per layer (batch, heads, capacity, head)."""

    def __init__(self, layers: int, shape: tuple[int, int, int, int]) -> None:
        self.keys = [np.empty(shape, np.float32) for _ in range(layers)]
        self.values = [np.empty(shape, np.float32) for _ in range(layers)]
        self.length = 0

    def repeated(self, batch: int, capacity: int) -> Cache:
        """Return a cache for `batch` continuations of this one's single row."""
        _, heads, _, head = self.keys[0].shape
        other = Cache(len(self.keys), (batch, heads, capacity, head))
        other.length = self.length
        for mine, theirs in zip(self.keys + self.values, other.keys + other.values, strict=True):
            theirs[:, :, : self.length] = mine[:, :, : self.length]
        return other

    def keep(self, rows: list[int]) -> None:
        """Forget all rows but these."""
        self.keys = [keys[rows] for keys in self.keys]
        self.values = [values[rows] for values in self.values]


class Stack:
    """A stack of blocks over a stream of vectors."""

    def __init__(self, arrays: Mapping[str, Floats], prefix: str, heads: int) -> None:
        self.heads = heads
        self.layers: list[list[Floats]] = []
        while f"{prefix}.{len(self.layers)}.qkv.weight" in arrays:
            names = ("qkv", "out", "up", "down")
            number = len(self.layers)
            self.layers.append([arrays[f"{prefix}.{number}.{name}.weight"] for name in names])
        self.width = self.layers[0][1].shape[0]
        self.head = self.width // heads
        pairs = self.head // 4
        self._frequency = ROTARY_BASE ** (-np.arange(pairs, dtype=np.float32) / pairs)

    def cache(self, batch: int, capacity: int) -> Cache:
        """Allocate an empty cache for `capacity` tokens in each of `batch` rows."""
        return Cache(len(self.layers), (batch, self.heads, capacity, self.head))

    def read(self, x: Floats, cache: Cache, mask: Bools | None = None) -> Floats:
        """Map vectors (batch, time, width) behind the cached ones to normalised states.

        `mask`, (time, cached + time) or with a leading batch axis, says who may look at whom; None
        lets all look at all.
        """
        start, end = cache.length, cache.length + x.shape[1]
        angle = np.arange(start, end, dtype=np.float32)[:, None, None] * self._frequency
        turn = np.cos(angle), np.sin(angle)  # each (time, 1, pairs)
        cache.length = end
        if mask is not None:
            seen = mask if mask.ndim == 2 else mask[:, None]
            hidden_from = np.where(seen, np.float32(0), np.float32(-1e9))
        for number, (qkv, out, up, down) in enumerate(self.layers):
            q, k, v = self._project(x, qkv, turn)
            keys, values = cache.keys[number], cache.values[number]
            keys[:, :, start:end], values[:, :, start:end] = k, v
            scores = q @ keys[:, :, :end].swapaxes(2, 3)  # (batch, heads, time, end)
            if mask is not None:
                scores += hidden_from
            y = softmax(scores) @ values[:, :, :end]
            x = np.add(x, y.swapaxes(1, 2).reshape(x.shape) @ out)
            hidden = normalised(x) @ up
            np.maximum(hidden, 0, out=hidden)
            x = np.add(x, np.square(hidden) @ down)
        return normalised(x)

    def _project(
        self, x: Floats, qkv: Floats, turn: tuple[Floats, Floats]
    ) -> tuple[Floats, Floats, Floats]:
        """Return queries, keys and values, each (batch, heads, time, head)."""
        batch, time, _ = x.shape
        all_three = (normalised(x) @ qkv).reshape(batch, time, 3 * self.heads, self.head)
        both = normalised(all_three[:, :, : 2 * self.heads])
        pairs = self.head // 4
        (cos, sin), a, b = turn, both[..., :pairs].copy(), both[..., pairs : 2 * pairs].copy()
        both[..., :pairs] = a * cos - b * sin
        both[..., pairs : 2 * pairs] = a * sin + b * cos
        both = both.swapaxes(1, 2)
        scale = np.float32(QUERY_SCALE / math.sqrt(self.head))
        v = all_three[:, :, 2 * self.heads :].swapaxes(1, 2)
        return both[:, : self.heads] * scale, both[:, self.heads :], v


class LanguageModel:
    """Embedding, blocks and prediction head."""

    def __init__(self, arrays: Mapping[str, Floats], heads: int, prefix: str = "") -> None:
        self.embedding = normalised(arrays[f"{prefix}embedding.weight"])
        self.stack = Stack(arrays, f"{prefix}blocks", heads)
        self.head = arrays[f"{prefix}head.weight"]
        self.parameters = sum(m.size for name, m in arrays.items() if name.startswith(prefix))

    def question(self, ids: Sequence[int], room: int = 0) -> tuple[Cache, Floats]:
        """Read a question both ways; returns a cache of one row and states (1, time, width).

        `room` is how many more tokens will be read into the same cache.
        """
        cache = self.stack.cache(1, len(ids) + room)
        return cache, self.stack.read(self.embedding[np.array([ids])], cache)

    def states(self, tokens: Ints, cache: Cache) -> Floats:
        """Read solution tokens (batch, time) behind the cached ones; (batch, time, width)."""
        time, end = tokens.shape[1], cache.length + tokens.shape[1]
        mask = None
        if time > 1:
            mask = np.arange(end) <= np.arange(cache.length, end)[:, None]
        return self.stack.read(self.embedding[tokens], cache, mask)

    def logits(self, states: Floats) -> Floats:
        """Return the scores of the next token, (..., vocabulary)."""
        scores: Floats = states @ self.head
        return scores
