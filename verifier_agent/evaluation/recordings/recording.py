"""The file that live runs are recorded in: a pool that grows, question by question, and survives
a kill at any moment."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.recordings.data import Entry
from verifier_agent.evaluation.recordings.lines import GZIP, Line
from verifier_agent.evaluation.recordings.transcripts import BEGINNING, Transcript

CHUNK = 2**16
Plain = dict[str, Any]


class Recording:
    """What a file holds already, and the way to add to it.

    Each question is one write, flushed to the disk: a line, or with gzip (a name that ends in
    ".gz") a member that holds one, since members one after another are a valid gzip file.
    Opening it takes away what a kill left half written, locks the file where the system can, and
    raises ConfigurationError, changing nothing, unless the file is empty, new, or a recording of
    the same `entries` with the same `setup`.
    """

    def __init__(self, path: Path | str, setup: Plain, entries: Sequence[Entry]) -> None:
        self._path = Path(path)
        self._setup = setup
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from None
        try:
            self._lock()
            data = self._path.read_bytes()
            held, whole, torn = _read(data)
            self.known = self._known(held, {entry.id: entry for entry in entries})
            """Transcripts by the id of their question."""
            if torn and not (torn.startswith(BEGINNING) or BEGINNING.startswith(torn)):
                raise self._refused("its last line was not written by an evaluation")
            self._packed = data.startswith(GZIP) if whole else self._path.suffix == ".gz"
            os.truncate(self._file, whole)
        except (zlib.error, ConfigurationError) as error:
            os.close(self._file)
            if isinstance(error, ConfigurationError):
                raise
            raise self._refused(f"the gzip stream is damaged: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        os.close(self._file)

    def add(self, line: bytes) -> None:
        """Append one question's line; it is on the disk when this returns."""
        data = gzip.compress(line, mtime=0) if self._packed else line
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from None

    def _known(self, held: Sequence[bytes], entries: Mapping[str, Entry]) -> dict[str, Transcript]:
        known: dict[str, Transcript] = {}
        for number, data in enumerate(held, start=1):
            if not data.startswith(BEGINNING):
                raise self._refused(f"line {number} was not written by an evaluation")
            transcript = Line(str(self._path), number, data).read(Transcript)
            self._check(transcript, entries.get(transcript.id))
            known[transcript.id] = transcript
        return known

    def _check(self, transcript: Transcript, entry: Entry | None) -> None:
        name = transcript.id
        if entry is None:
            raise self._refused(f"it holds question {name!r}, which the data does not")
        for field in ("question", "gold", "level", "context"):
            if getattr(transcript, field) != getattr(entry, field):
                raise self._refused(f"{field} of {name!r} is another one than in the data")
        was, now = transcript.live.setup, self._setup
        for part in {**was, **now}:
            if was.get(part) != now.get(part):
                raise self._refused(
                    f"it was recorded with {part}={was.get(part)!r}, this is {now.get(part)!r}"
                )

    def _refused(self, why: str) -> ConfigurationError:
        return ConfigurationError(f"record={str(self._path)!r}: {why}; name another file")

    def _lock(self) -> None:
        try:
            fcntl = import_module("fcntl")
        except ImportError:  # not a system that has it
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._refused("another process is recording into it") from None


def _read(data: bytes) -> tuple[list[bytes], int, bytes]:
    """Return the whole lines, the bytes they take in the file, and what is left of a torn one.

    Raises zlib.error for a gzip stream with a fault other than its early end.
    """
    if not data.startswith(GZIP):
        whole = data.rfind(b"\n") + 1
        return data[:whole].splitlines(), whole, data[whole:]
    lines: list[bytes] = []
    view, at = memoryview(data), 0
    while at < len(data):
        member, start, text = zlib.decompressobj(wbits=31), at, bytearray()
        while not member.eof and at < len(data):
            chunk = view[at : at + CHUNK]
            text += member.decompress(chunk)
            at += len(chunk)
        if not member.eof:
            return lines, start, bytes(text)
        at -= len(member.unused_data)
        lines += bytes(text).splitlines()
    return lines, at, b""
