"""What the loopback servers have in common: a real HTTP server on 127.0.0.1 that counts."""

from __future__ import annotations

import json
import selectors
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from verifier_agent.testing.ledger import Ledger, Served
from verifier_agent.testing.script import Fault, Reply, Request

PIECE = 16
"""Bytes that are sent at once where a body is to come slowly."""


class LoopbackHttp(ThreadingHTTPServer):
    """A thread per connection, on a free port."""

    request_queue_size = 512
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, handler: type[LoopbackHandler], ledger: Ledger, script: Callable[[Request], Any]
    ) -> None:
        self.ledger, self.script = ledger, script
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
    """How requests are served, answers sent, and connections broken."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 20
    """An answer's last bytes leave after its request is noted, so that a client that has the whole
    answer finds it in the ledger."""
    server: LoopbackHttp
    status: int | None = None

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def read(self) -> bytes:
        """Return the body of the request."""
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def serve(self, sent: dict[str, Any], kept: dict[str, Any]) -> None:
        """Say to a request what the script wants, and note what came of it.

        `sent` is its body, `kept` what the server looks at.
        """
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = self.server.ledger.arrive(self.path, sent, kept, headers)
        said: Any = None
        complete, self.status = False, None
        try:
            said = self.server.script(request)
            complete = self.say(said, request)
        except OSError:
            self.close_connection = True  # the client left
        except Exception as error:  # a bug in the script: both sides are told
            self.server.failures.append(error)
            self.refuse(500, f"the script failed: {error!r}")
        finally:
            noted = said if isinstance(said, Reply | Fault) else None
            self.server.ledger.leave(request, noted, self.status, complete)

    def say(self, said: Any, request: Request) -> bool:
        """Send what the script said; True if the whole answer was handed to the network."""
        raise NotImplementedError

    def refuse(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        """Send an HTTP error, as this server words it."""
        raise NotImplementedError

    def fail(self, fault: Fault | None) -> bool:
        """Send the status or the page that a fault puts in the answer's place, if it does."""
        if fault is not None and fault.kind == "status":
            wait = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
            self.refuse(fault.status, "scripted failure", wait)
        elif fault is not None and fault.kind == "html":
            self.send_page()
        else:
            return False
        return True

    def stay(self, fault: Fault | None, delay: float) -> bool:
        """Wait before the answer; False if the client left, or the fault is that none comes."""
        here = self.wait(delay)
        if fault is not None and fault.kind == "hang":
            self.wait(fault.seconds)
        return here and not (fault is not None and fault.kind in ("drop", "hang"))

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

    def send_spoilt(self, raw: bytes, fault: Fault | None, headers: dict[str, str]) -> bool:
        """Send JSON with a fault in it, if it is one of the body; False if it is not whole."""
        kind, half = fault.kind if fault else "", raw[: len(raw) // 2]
        if kind == "malformed":
            raw = half  # announced with its own length, so that only the JSON is broken
        self.head(200, {"content-length": str(len(raw)), **headers})
        if fault and kind == "drip":
            return self.drip(raw, fault.seconds) or self.reset()
        self.wfile.write(half if kind == "truncate" else raw)
        self.close_connection = self.close_connection or kind == "truncate"
        return kind != "truncate"

    def drip(self, raw: bytes, seconds: float) -> bool:
        """Send a body a few bytes at a time, over so long; False if the client left."""
        parts = [raw[at : at + PIECE] for at in range(0, len(raw), PIECE)]
        for part in parts:
            self.wfile.flush()
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
        self.wfile.flush()
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
        """The requests that are done, in the order in which they ended."""
        return self._ledger.served
