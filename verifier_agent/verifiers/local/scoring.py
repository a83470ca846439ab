"""Readings to rows: each token is computed once, whoever asks, and those who wait share a batch."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verifier_agent.embedded.passages import Key, Passages, keys
from verifier_agent.verifiers.local.network import Job, Network, Row, Segment, read
from verifier_agent.verifiers.local.readings import Reading

KEPT_BYTES = 256 * 2**20
"""Of keys and values, 2 · layers · heads · head · bytes of a number for each token: 512 tokens of
Llama-2-7B in 16 bits, 4,681 of Qwen2.5-7B, whose heads of keys are shared, and 10,922 of
Qwen2.5-0.5B in 32."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a network said of a reading."""

    rows: tuple[Row, ...]
    """One for each place that is read."""
    computed: int
    """Tokens that were computed for it; the others were known, or read for another one."""


class Scoring:
    """A network with what it read last, safe to share between threads.

    One thread computes at a time; what others ask for in the meantime is done in its next batch.
    """

    def __init__(self, network: Network, kept_bytes: int = KEPT_BYTES) -> None:
        self.network = network
        self.passages: Passages[Segment] = Passages(kept_bytes)
        self.waiting: list[_Request] = []
        """Of threads that have asked, and that nobody computes for yet."""
        self._queue, self._work = threading.Lock(), threading.Lock()

    def read(self, readings: Sequence[Reading]) -> list[Read]:
        """Return what the network says of each reading; raises what its runtime raises."""
        request = _Request(readings)
        with self._queue:
            self.waiting.append(request)
        with self._work:
            if not request.done:
                with self._queue:
                    requests, self.waiting = self.waiting, []
                try:
                    self._serve(requests)
                finally:  # whoever computed was interrupted, perhaps: the others still wait
                    with self._queue:
                        self.waiting += [r for r in requests if not r.done and r is not request]
        if request.error is not None:
            raise request.error
        return request.found

    def _serve(self, requests: Sequence[_Request]) -> None:
        """Do requests together; if that fails each alone, so that one cannot spoil another."""
        try:
            found = iter(self._read([one for request in requests for one in request.readings]))
            for request in requests:
                request.found = [next(found) for _ in request.readings]
                request.done = True
        except Exception as error:
            if len(requests) == 1:
                requests[0].error = error
                requests[0].done = True
            else:
                for request in requests:
                    self._serve([request])

    def _read(self, readings: Sequence[Reading]) -> list[Read]:
        held: dict[Key, Segment] = {}
        paths = [keys(reading.segments) for reading in readings]
        for reading, path in zip(readings, paths, strict=True):
            held |= zip(path, self.passages.known(reading.segments), strict=False)
        computed = [0] * len(readings)
        while missing := _first_of_each_branch(paths, held):
            places = [(at, sum(key in held for key in paths[at])) for at in missing]
            jobs = [
                Job([held[key] for key in paths[at][:known]], readings[at].segments[known:])
                for at, known in places
            ]
            for (at, known), job, made in zip(places, jobs, read(self.network, jobs), strict=True):
                computed[at] = job.new
                held |= zip(paths[at][known:], made, strict=True)
        for reading, path in zip(readings, paths, strict=True):
            self.passages.keep(reading.segments, [held[key] for key in path])
        return [
            Read(tuple(held[path[at]].row for at in reading.reads), computed[number])
            for number, (reading, path) in enumerate(zip(readings, paths, strict=True))
        ]


class _Request:
    """Readings that a thread waits for."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings = readings
        self.found: list[Read] = []
        self.error: Exception | None = None
        self.done = False


def _first_of_each_branch(paths: Sequence[Sequence[Key]], held: Iterable[Key]) -> list[int]:
    """Return the longest reading behind each place where something is missing first.

    What several have in common is so read once, and the rest of all of them in one next batch.
    """
    known = set(held)
    longest: dict[Key, int] = {}
    for number, path in enumerate(paths):
        first = next((key for key in path if key not in known), None)
        if first is not None:
            best = longest.setdefault(first, number)
            if len(path) > len(paths[best]):
                longest[first] = number
    return sorted(longest.values())
