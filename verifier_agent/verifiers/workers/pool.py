"""Processes for computations that may never end: asked over pipes, ended when time is up.

Libraries of symbolic mathematics limit time with an alarm, which works in the main thread only, or
not at all. A process of its own can be ended from any thread, in the middle of anything.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

from verifier_agent.errors import ConfigurationError, VerifierUnavailable

SCRIPT = Path(__file__).with_name("worker.py")
START = 120.0
"""Seconds of the clock in which a worker has to be ready: it loads large libraries."""
MOST = 4
"""Workers of a pool that nobody gave a size: each holds large libraries in memory."""
LONGEST = 1 << 20
"""Characters of a question, and bytes of an answer."""


class Workers:
    """A pool of worker processes of one kind, for any number of threads.

    They start when they are needed, `most` at a time (None: one per processor, at most 4); further
    questions wait. One that does not answer in time is killed, and another takes its place for the
    next question. All end with this process, and when nothing refers to the pool any more.
    """

    def __init__(self, kind: str, *, most: int | None) -> None:
        most = min(os.cpu_count() or 1, MOST) if most is None else most
        if isinstance(most, bool) or most < 1:
            raise ConfigurationError(f"workers={most!r}: a whole number above 0 is needed")
        self.kind = kind
        self.most = most
        self._slots = threading.Semaphore(most)
        self._idle: list[_Worker] = []
        self._process = os.getpid()
        self._end = weakref.finalize(self, _end_all, self._idle)

    def __getstate__(self) -> dict[str, Any]:
        return {"kind": self.kind, "most": self.most}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]  # workers are not passed on

    def ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Return the worker's answer; {"unknown": why} if it has none within `seconds`.

        Time begins when a worker is ready. Raises VerifierUnavailable if none can be started.
        """
        line = json.dumps(question).encode() + b"\n"
        if len(line) > LONGEST:
            return {"unknown": f"{len(line)} bytes are too much to ask"}
        if self._process != os.getpid():  # a fork: the workers belong to the parent
            self.__init__(self.kind, most=self.most)  # type: ignore[misc]
        with self._slots:
            worker = self._take()
            answer = worker.ask(line, seconds)
            if worker.lost:
                worker.end()
            else:
                self._idle.append(worker)
        return answer

    def _take(self) -> _Worker:
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                return _Worker(self.kind)
            if worker.process.poll() is None:
                return worker
            worker.end()

    def close(self) -> None:
        """End all idle workers."""
        _end_all(self._idle)


class _Worker:
    def __init__(self, kind: str) -> None:
        self.lost = False
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-s", str(SCRIPT), kind],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                start_new_session=True,  # an interrupt at the keyboard is for the parent
            )
        except OSError as error:  # too many processes, or files, or too little memory
            raise VerifierUnavailable(f"a worker for {kind} does not start: {error}") from None
        ready = self._read(START)
        if "ready" not in ready:
            self.end()
            why = ready.get("missing") or ready.get("unknown")
            raise VerifierUnavailable(f"a worker for {kind} does not start: {why}")

    def ask(self, line: bytes, seconds: float) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line)
        except OSError:
            self.lost = True
            return {"unknown": "the worker died"}
        return self._read(seconds)

    def _read(self, seconds: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        end, said = time.monotonic() + seconds, b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not said.endswith(b"\n"):
                left = end - time.monotonic()
                if left <= 0 or not selector.select(left):
                    self.lost = True
                    return {"unknown": f"no answer within {seconds:g} s"}
                chunk = self.process.stdout.read(1 << 16)
                said += chunk
                if not chunk or len(said) > LONGEST:
                    self.lost = True
                    return {"unknown": "the worker died"}
        answer: dict[str, Any] = json.loads(said)
        return answer

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


def _end_all(workers: list[_Worker]) -> None:
    while workers:
        workers.pop().end()
