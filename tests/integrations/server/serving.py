"""The server under test: on a real socket, in front of a loopback model server that counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from openai import AsyncOpenAI, OpenAI

from verifier_agent import Budget
from verifier_agent.integrations.server import Key, Limits, Served, create_app
from verifier_agent.integrations.server.listening import listener
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer, Script

SECRET = "a-secret-of-a-client"


@dataclass(frozen=True)
class Serving:
    """A running server."""

    url: str
    """With /v1."""
    inner: ModelServer
    server: uvicorn.Server

    def client(self, **more: Any) -> OpenAI:
        return OpenAI(base_url=self.url, **{"api_key": SECRET, "max_retries": 0, **more})

    def aclient(self) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=self.url, api_key=SECRET, max_retries=0)

    def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", json=body, timeout=30, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(self.url.removesuffix("/v1") + path, timeout=30, **more)


@contextmanager
def serving(
    script: Script,
    *,
    keys: Sequence[Key] = (),
    limits: Limits | None = None,
    options: dict[str, Any] | None = None,
    **served: Any,
) -> Iterator[Serving]:
    """Serve one model, "small", whose answers are those of `script`."""
    settings = {"verifier": "agreement", "policy": "best_of(3)", "budget": Budget(calls=8)}
    with ModelServer(script) as inner:
        model = OpenAIChatModel(model="inner", base_url=inner.url, **(options or {}))
        small = Served(model=model, **{**settings, **served})
        server = listener(create_app({"small": small}, keys=keys, limits=limits), port=0)
        with running(server) as url:
            yield Serving(f"{url}/v1", inner, server)


@contextmanager
def running(server: uvicorn.Server) -> Iterator[str]:
    """Run `server` in a thread; its address."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < until
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)
