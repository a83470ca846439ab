"""The openai SDK's clients: made on the first call, shared, and never used across event loops."""

from __future__ import annotations

import asyncio
import os
import weakref
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream, OpenAI, Stream

_ROUTE = "/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server and how to reach it. Equal servers share their connections.

    The SDK's generic `post` is used, since it sends the body as it is and returns plain JSON:
    parameters and fields that only some servers know pass through both ways.
    """

    base_url: str
    api_key: SecretStr
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    timeout: float | None
    """Seconds; None: the SDK's default."""
    max_retries: int

    def ask(self, body: dict[str, Any], seconds: float | None) -> Any:
        """Return the answer's JSON, or its text if it is no JSON.

        `seconds`: to wait for each byte, in place of the server's own timeout.
        """
        return _client(self).post(_ROUTE, body=body, cast_to=object, options=_options(seconds))

    async def aask(self, body: dict[str, Any], seconds: float | None) -> Any:
        """As `ask`."""
        client = _async_client(self)
        return await client.post(_ROUTE, body=body, cast_to=object, options=_options(seconds))

    def listen(self, body: dict[str, Any], seconds: float | None) -> Stream[Any]:
        """Return the answer's events; a context manager, which leaves no connection open."""
        from openai import Stream

        return _client(self).post(
            _ROUTE,
            body=body,
            cast_to=object,
            options=_options(seconds),
            stream=True,
            stream_cls=Stream[Any],
        )

    async def alisten(self, body: dict[str, Any], seconds: float | None) -> AsyncStream[Any]:
        """As `listen`."""
        from openai import AsyncStream

        return await _async_client(self).post(
            _ROUTE,
            body=body,
            cast_to=object,
            options=_options(seconds),
            stream=True,
            stream_cls=AsyncStream[Any],
        )

    def settings(self) -> dict[str, Any]:
        """Return the arguments of a client."""
        timeout = {} if self.timeout is None else {"timeout": self.timeout}
        return {
            "base_url": self.base_url,
            "api_key": self.api_key.get_secret_value(),
            "default_headers": dict(self.headers),
            "max_retries": self.max_retries,
            **timeout,
        }


def _options(seconds: float | None) -> Any:
    return {} if seconds is None else {"timeout": seconds}


@lru_cache(maxsize=32)
def _client(server: Server) -> OpenAI:
    from openai import OpenAI

    return OpenAI(**server.settings())


_ASYNC_CLIENTS: dict[tuple[asyncio.AbstractEventLoop, Server], AsyncOpenAI] = {}


def _async_client(server: Server) -> AsyncOpenAI:
    """Return this loop's client: a connection cannot be used in another loop than its own."""
    loop = asyncio.get_running_loop()
    for key in [key for key in list(_ASYNC_CLIENTS) if key[0].is_closed()]:
        _ASYNC_CLIENTS.pop(key, None)
    if (loop, server) not in _ASYNC_CLIENTS:
        _ASYNC_CLIENTS[loop, server] = _async_made(server)
    return _ASYNC_CLIENTS[loop, server]


def _async_made(server: Server) -> AsyncOpenAI:
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    # the client that the SDK makes by itself starts a task when it is dropped, to close its
    # connections: after the end of their loop that fails, and says so on stderr
    return AsyncOpenAI(**server.settings(), http_client=DefaultAsyncHttpxClient())


class Connection:
    """A client of the running event loop for any route; it is closed when nobody holds it more."""

    def __init__(self, server: Server) -> None:
        self._client = _async_made(server)
        loop = asyncio.get_running_loop()
        end = weakref.finalize(self, _close, loop, os.getpid(), self._client)
        end.atexit = False  # the loop may be gone by then

    async def post(self, url: str, body: dict[str, Any]) -> Any:
        """Return the whole response to `body`, with its headers; raises for an error status."""
        from openai import HttpxBinaryResponseContent  # holds the response itself

        said = await self._client.post(url, body=body, cast_to=HttpxBinaryResponseContent)
        return said.response

    async def get(self, url: str) -> Any:
        """As `post`, of what stands at `url`."""
        from openai import HttpxBinaryResponseContent

        return (await self._client.get(url, cast_to=HttpxBinaryResponseContent)).response


def _close(loop: asyncio.AbstractEventLoop, process: int, client: AsyncOpenAI) -> None:
    """Close a client on its loop, from whatever thread; a forked process has only its picture."""
    if loop.is_running() and process == os.getpid():
        asyncio.run_coroutine_threadsafe(client.close(), loop)
