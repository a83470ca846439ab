"""Before a request is read: who asks, how much is sent, and whether there is room. ASGI only."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from verifier_agent.integrations.server.gate import Gate
from verifier_agent.integrations.server.keys import NOBODY, Ring
from verifier_agent.integrations.server.metrics import Metrics
from verifier_agent.integrations.server.refusals import Refused

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = frozenset({"/healthz", "/openapi.json"})
"""What anybody may see."""
WORK = frozenset({"/v1/chat/completions", "/v1/responses"})
"""What takes a place."""
HERE = frozenset({b"localhost", b"127.0.0.1", b"[::1]", b"::1"})
"""The names of this machine; a page in a browser can reach it under another one."""


@dataclass(frozen=True)
class Door:
    """Lets a request through, or says why not, and counts it."""

    app: App
    _: KW_ONLY
    ring: Ring
    gate: Gate
    metrics: Metrics
    most_bytes: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started, status = time.perf_counter(), 500
        number = uuid.uuid4().hex

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
            await send(message)

        scope.setdefault("state", {})["key"] = NOBODY
        try:
            await self._through(scope, receive, sending)
        except Refused as refused:
            await refused.response()(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            seconds = time.perf_counter() - started
            self.metrics.served(route, status, scope["state"]["key"].name, seconds)
        return None

    async def _through(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if scope["path"] not in OPEN:
            if self.ring:
                scope["state"]["key"] = self.ring.find(headers.get(b"authorization", b""))
            elif _host(headers.get(b"host", b"")) not in HERE:
                raise Refused(403, "without keys this server answers to its own machine only")
        if scope["method"] == "POST" and scope["path"] in WORK:
            body = await self._body(headers, receive)
            async with self.gate.place():
                await self.app(scope, _again(body, receive), send)
        else:
            await self.app(scope, receive, send)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Read the whole body before a place is taken, so that slow clients take none."""
        told = headers.get(b"content-length", b"0")
        if told.isdigit() and int(told) > self.most_bytes:
            raise self._too_large()
        pieces, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise Refused(400, "the client left before its request was read")
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            more = message.get("more_body", False)
            if size > self.most_bytes:
                raise self._too_large()
        return b"".join(pieces)

    def _too_large(self) -> Refused:
        return Refused(413, f"a request has at most {self.most_bytes} bytes", code="too_large")


def _host(header: bytes) -> bytes:
    name, colon, port = header.rpartition(b":")
    return name if colon and port.isdigit() else header


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read, and then what comes after it."""
    given = False

    async def receiving() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving
