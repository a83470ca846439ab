"""What a reward model keeps of the passages it read, so that no line is computed twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from verifier_agent.embedded.transformer import Floats

KEPT_BYTES = 64 * 2**20
"""About 12,000 tokens at 5,376 bytes each: 16 solutions of some 8 of the longest questions."""


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A question or a whole line as it was read behind the passages before it."""

    reader: Floats
    """The reader's keys and values, from `Cache.part`."""
    judge: Floats
    """The judge's."""
    state: Floats
    """The reader's state at the last token, (1, 1, width)."""
    score: float = 1.0
    """P(line right); 1 for a question."""

    @property
    def bytes(self) -> int:
        """What it takes of memory, its key left out."""
        return self.reader.nbytes + self.judge.nbytes + self.state.nbytes


Key = tuple[tuple[int, ...], ...]


class Kept(Protocol):
    """What can be kept of a passage."""

    @property
    def bytes(self) -> int:
        """What it takes of memory, its key left out."""
        ...


Kind = TypeVar("Kind", bound=Kept)


class Passages(Generic[Kind]):
    """The passages used last, at most `limit` bytes of them; safe to share between threads.

    A path is a question and the lines behind it. Passages are found by the token ids of all of
    their path, passage by passage, and the last of a path are forgotten first.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Kind] = OrderedDict()
        self.bytes = 0
        """How much is kept."""

    def known(self, path: Sequence[Sequence[int]]) -> list[Kind]:
        """Return the passages of the longest beginning of a path that is kept."""
        found = []
        with self._lock:
            for key in keys(path):
                if key not in self._kept:
                    break
                found.append(self._kept[key])
        return found

    def keep(self, path: Sequence[Sequence[int]], passages: Sequence[Kind]) -> None:
        """Keep the passages of a path as those used last; forget those unused for longest."""
        with self._lock:
            for key, passage in reversed(list(zip(keys(path), passages, strict=True))):
                before = self._kept.pop(key, None)
                self.bytes += passage.bytes - (before.bytes if before else 0)
                self._kept[key] = passage
            while self.bytes > self._limit:
                _, oldest = self._kept.popitem(last=False)
                self.bytes -= oldest.bytes


def keys(path: Sequence[Sequence[int]]) -> list[Key]:
    """Return the token ids up to the end of each passage, cut as the path is."""
    whole = tuple(map(tuple, path))
    return [whole[:end] for end in range(1, len(whole) + 1)]
