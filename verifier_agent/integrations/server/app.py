"""`create_app`: the server as an ASGI application, and what it publishes about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from verifier_agent.errors import ConfigurationError, VerifierAgentError
from verifier_agent.integrations.server import wire
from verifier_agent.integrations.server.door import Door
from verifier_agent.integrations.server.gate import Gate
from verifier_agent.integrations.server.keys import Key, Ring
from verifier_agent.integrations.server.metrics import Metrics
from verifier_agent.integrations.server.refusals import Json, Refused, of_validation
from verifier_agent.integrations.server.sending import Sender, refusal
from verifier_agent.integrations.server.served import Catalogue, Served
from verifier_agent.integrations.server.work import routes

_DESCRIPTION = """OpenAI's chat API over agents that generate, verify, revise and select.

A model's name can carry a policy, `NAME@POLICY`; the field `verifier_agent` of a request sets
policy, verifier, selector, budget and context. Usage counts everything that was done."""


_REFUSED: dict[str, Any] = {
    "description": "A key is needed, or wrong.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorReply"}}},
}
"""Of a route whose answers are no JSON, though its errors are."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the server takes on.

    Raises ConfigurationError for a limit that is not positive (`queue` may be 0), and for one of
    requests or bytes that is not whole.
    """

    concurrency: int = 16
    """Requests that are worked on at once."""
    queue: int = 64
    """Requests that wait for a place; more are sent away with status 429."""
    queue_seconds: float = 30.0
    """How long each of them waits."""
    seconds: float = 300.0
    """Of each run; what it has by then is its answer."""
    body_bytes: int = 16 * 2**20
    """Of a request; images are sent in it."""
    shutdown_seconds: float = 30.0
    """How long the server works on after it was told to stop."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            name, value = limit.name, getattr(self, limit.name)
            if isinstance(limit.default, int) and not isinstance(value, int):
                raise ConfigurationError(f"limit {name}={value!r}: a whole number is needed")
            if not value > (-1 if name == "queue" else 0):
                raise ConfigurationError(f"limit {name}={value!r} is too low")


def create_app(
    models: Mapping[str, Served], *, keys: Sequence[Key] = (), limits: Limits | None = None
) -> FastAPI:
    """Return the server: OpenAI's chat completions and Responses API over verifier agents.

    Args:
        models: What it answers as, by the names that clients use.
        keys: Who may use it. Without keys it answers only requests that name this machine as
            their host: never let it listen beyond loopback then (`serve` refuses to).
        limits: What it takes on at once.

    Raises:
        ConfigurationError: A wrong argument.
    """
    limits = limits or Limits()
    catalogue = Catalogue(models)
    gate = Gate(limits.concurrency, limits.queue, limits.queue_seconds)
    metrics = Metrics(gate)
    ring = Ring(keys)
    for key in keys:
        catalogue.check(key, limits.seconds)
    app = FastAPI(
        title="verifier-agent",
        version=version("verifier-agent"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        default_response_class=Json,
        separate_input_output_schemas=False,
    )
    secured = [Depends(HTTPBearer(auto_error=False, description="A key of this server."))]
    dependencies = secured if ring else []
    sender = Sender(metrics=metrics, seconds=limits.seconds)
    app.include_router(routes(catalogue, sender), dependencies=dependencies)
    app.include_router(_plain_routes(metrics, dependencies))
    _describe(app)
    _say_errors_as_openai(app)
    app.state.keyed, app.state.limits = bool(ring), limits
    app.add_middleware(
        Door,
        ring=ring,
        gate=gate,
        metrics=metrics,
        most_bytes=limits.body_bytes,
    )
    return app


def _plain_routes(metrics: Metrics, dependencies: Sequence[Any]) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", operation_id="health")
    async def healthz() -> wire.Health:
        """Say that the server is up."""
        return wire.Health(status="ok", version=version("verifier-agent"))

    @router.get(
        "/metrics",
        operation_id="metrics",
        dependencies=dependencies,
        response_class=PlainTextResponse,
        responses=dict.fromkeys((401, 403), _REFUSED),
    )
    async def metrics_() -> Response:
        """Count what was served, in Prometheus' text form."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _describe(app: FastAPI) -> None:
    """Take out of the description what FastAPI says of its own errors: they are not sent here."""
    described = FastAPI.openapi(app)
    for path in described["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        described["components"]["schemas"].pop(name, None)


def _say_errors_as_openai(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return of_validation(error).response()

    @app.exception_handler(VerifierAgentError)
    async def wrong(_: Request, error: VerifierAgentError) -> Response:
        return refusal(error).response()

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        message = f"{error.detail}" if error.status_code != 404 else "there is no such path"
        return Refused(error.status_code, message, headers=error.headers or {}).response()

    @app.exception_handler(Exception)
    async def bug(_: Request, error: Exception) -> Response:
        return Refused(500, "internal error", kind="server_error").response()
