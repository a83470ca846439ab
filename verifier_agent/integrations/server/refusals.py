"""What goes wrong, as OpenAI's API says it: a status, a kind, a code, and the field meant."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from verifier_agent.errors import (
    AccountEmpty,
    BudgetTooSmall,
    ConfigurationError,
    PolicyError,
    VerifierAgentError,
    nearest,
)
from verifier_agent.integrations.server.wire import VERIFIERS, ErrorBody, ErrorReply
from verifier_agent.models import over_limit, retry_after

INVALID = "invalid_request_error"
FINAL = {"x-should-retry": "false"}
"""OpenAI's clients repeat a request after 429 and 5xx; where that only costs, they are told not
to."""


@dataclass(eq=False)  # an exception is hashable
class Refused(Exception):
    """A request that is not answered, and why."""

    status: int
    message: str
    kind: str = INVALID
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.message)

    def body(self) -> ErrorReply:
        """Return the error as it is sent."""
        return ErrorReply(
            error=ErrorBody(message=self.message, type=self.kind, param=self.param, code=self.code)
        )

    def response(self) -> Json:
        """Return the whole reply."""
        return Json(self.body().model_dump(), self.status, dict(self.headers))


class Json(JSONResponse):
    """A body of JSON in ASCII, so that no text of a model or a client can break it."""

    def render(self, content: Any) -> bytes:
        """Write it; a number that JSON does not have is a bug here, and raises ValueError."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def of_validation(error: RequestValidationError) -> Refused:
    """Say what is wrong with the body: the first fault, by its place."""
    first = dict(error.errors()[0])
    place = [str(part) for part in first.get("loc", ()) if part != "body"]
    # the names of alternatives among the places are ours, not the client's
    names = [part for part in place if re.fullmatch(r"[a-z_]\w*|\d+", part)]
    param = ".".join(names) or None
    if first.get("type") == "json_invalid":
        return Refused(400, "the body is not JSON")
    if first.get("type") == "extra_forbidden":
        message = f"unrecognized request argument: {param}"
        return Refused(400, message, code="unknown_parameter", param=param)
    where = f"{param}: " if param else ""
    said = first.get("msg", "invalid")
    if first.get("type") == "string_pattern_mismatch" and param and "verifier" in param:
        said = f"a request may name {', '.join(VERIFIERS)}, with @RULE for scores of steps"
    return Refused(400, f"{where}{said}", code="invalid_value", param=param)


def of_error(error: VerifierAgentError) -> Refused:
    """Say what this package refused to do: the client's fault, unless a model had no answer."""
    if isinstance(error, AccountEmpty):
        return Refused(
            429,
            "the account of this key is empty: all is spent, or held by requests under way",
            kind="insufficient_quota",
            code="insufficient_quota",
            headers=FINAL,
        )
    if isinstance(error, BudgetTooSmall):
        return Refused(400, str(error), code="budget_too_small", param="verifier_agent.budget")
    if isinstance(error, ConfigurationError | PolicyError):
        return Refused(400, str(error), code="invalid_value")
    if over_limit(error):
        asked = retry_after(error)
        return Refused(
            429,
            "the model takes no more requests for now; ask again later",
            kind="server_error",
            code="rate_limit_exceeded",
            headers={} if asked is None else {"retry-after": str(max(1, math.ceil(asked)))},
        )
    # what a provider said of it may hold its address or a part of a key: it is for the log
    message = "no model gave a usable answer; the log of the server says why"
    return Refused(502, message, kind="server_error", code="no_answer", headers=FINAL)


def unknown_model(name: str, known: list[str]) -> Refused:
    """Say that there is no such model here."""
    shown = name if len(name) <= 100 else f"{name[:99]}…"
    return Refused(
        404,
        f"the model {shown!r} does not exist here{nearest(shown, known)}",
        code="model_not_found",
        param="model",
    )
