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
Complexes: TypeAlias = "NDArray[np.complex64]"
Ints: TypeAlias = "NDArray[np.int64]"

ROTARY_BASE = 1_000.0
QUERY_SCALE = 2.5
"""Normalised queries and keys alone give too flat an attention for exact look-up."""

EPSILON = np.finfo(np.float32).eps


def normalised(x: Floats) -> Floats:
    """Divide by the root mean square of the last axis."""
    mean = np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1])
    scaled: Floats = x / np.sqrt(mean + EPSILON)
    return scaled


def attention(q: Floats, keys: Floats, values: Floats, mask: Floats | None) -> Floats:
    """Average values (batch, heads, seen, head) by how keys match queries (…, time, head).

    `mask`, (time, new), is 0 where a query may not look at one of the last `new` keys.
    """
    weights = q @ keys.swapaxes(2, 3)  # (batch, heads, time, seen), the largest array: in place
    np.exp(weights, out=weights)  # no overflow: normalised, |q k| <= QUERY_SCALE * sqrt(head)
    if mask is not None:
        weights[..., -mask.shape[1] :] *= mask
    total: Floats = weights @ np.ones((keys.shape[2], 1), np.float32)  # faster than a sum
    averaged: Floats = np.divide(weights @ values, total)
    return averaged


def log_softmax(x: Floats) -> Floats:
    """Return log-probabilities, in nats, over the last axis."""
    shifted = x - x.max(axis=-1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logs


class Cache:
    """Keys and values of what was read: (layers, 2, batch, heads, capacity, head)."""

    def __init__(self, shape: tuple[int, int, int, int, int, int]) -> None:
        self._held = np.empty(shape, np.float32)
        self.length = 0

    def append(self, layer: int, k: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Put keys and values behind a layer's; return all of that layer's."""
        end = self.length + k.shape[2]
        held = self._held[layer, :, :, :, :end]
        held[0, :, :, self.length :], held[1, :, :, self.length :] = k, v
        return held[0], held[1]

    def part(self, start: int, end: int) -> Floats:
        """Return a copy of what was read from place `start` to `end`, for `extend`."""
        return self._held[..., start:end, :].copy()

    def extend(self, part: Floats) -> None:
        """Take what `part` returned as read."""
        end = self.length + part.shape[-2]
        self._held[..., self.length : end, :] = part
        self.length = end

    def repeated(self, batch: int, capacity: int) -> Cache:
        """Return a cache for `batch` continuations of this one's single row."""
        layers, two, _, heads, _, head = self._held.shape
        other = Cache((layers, two, batch, heads, capacity, head))
        other.extend(self._held[..., : self.length, :])
        return other

    def keep(self, rows: list[int]) -> None:
        """Forget all rows but these."""
        self._held = self._held[:, :, rows]


class Stack:
    """A stack of blocks over a stream of vectors."""

    def __init__(self, arrays: Mapping[str, Floats], prefix: str, heads: int) -> None:
        self.heads = heads
        self.width = arrays[f"{prefix}.0.out.weight"].shape[0]
        self.head = self.width // heads
        pairs = self.head // 4
        self._frequency = ROTARY_BASE ** (-np.arange(pairs, dtype=np.float32) / pairs)
        # Complex numbers turn by a product, so the two numbers of each pair are put side by side.
        order = np.arange(3 * self.width).reshape(3, heads, self.head)
        halves = order[:2, :, : 2 * pairs].reshape(2, heads, 2, pairs)
        order[:2, :, : 2 * pairs] = halves.swapaxes(2, 3).reshape(2, heads, 2 * pairs)
        self.layers: list[tuple[Floats, Floats, Floats, Floats]] = []
        while f"{prefix}.{len(self.layers)}.qkv.weight" in arrays:
            at = f"{prefix}.{len(self.layers)}"
            qkv, out, up, down = (
                arrays[f"{at}.{name}.weight"] for name in ("qkv", "out", "up", "down")
            )
            self.layers.append((np.take(qkv, order.ravel(), axis=1), out, up, down))

    def cache(self, batch: int, capacity: int) -> Cache:
        """Allocate an empty cache for `capacity` tokens in each of `batch` rows."""
        return Cache((len(self.layers), 2, batch, self.heads, capacity, self.head))

    def read(
        self,
        x: Floats,
        cache: Cache,
        mask: Floats | None = None,
        wanted: Ints | None = None,
    ) -> Floats:
        """Map vectors (batch, time, width) behind the cached ones to normalised states.

        `mask`, (time, time), is 0 where one may not look at another; all see the cached ones.
        `wanted` names the places whose states are returned; None: all.
        """
        end = cache.length + x.shape[1]
        angle = np.arange(cache.length, end, dtype=np.float32)[:, None, None] * self._frequency
        turn = np.exp(1j * angle)  # (time, 1, pairs)
        for number, (qkv, out, up, down) in enumerate(self.layers):
            q, k, v = self._project(x, qkv, turn)
            keys, values = cache.append(number, k, v)
            if wanted is not None and number == len(self.layers) - 1:
                x, q = x[:, wanted], q[:, :, wanted]
                mask = mask if mask is None else mask[wanted]
            y = attention(q, keys, values, mask)
            x = np.add(x, y.swapaxes(1, 2).reshape(x.shape) @ out)
            hidden = normalised(x) @ up
            np.maximum(hidden, 0, out=hidden)
            x += np.square(hidden, out=hidden) @ down
        cache.length = end
        return normalised(x)

    def _project(self, x: Floats, qkv: Floats, turn: Complexes) -> tuple[Floats, Floats, Floats]:
        """Return queries, keys and values, each (batch, heads, time, head)."""
        batch, time, _ = x.shape
        all_three = (normalised(x) @ qkv).reshape(batch, time, 3 * self.heads, self.head)
        both = normalised(all_three[:, :, : 2 * self.heads])
        both[..., : self.head // 2].view(np.complex64)[:] *= turn
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
        time = tokens.shape[1]
        mask = np.tri(time, dtype=np.float32) if time > 1 else None
        return self.stack.read(self.embedding[tokens], cache, mask)

    def logits(self, states: Floats) -> Floats:
        """Return the scores of the next token, (..., vocabulary)."""
        scores: Floats = states @ self.head
        return scores
