"""How runs reach a client that may leave: in one piece, or as a stream of events."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from verifier_agent.errors import VerifierAgentError
from verifier_agent.integrations.server.asking import Ask
from verifier_agent.integrations.server.metrics import Metrics
from verifier_agent.integrations.server.refusals import FINAL, Refused, of_error
from verifier_agent.integrations.server.running import Answered, Runs, Told

BEAT = 10.0
"""Seconds without news after which a stream says that it is alive; proxies close silent ones."""
GRACE = 10.0
"""Seconds that a run may take beyond its own limit before it is ended from outside."""

log = logging.getLogger(__name__)
T = TypeVar("T")


class Form(Protocol):
    """How one API streams: what it sends at the start, for each thing told, and at the end."""

    def begin(self) -> Iterable[str]:
        """Open the stream."""

    def next(self, told: Told) -> Iterable[str]:
        """Say what has happened."""

    def end(self) -> Iterable[str]:
        """Close the stream."""

    def failed(self, refused: Refused) -> Iterable[str]:
        """Say that there is no answer."""


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Runs what is asked for one client, counts it, and says in OpenAI's words what went wrong."""

    metrics: Metrics
    seconds: float
    """Of each run; what has no answer `GRACE` later is ended."""

    async def whole(self, request: Request, ask: Ask) -> list[Answered]:
        """Return all answers; raises Refused. If the client leaves, all is cancelled."""
        async with Runs(ask) as runs:
            try:
                async with asyncio.timeout(self.seconds + GRACE):
                    return await _unless_gone(request, runs.all())
            except Exception as error:
                raise refusal(error) from error
            finally:
                self._count(request, ask, runs)

    async def stream(self, request: Request, ask: Ask, form: Form) -> StreamingResponse:
        """Return the stream of the runs; raises Refused for what is refused before it begins."""
        async with AsyncExitStack() as stack:
            runs = await stack.enter_async_context(Runs(ask))
            stack.callback(self._count, request, ask, runs)
            until = time.monotonic() + self.seconds + GRACE
            try:
                # a run that tells of its first round has settings that hold, and can be paid
                first = await runs.next()
            except Exception as error:
                raise refusal(error) from error
            lines = _lines(runs, first, form, until)
            return EventStream(lines, stack.pop_all())
        raise AssertionError  # the stack swallows nothing

    def _count(self, request: Request, ask: Ask, runs: Runs) -> None:
        key = request.scope["state"]["key"].name
        self.metrics.ran(ask.served, key, runs.ended)


class EventStream(StreamingResponse):
    """A stream of events that closes what stands behind it, even if it is never begun."""

    def __init__(self, lines: AsyncIterator[str], closing: AsyncExitStack) -> None:
        super().__init__(
            lines, media_type="text/event-stream", headers={"cache-control": "no-cache"}
        )
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        async with self._closing:
            await super().__call__(scope, receive, send)


async def _lines(runs: Runs, first: Told, form: Form, until: float) -> AsyncIterator[str]:
    try:
        for text in (*form.begin(), *form.next(first)):
            yield text
        while not runs.done:
            left = until - time.monotonic()
            try:
                async with asyncio.timeout(min(BEAT, left)):
                    told = await runs.next()
            except TimeoutError:
                if left <= BEAT:
                    raise
                yield ": working\n\n"
                continue
            for text in form.next(told):
                yield text
        for text in form.end():
            yield text
    except Exception as error:
        for text in form.failed(refusal(error)):
            yield text


def refusal(error: Exception) -> Refused:
    """Return what the client is told of `error`; the whole of it goes to the log."""
    match error:
        case Refused():
            return error
        case TimeoutError():
            return Refused(
                504, "no answer in time", kind="server_error", code="timeout", headers=FINAL
            )
        case VerifierAgentError():
            refused = of_error(error)
            if refused.status >= 500:
                log.warning("no answer: %s", error)
            return refused
    log.error("a request failed", exc_info=error)
    return Refused(500, "internal error; the log of the server says more", kind="server_error")


async def _unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do `work`, but cancel it once the client has left."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Refused(499, "the client has left")
        return working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
