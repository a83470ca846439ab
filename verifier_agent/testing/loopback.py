"""What the loopback servers have in common: a real HTTP server on 127.0.0.1 that counts."""

from __future__ import annotations

import json
import selectors
import socket
import socketserver
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from verifier_agent.testing.ledger import Ledger, Served

PIECE = 16
"""Bytes that are sent at once where a body is to come slowly."""


class LoopbackHttp(ThreadingHTTPServer):
    """A thread per connection, on a free port."""

    request_queue_size = 512
    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[LoopbackHandler], ledger: Ledger) -> None:
        self.ledger = ledger
        self.closing = threading.Event()
        self.failures: list[Exception] = []
        """What the functions that the test gave raised."""
        super().__init__(("127.0.0.1", 0), handler)

    def server_bind(self) -> None:
        """Bind only; HTTPServer's own looks its name up in the DNS."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing on stderr: clients that leave are what some tests are about."""


class LoopbackHandler(BaseHTTPRequestHandler):
    """How answers are sent, and how connections are broken."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LoopbackHttp
    status: int | None = None

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def read(self) -> bytes:
        """Return the body of the request."""
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def head(self, status: int, headers: dict[str, str], kind: str = "application/json") -> None:
        """Send a status line and headers."""
        self.status = status
        self.send_response(status)
        for name, value in {"content-type": kind, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        """Send JSON."""
        raw = json.dumps(body).encode()
        self.head(status, {"content-length": str(len(raw)), **(headers or {})})
        self.wfile.write(raw)

    def send_page(self) -> None:
        """Send a page of HTML with status 200, as a proxy does."""
        raw = b"<!doctype html><title>Please sign in</title>"
        self.head(200, {"content-length": str(len(raw))}, "text/html; charset=utf-8")
        self.wfile.write(raw)

    def send_spoilt(self, raw: bytes, fault: str, slow: float, headers: dict[str, str]) -> bool:
        """Send JSON with a fault in it, if it is one of the body; False if it is not whole.

        `slow`: seconds over which it is sent.
        """
        half = raw[: len(raw) // 2]
        if fault == "malformed":
            raw = half  # announced with its own length, so that only the JSON is broken
        self.head(200, {"content-length": str(len(raw)), **headers})
        if slow:
            return self.drip(raw, slow) or self.reset()
        self.wfile.write(half if fault == "truncate" else raw)
        self.close_connection = self.close_connection or fault == "truncate"
        return fault != "truncate"

    def drip(self, raw: bytes, seconds: float) -> bool:
        """Send a body a few bytes at a time, over so long; False if the client left."""
        parts = [raw[at : at + PIECE] for at in range(0, len(raw), PIECE)]
        for part in parts:
            if not self.wait(seconds / len(parts)):
                return False
            self.wfile.write(part)
        return True

    def wait(self, seconds: float) -> bool:
        """Wait; False as soon as the client has left or the server closes."""
        until = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            while (left := until - time.monotonic()) > 0:
                if self.server.closing.is_set():
                    return False
                readable = selector.select(min(left, 0.02))
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    return False
        return True

    def reset(self) -> bool:
        """Close at once, so that the client sees a broken connection; always False."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True
        return False


class LoopbackServer:
    """A server as a context manager; its counts stay readable after it is left.

    Leaving it raises the first error that a function of the test raised, so that an assertion
    inside of it fails the test (the client gets status 500 at once).
    """

    def __init__(self, http: LoopbackHttp) -> None:
        self._http, self._ledger = http, http.ledger
        self.root = f"http://127.0.0.1:{http.server_address[1]}"
        """The URL without a path."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._http.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self.settle(5.0)
        self._ledger.close()
        if self._http.failures and error is None:
            raise self._http.failures[0]

    def settle(self, seconds: float = 10.0) -> bool:
        """Wait until no request is in work; False if one still is after `seconds`."""
        return self._ledger.settle(seconds)

    @property
    def calls(self) -> int:
        """How many paid requests have arrived, failed ones included."""
        return self._ledger.calls

    @property
    def input_tokens(self) -> int:
        """Prompt tokens billed so far."""
        return self._ledger.tokens[0]

    @property
    def output_tokens(self) -> int:
        """Generated tokens billed so far."""
        return self._ledger.tokens[1]

    @property
    def peak(self) -> int:
        """The most requests that were in work at the same time."""
        return self._ledger.peak

    @property
    def served(self) -> list[Served]:
        """The requests that are done, in the order in which they ended; `settle` first."""
        return self._ledger.served
