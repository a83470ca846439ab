"""Which errors of a model are worth another try, and when; for any provider, by their shape.

No SDK is imported: an error is known by `is_retryable`, by a status code on it or on its
`response`, or else by the name of its class.
"""

from __future__ import annotations

import email.utils
import json
import math
import re
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

from verifier_agent.errors import ConfigurationError, GenerationError

TRANSIENT_STATUS = frozenset({408, 409, 429})
"""Besides 5xx: request timeout, conflict, too many requests."""

TRANSIENT_NAMES = ("Timeout", "TimeoutError", "TimeoutException", "ConnectionError")
"""Endings of class names; with those below they cover openai, anthropic, httpx, requests, grpc."""
TRANSPORT_NAMES = frozenset({"TransportError", "ServiceUnavailable", "DeadlineExceeded"})

UNSENT_NAMES = frozenset({"ConnectError", "ConnectTimeout", "NewConnectionError"})
"""Of httpx, httpcore and urllib3: there was no connection to send anything by."""

PERMANENT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""Sent with status 429, though waiting does not help."""


TRANSIENT_KINDS = frozenset(
    {"server_error", "overloaded_error", "rate_limit_error", "rate_limit_exceeded"}
)
"""What `type` or `code` says of an error that arrives in a stream, where no status can."""


class UnusableReply(GenerationError):
    """A server answered with something that is no chat completion, or broke one off."""

    def __init__(self, message: str, *, is_retryable: bool) -> None:
        super().__init__(message)
        self.is_retryable = is_retryable


def is_transient(error: BaseException) -> bool:
    """Say whether the same request may succeed later: timeouts, broken connections, overload.

    True for the status codes 408, 409, 429 and 5xx (unless the account is out of money), for
    errors of the transport, and for JSON that broke on the way. A wrapped error is judged by the
    first cause that says something. Cancellation is never transient.
    """
    for one in _causes(error):
        verdict = _judge(one)
        if verdict is not None:
            return verdict
    return False


def retry_after(error: BaseException) -> float | None:
    """Return how many seconds the server asks to wait, at least 0; None if it does not say."""
    for one in _causes(error):
        headers = _headers(one)
        milliseconds = _number(headers.get("retry-after-ms"))
        if milliseconds is not None:
            return max(0.0, milliseconds / 1000)
        asked = headers.get("retry-after")
        seconds = _number(asked)
        if seconds is not None:
            return max(0.0, seconds)
        parsed = email.utils.parsedate_tz(asked) if asked else None
        if parsed is not None:
            return max(0.0, email.utils.mktime_tz(parsed) - time.time())
    return None


def over_limit(error: BaseException) -> bool:
    """Say whether a server takes no more requests for now: status 429, unless for want of money."""
    return is_transient(error) and any(_status(one) == 429 for one in _causes(error))


def may_be_billed(error: BaseException) -> bool:
    """Say whether the server may have done the work although the call failed.

    An error status is its word that it did not answer, but for time-outs of its own (408, 504);
    a broken connection or a reply that cannot be read says nothing. What this package refused to
    send was never served, nor was what no connection could be made for.
    """
    status = _status(error)
    refused = status is not None and status >= 400 and status not in (408, 504)
    unsent = any(map(_is_unsent, _causes(error)))
    return not (refused or unsent or isinstance(error, ConfigurationError))


def in_words(error: BaseException) -> str:
    """Return the error's kind and message on one line; of a connection that failed, why and with
    whom too: an SDK says no more than "Connection error."."""
    text = " ".join(str(error).split()).removesuffix(".") or "no message"
    if _status(error) is None:
        *_, last = _causes(error)
        why = " ".join(str(last).split()).removesuffix(".")
        more = [part for part in (_host(error), why) if part and part not in text]
        if why and why not in text:
            text += f" ({': '.join(more)})"
    return f"{type(error).__name__}: {text}"


def _host(error: BaseException) -> str:
    """Return whom the request was for: scheme, host and port; a query may hold a key."""
    try:
        url = getattr(error, "request", None).url  # type: ignore[union-attr]
        return f"{url.scheme}://{url.netloc.decode()}"
    except (AttributeError, RuntimeError):  # httpx raises the latter where there is no request
        return ""


def _is_unsent(error: BaseException) -> bool:
    named = {cls.__name__ for cls in type(error).__mro__} & UNSENT_NAMES
    return bool(named) or isinstance(error, ConnectionRefusedError | socket.gaierror)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__


def _judge(error: BaseException) -> bool | None:
    """True or False where this error says it, None where it does not."""
    if not isinstance(error, Exception):  # cancelled, interrupted
        return False
    told = getattr(error, "is_retryable", None)
    if isinstance(told, bool):
        return told
    hint = _headers(error).get("x-should-retry")
    if hint in ("true", "false"):
        return hint == "true"
    kinds = {str(getattr(error, "code", "")), str(getattr(error, "type", ""))}
    if kinds & PERMANENT_CODES:
        return False
    status = _status(error)
    if status is not None and status >= 400:
        return status in TRANSIENT_STATUS or 500 <= status < 600
    if kinds & TRANSIENT_KINDS:
        return True
    if isinstance(error, TimeoutError | ConnectionError | json.JSONDecodeError):
        return True
    if isinstance(error, RuntimeError) and str(error) == "Event loop is closed":
        return True  # a client met a connection of an earlier loop, which it now has dropped
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & TRANSPORT_NAMES or any(name.endswith(TRANSIENT_NAMES) for name in names):
        return True
    return None


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    places = [
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        getattr(error, "status", None),
        getattr(error, "code", None),
    ]
    if isinstance(response, Mapping):  # botocore
        places.append(response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
    for place in places:
        if isinstance(place, int) and not isinstance(place, bool):  # an HTTPStatus is an int
            return int(place)
        if isinstance(place, str) and re.fullmatch(r"[45]\d\d", place):
            return int(place)
    return None


def _headers(error: BaseException) -> dict[str, str]:
    response = getattr(error, "response", None)
    headers: Any = getattr(response, "headers", None)
    if isinstance(response, Mapping):
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders")
    if headers is None:
        return {}
    try:
        return {str(name).lower(): str(value) for name, value in dict(headers).items()}
    except (TypeError, ValueError):
        return {}


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
