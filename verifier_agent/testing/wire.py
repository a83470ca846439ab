"""The HTTP side of the loopback server: routes, answers, streams and the faults on the wire."""

from __future__ import annotations

import json
import selectors
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from verifier_agent.testing.completions import Completion, Tokenizer
from verifier_agent.testing.dialects import DIALECTS, Dialect
from verifier_agent.testing.ledger import Ledger
from verifier_agent.testing.script import Fault, Reply, Request, Script


class LoopbackHttp(ThreadingHTTPServer):
    """A thread per connection, on a free port of 127.0.0.1."""

    request_queue_size = 512
    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        script: Script,
        tokenize: Tokenizer,
        ledger: Ledger,
        *,
        ignores: Collection[str],
        model: str,
    ) -> None:
        self.script, self.tokenize, self.ledger = script, tokenize, ledger
        self.ignores, self.model = frozenset(ignores), model
        self.closing = threading.Event()
        self.failures: list[Exception] = []
        """What the script raised."""
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        """Bind only; HTTPServer's own looks its name up in the DNS."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing on stderr: clients that leave are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LoopbackHttp
    status: int | None = None
    dialect: Dialect = DIALECTS[0]

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            return self._refuse(404, f"no such route: {self.path}")
        entry = {"id": self.server.model, "object": "model", "owned_by": "loopback"}
        return self._send(200, {"object": "list", "data": [entry]})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        spoken = [dialect for dialect in DIALECTS if dialect.path == self.path.partition("?")[0]]
        if not spoken:
            return self._refuse(404, f"no such route: {self.path}")
        (self.dialect,) = spoken
        try:
            body = json.loads(raw)
        except ValueError:
            return self._refuse(400, "the body is not JSON")
        read = self.dialect.read(body) if isinstance(body, dict) else {}
        if problem := _problem(read):
            return self._refuse(400, problem)
        kept = {name: value for name, value in read.items() if name not in self.server.ignores}
        headers = {name.lower(): value for name, value in self.headers.items()}
        return self._serve(self.server.ledger.arrive(body, kept, headers))

    def _serve(self, request: Request) -> None:
        said: Reply | Fault | None = None
        complete = False
        self.status = None
        try:
            said = self.server.script(request)
            complete = self._say(said, request)
        except OSError:
            self.close_connection = True  # the client left
        except Exception as error:  # a bug in the script: both sides are told
            self.server.failures.append(error)
            self._refuse(500, f"the script failed: {error!r}")
        finally:
            self.server.ledger.leave(request, said, self.status, complete)

    def _say(self, said: Reply | Fault, request: Request) -> bool:
        fault = said.kind if isinstance(said, Fault) else ""
        reply = said.reply if isinstance(said, Fault) else said
        if isinstance(said, Fault) and fault == "status":
            wait = {} if said.retry_after is None else {"retry-after": f"{said.retry_after:g}"}
            self._refuse(said.status, "scripted failure", wait)
            return True
        completion = Completion.of(request, reply, self.server.tokenize)
        streams = bool(request.body.get("stream")) and fault not in ("drop", "hang")
        self._bill(completion, 0 if streams else completion.usage.output_tokens)
        here = self._wait(reply.delay)
        if isinstance(said, Fault) and fault == "hang":
            self._wait(said.seconds)
        if not here or fault in ("drop", "hang"):
            return self._reset()
        return (self._stream if streams else self._answer)(completion, reply, fault)

    def _bill(self, completion: Completion, output_tokens: int) -> None:
        usage = completion.usage
        self.server.ledger.bill(completion.request, usage.input_tokens, output_tokens)

    def _answer(self, completion: Completion, reply: Reply, fault: str) -> bool:
        said = completion.silent() if fault == "empty" else completion
        raw = json.dumps(self.dialect.answer(said)).encode()
        half = raw[: len(raw) // 2]
        if fault == "malformed":
            raw = half  # announced with its own length, so that only the JSON is broken
        self._head(200, {"content-length": str(len(raw))})
        self.wfile.write(half if fault == "truncate" else raw)
        self.close_connection = self.close_connection or fault == "truncate"
        return fault != "truncate"

    def _stream(self, completion: Completion, reply: Reply, fault: str) -> bool:
        said = completion.silent() if fault == "empty" else completion
        events = list(self.dialect.events(said))
        broken = fault in ("truncate", "malformed")
        if broken:
            events = events[: (len(events) + 1) // 2]
        self._head(200, {"transfer-encoding": "chunked"}, self.dialect.stream_type)
        billed = 0
        for event, tokens in events:
            if not self._wait(reply.pace):
                return self._reset()
            billed += tokens
            self._bill(completion, billed)
            self._chunk(event)
        if fault == "truncate":
            return self._reset()
        if fault == "malformed":
            self._chunk(events[-1][0].rstrip()[:-2] + "\n\n")
        # a usage that the script overrides is what a whole stream costs
        self._bill(completion, completion.usage.output_tokens)
        if ending := self.dialect.ending():
            self._chunk(ending)
        self.wfile.write(b"0\r\n\r\n")
        return not broken

    def _chunk(self, text: str) -> None:
        raw = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))

    def _head(self, status: int, headers: dict[str, str], kind: str = "application/json") -> None:
        self.status = status
        self.send_response(status)
        for name, value in {"content-type": kind, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(body).encode()
        self._head(status, {"content-length": str(len(raw)), **(headers or {})})
        self.wfile.write(raw)

    def _refuse(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        self._send(status, self.dialect.refusal(status, why), headers)

    def _wait(self, seconds: float) -> bool:
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

    def _reset(self) -> bool:
        """Close at once, so that the client sees a broken connection; always False."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True
        return False


def _problem(body: dict[str, Any]) -> str:
    """Say what a real server would turn down; empty if nothing."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages: a list with at least one message is needed"
    if not all(isinstance(m, dict) and isinstance(m.get("role"), str) for m in messages):
        return "messages: each one is an object with a role"
    for name in ("n", "max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and not (isinstance(value, int) and value >= 1):
            return f"{name}: {value!r} is not a positive whole number"
    return ""
