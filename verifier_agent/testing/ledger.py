"""What a loopback server was asked and what it billed; safe across threads, and on disk."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier_agent.testing.script import Fault, Reply, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One request that the server is done with, whatever became of it."""

    request: Request
    said: Reply | Fault | None
    """None: the script itself failed."""
    status: int | None
    """None: no status line was sent."""
    input_tokens: int
    output_tokens: int
    """An answer in one piece is billed whole, even if the client left; a stream until it left."""
    complete: bool
    """True if the whole answer was handed to the network."""
    ended: float
    """Seconds since the epoch."""


class Ledger:
    """Counts arrivals, tokens and requests in work.

    Tokens are billed before the bytes they pay for are sent, so a client that has its answer
    finds it counted. The file, if there is one, gets a JSON line per arrival
    (event, index, time, body) and one per end (event, index, time, status, input_tokens,
    output_tokens, complete), each appended by one write.
    """

    def __init__(self, log: str | Path | None = None) -> None:
        self._changed = threading.Condition()
        self._seen: Counter[str] = Counter()
        self._bills: dict[int, tuple[int, int]] = {}
        self._served: list[Served] = []
        self._in_work = self._peak = 0
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._file = None if log is None else os.open(log, flags, 0o644)

    def arrive(
        self, path: str, sent: dict[str, Any], kept: dict[str, Any], headers: dict[str, str]
    ) -> Request:
        """Count a request: `sent` is its body, `kept` what the server looks at."""
        key = path + json.dumps(sent, sort_keys=True)
        with self._changed:
            self._seen[key] += 1
            request = Request(
                index=len(self._bills),
                attempt=self._seen[key],
                body=kept,
                headers=headers,
                path=path,
                arrived=time.time(),
            )
            self._bills[request.index] = (0, 0)
            self._in_work += 1
            self._peak = max(self._peak, self._in_work)
            self._write(event="arrived", index=request.index, time=request.arrived, body=sent)
        return request

    def bill(self, request: Request, input_tokens: int, output_tokens: int) -> None:
        """Set what a request costs so far."""
        with self._changed:
            self._bills[request.index] = (input_tokens, output_tokens)

    def leave(
        self, request: Request, said: Reply | Fault | None, status: int | None, complete: bool
    ) -> None:
        """Close a request."""
        with self._changed:
            input_tokens, output_tokens = self._bills[request.index]
            served = Served(
                request=request,
                said=said,
                status=status,
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                complete=complete,
                ended=time.time(),
            )
            self._served.append(served)
            self._in_work -= 1
            self._write(
                event="served",
                index=request.index,
                time=served.ended,
                status=status,
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                complete=complete,
            )
            self._changed.notify_all()

    def settle(self, seconds: float) -> bool:
        """Wait until no request is in work; False if one still is after `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._in_work == 0, timeout=seconds)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def calls(self) -> int:
        """Requests that have arrived."""
        with self._changed:
            return len(self._bills)

    @property
    def peak(self) -> int:
        """The most requests in work at once."""
        with self._changed:
            return self._peak

    @property
    def tokens(self) -> tuple[int, int]:
        """Prompt and generated tokens billed."""
        with self._changed:
            bills = list(self._bills.values())
        return sum(prompt for prompt, _ in bills), sum(output for _, output in bills)

    @property
    def served(self) -> list[Served]:
        """The requests that are done, in the order in which they ended."""
        with self._changed:
            return list(self._served)

    def _write(self, **line: Any) -> None:
        if self._file is not None:
            os.write(self._file, json.dumps(line).encode() + b"\n")
