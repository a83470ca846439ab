"""The seam of the runtimes: a causal transformer with a head, which reads on behind what it knows.

Everything about padding and masks stands here, once; a runtime only multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from verifier_agent.errors import MissingExtra
from verifier_agent.plain import Value

try:
    import numpy as np
    from numpy.typing import NDArray
except ImportError as error:
    raise MissingExtra("a local reward model", "onnx") from error

Array: TypeAlias = Any
"""Keys and values, (layers, 2, batch, heads, tokens, head): of numpy, or of torch on its device."""
Row: TypeAlias = tuple[float, ...]
"""What the head says of one token."""

HIDDEN = -1e9
"""Added to the attention of a token to what it may not see."""
BATCH_TOKENS = 8192
"""Tokens in one batch, padding and past included, unless a single sequence has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Value):
    """The sizes of a network."""

    layers: int
    heads: int
    """Of keys and values."""
    head: int
    """Numbers in each."""
    outputs: int
    """Of the head that scores."""
    window: int
    """The most tokens of one sequence."""
    parameters: int
    """Weights that a token passes, embeddings left out."""


class Network(Protocol):
    """A runtime."""

    @property
    def shape(self) -> Shape:
        """Its sizes."""
        ...

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Return an array of keys and values on the runtime's device."""
        ...

    def run(
        self,
        ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        mask: NDArray[np.float32],
        past: Array,
    ) -> tuple[NDArray[np.float32], Array]:
        """Read `ids` (batch, new) behind `past`.

        `mask` (batch, 1, new, past + new) is added to attention. Returns the head's rows (batch,
        new, outputs) and the keys and values of the new tokens.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A part of a sequence as it was read behind the parts before it."""

    known: Array
    """Its keys and values, with a batch of one."""
    row: Row
    """What the head says of its last token."""

    @property
    def bytes(self) -> int:
        """What it takes of memory, its key left out."""
        return int(self.known.nbytes)


@dataclass(frozen=True, slots=True)
class Job:
    """Segments to be read behind those that are known."""

    before: Sequence[Segment]
    fresh: Sequence[tuple[int, ...]]

    @property
    def past(self) -> int:
        """Tokens that are known."""
        return sum(segment.known.shape[4] for segment in self.before)

    @property
    def new(self) -> int:
        """Tokens to be read."""
        return sum(map(len, self.fresh))


def read(network: Network, jobs: Sequence[Job]) -> list[list[Segment]]:
    """Do jobs in batches of like lengths; return the fresh segments of each."""
    order = sorted(range(len(jobs)), key=lambda at: (jobs[at].new, jobs[at].past))
    found: dict[int, list[Segment]] = {}
    batch: list[int] = []
    for at in reversed(order):
        if batch and not _fits([jobs[i] for i in (*batch, at)]):
            found |= zip(batch, _read_batch(network, [jobs[i] for i in batch]), strict=True)
            batch = []
        batch.append(at)
    if batch:
        found |= zip(batch, _read_batch(network, [jobs[i] for i in batch]), strict=True)
    return [found[at] for at in range(len(jobs))]


def _fits(jobs: Sequence[Job]) -> bool:
    """Whether jobs, the longest first, make a batch neither too large nor mostly padding."""
    new, past = jobs[0].new, max(job.past for job in jobs)
    return 2 * jobs[-1].new >= new and len(jobs) * (new + past) <= BATCH_TOKENS


def _read_batch(network: Network, jobs: Sequence[Job]) -> list[list[Segment]]:
    """Read jobs at once: what is known is padded on the left, what is new on the right."""
    shape = network.shape
    past, new = max(job.past for job in jobs), max(job.new for job in jobs)
    size = (shape.layers, 2, len(jobs), shape.heads, past, shape.head)
    known = network.zeros(size)
    ids = np.zeros((len(jobs), new), np.int64)
    positions = np.tile(np.arange(new), (len(jobs), 1))
    mask = np.zeros((len(jobs), 1, new, past + new), np.float32)
    mask[..., past:] = np.triu(np.full((new, new), HIDDEN, np.float32), 1)
    for row, job in enumerate(jobs):
        at = past - job.past
        mask[row, ..., :at] = HIDDEN
        positions[row] += job.past
        for segment in job.before:
            end = at + segment.known.shape[4]
            known[:, :, row, :, at:end] = segment.known[:, :, 0]
            at = end
        ids[row, : job.new] = [token for segment in job.fresh for token in segment]
    rows, made = network.run(ids, positions, mask, known)
    return [_segments(network, job, rows[row], made[:, :, row]) for row, job in enumerate(jobs)]


def _segments(network: Network, job: Job, rows: NDArray[np.float32], made: Array) -> list[Segment]:
    """Cut what was read into segments; copies, for a view would keep the whole batch alive."""
    shape, start, segments = network.shape, 0, []
    for ids in job.fresh:
        end = start + len(ids)
        own = network.zeros((shape.layers, 2, 1, shape.heads, len(ids), shape.head))
        own[:, :, 0] = made[:, :, :, start:end]
        segments.append(Segment(own, tuple(float(number) for number in rows[end - 1])))
        start = end
    return segments
