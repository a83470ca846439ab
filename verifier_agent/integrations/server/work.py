"""The routes that answer: chat completions, responses, and the list of models."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from verifier_agent.integrations.server import (
    chat,
    chat_wire,
    completions_wire,
    response_wire,
    responses,
    responses_wire,
    wire,
)
from verifier_agent.integrations.server.asking import Ask, Wanted, prepare
from verifier_agent.integrations.server.keys import Key
from verifier_agent.integrations.server.refusals import Json, unknown_model
from verifier_agent.integrations.server.sending import Sender
from verifier_agent.integrations.server.served import Catalogue

_EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}
STREAMED: dict[str, Any] = {
    "description": "The answer: JSON, or events if `stream` is true.",
    # as FastAPI says it of its own streams, though the word is of OpenAPI 3.2
    "content": {"text/event-stream": {"itemSchema": _EVENT}},
}


def failing(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how the description tells of errors."""
    return {status: {"model": wire.ErrorReply, "description": WORDS[status]} for status in statuses}


WORDS = {
    400: "The request is wrong; nothing was spent.",
    401: "A key is missing or wrong.",
    403: "Without keys, only this machine is answered.",
    404: "There is no such model.",
    413: "The request is too large.",
    429: "The server or the model is busy (with Retry-After), or the key's account is empty.",
    500: "A bug in the server.",
    502: "No model gave a usable answer.",
    504: "No answer in time.",
}


def routes(catalogue: Catalogue, sender: Sender) -> APIRouter:
    """Return the routes over what is served."""
    router = APIRouter(prefix="/v1")
    started = int(time.time())

    def asked(request: Request, wanted: Wanted) -> Ask:
        key: Key = request.scope["state"]["key"]
        return prepare(catalogue, wanted, sender.seconds, key.account)

    @router.post(
        "/chat/completions",
        response_model=completions_wire.ChatCompletion,
        responses={200: STREAMED, **failing(*WORDS)},
        operation_id="createChatCompletion",
        tags=["work"],
    )
    async def chat_completions(request: Request, body: chat_wire.ChatRequest) -> Response:
        """Answer a conversation."""
        ask = asked(request, chat.read(body))
        if body.stream:
            return await sender.stream(request, ask, chat.ChatStream(body))
        answers = await sender.whole(request, ask)
        return Json(chat.completion(body.model, answers).model_dump(exclude_unset=True))

    @router.post(
        "/responses",
        response_model=response_wire.Response,
        responses={200: STREAMED, **failing(*WORDS)},
        operation_id="createResponse",
        tags=["work"],
    )
    async def responses_(request: Request, body: responses_wire.ResponsesRequest) -> Response:
        """Answer, in the form of the Responses API; nothing is kept."""
        ask = asked(request, responses.read(body))
        form = responses.Responses(body)
        if body.stream:
            return await sender.stream(request, ask, form)
        (answer,) = await sender.whole(request, ask)
        return Json(form.response(answer).model_dump(exclude_unset=True, by_alias=True))

    def entry(name: str) -> wire.ModelEntry:
        return wire.ModelEntry(id=name, object="model", created=started, owned_by="verifier-agent")

    @router.get("/models", responses=failing(401, 403), operation_id="listModels", tags=["models"])
    async def list_models() -> wire.ModelList:
        """Name the models that this server answers as."""
        return wire.ModelList(object="list", data=[entry(name) for name in catalogue])

    @router.get(
        "/models/{model:path}",
        responses=failing(401, 403, 404),
        operation_id="retrieveModel",
        tags=["models"],
    )
    async def retrieve_model(model: Annotated[str, Path(min_length=1)]) -> wire.ModelEntry:
        """Say that a model is served."""
        if model not in catalogue:
            raise unknown_model(model, list(catalogue))
        return entry(model)

    return router
