"""What goes wrong on the wire, and what is made of it."""

from __future__ import annotations

import asyncio
import email.utils
import json
import time
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import httpx
import openai
import pytest
from langchain_core.exceptions import ModelAuthenticationError, ModelRateLimitError

from verifier_agent.errors import ConfigurationError, GenerationError
from verifier_agent.models import (
    OpenAIChatModel,
    UnusableReply,
    is_transient,
    may_be_billed,
    over_limit,
    retry_after,
)
from verifier_agent.models.failures import in_words
from verifier_agent.testing import Choice, Fault, ModelServer, Reply, Request, always

WAYS = ("invoke", "ainvoke", "stream", "astream")


async def ask(model: OpenAIChatModel, way: str) -> Any:
    """Ask in one of four ways and return the text."""
    if way == "invoke":
        return (await asyncio.to_thread(model.invoke, "q")).text
    if way == "ainvoke":
        return (await model.ainvoke("q")).text
    if way == "stream":
        chunks = await asyncio.to_thread(lambda: list(model.stream("q")))
        return "".join(chunk.text for chunk in chunks)
    return "".join([chunk.text async for chunk in model.astream("q")])


async def failure(fault: Fault, way: str, **fields: Any) -> Exception:
    with ModelServer(lambda request: fault) as server:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the caller looks at it
            await ask(OpenAIChatModel(model="m", base_url=server.url, **fields), way)
        assert server.calls == 1, "nothing is tried again behind the caller's back"
    return caught.value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("status", "transient"),
    [
        (400, False),
        (401, False),
        (403, False),
        (404, False),
        (408, True),
        (409, True),
        (422, False),
        (429, True),
        (500, True),
        (503, True),
        (529, True),
    ],
)
async def test_a_status_says_whether_to_try_again(status: int, transient: bool, way: str) -> None:
    error = await failure(Fault("status", status=status, retry_after=2.5), way)
    assert error.status_code == status  # type: ignore[attr-defined]
    assert is_transient(error) is transient
    assert retry_after(error) == 2.5


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["drop", "truncate", "malformed", "hang"])
async def test_a_broken_answer_may_be_tried_again(kind: Any, way: str) -> None:
    fault = Fault(kind, reply=Reply("words that get lost on the way"), seconds=0.2)
    error = await failure(fault, way)
    assert is_transient(error)
    assert retry_after(error) is None


@pytest.mark.parametrize("way", WAYS)
async def test_a_server_that_says_nothing_is_given_up_at_the_timeout(way: str) -> None:
    began = time.monotonic()
    error = await failure(Fault("hang", seconds=30), way, timeout=0.3)
    assert is_transient(error)
    assert "Timeout" in type(error).__name__
    assert time.monotonic() - began < 10


async def test_the_timeout_of_a_call_wins() -> None:
    with ModelServer(lambda request: Fault("hang", seconds=30)) as server:
        model = OpenAIChatModel(model="m", base_url=server.url, timeout=60)
        began = time.monotonic()
        with pytest.raises(Exception, match="timed out"):
            model.invoke("q", timeout=0.2)
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("way", WAYS)
async def test_an_empty_message_is_an_empty_message(way: str) -> None:
    with ModelServer(lambda request: Fault("empty", reply=Reply("a b"))) as server:
        assert await ask(OpenAIChatModel(model="m", base_url=server.url), way) == ""


async def test_a_cancelled_call_frees_the_server() -> None:
    arrived, loop = asyncio.Event(), asyncio.get_running_loop()

    def script(request: Request) -> Reply:
        loop.call_soon_threadsafe(arrived.set)
        return Reply("x", delay=30)

    with ModelServer(script) as server:
        model = OpenAIChatModel(model="m", base_url=server.url)
        task = asyncio.create_task(model.ainvoke("q"))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert await asyncio.to_thread(server.settle, 5.0)
        assert not is_transient(caught.value)


def test_nobody_listening_may_be_tried_again() -> None:
    with ModelServer(always("x")) as server:
        url = server.url
    with pytest.raises(Exception, match="onnect") as caught:
        OpenAIChatModel(model="m", base_url=url).invoke("q")
    assert is_transient(caught.value)


@pytest.mark.parametrize(
    ("reply", "transient"),
    [
        ("<html>welcome</html>", False),
        ({"object": "list", "data": []}, False),
        ({"choices": []}, False),
        ({"error": {"code": 400, "message": "too long"}}, False),
        ({"error": {"code": 502, "message": "upstream"}}, True),
    ],
)
def test_an_answer_that_is_no_completion_is_unusable(reply: Any, transient: bool) -> None:
    from verifier_agent.models.openai_wire import read_completion

    with pytest.raises(UnusableReply, match="base URL") as caught:
        read_completion(reply)
    assert isinstance(caught.value, GenerationError)
    assert is_transient(caught.value) is transient


async def test_a_stream_without_its_end_is_not_taken_for_an_answer() -> None:
    from verifier_agent.models.openai_wire import StreamReader

    reader = StreamReader()
    (chunk,) = reader.read({"choices": [{"index": 0, "delta": {"content": "half"}}]})
    assert chunk.text == "half"
    with pytest.raises(UnusableReply) as caught:
        reader.last()
    assert is_transient(caught.value)


def coded(**attributes: Any) -> Exception:
    """Return an error as some SDK would raise it."""
    error = type("SomeError", (Exception,), {})("x")
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


def with_headers(**headers: str) -> Exception:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return coded(status_code=429, response=SimpleNamespace(status_code=429, headers=named))


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (json.JSONDecodeError("x", "y", 0), True),
        (httpx.ReadTimeout("x"), True),
        (httpx.RemoteProtocolError("x"), True),
        (ModelRateLimitError("x"), True),
        (ModelAuthenticationError("x"), False),
        (coded(status_code=503), True),
        (coded(status_code=404), False),
        (coded(code=HTTPStatus.TOO_MANY_REQUESTS), True),
        (coded(code=HTTPStatus.FORBIDDEN), False),
        (coded(status=502), True),
        (coded(status_code=429, code="insufficient_quota"), False),
        (coded(response={"ResponseMetadata": {"HTTPStatusCode": 503, "HTTPHeaders": {}}}), True),
        (with_headers(x_should_retry="false"), False),
        (coded(status_code=True), False),
        (coded(code="502"), True),
        (coded(code="404"), False),
        (coded(type="server_error", code=None), True),
        (coded(status_code=200, type="overloaded_error"), True),
        (coded(type="invalid_request_error"), False),
        (coded(type={"unhashable": True}), False),
        (ValueError("x"), False),
        (TypeError("x"), False),
        (ConfigurationError("x"), False),
        (GenerationError("x"), False),
        (asyncio.CancelledError(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_errors_of_any_sdk_are_judged_by_their_shape(error: Any, transient: bool) -> None:
    assert is_transient(error) is transient


def test_a_wrapped_error_is_judged_by_its_cause() -> None:
    outer = RuntimeError("the integration's own words")
    outer.__cause__ = with_headers(retry_after="3")
    assert is_transient(outer)
    assert retry_after(outer) == 3.0
    outer.__cause__ = coded(status_code=400)
    assert not is_transient(outer)
    outer.__cause__ = outer
    assert not is_transient(outer)


def test_a_server_at_its_limit_is_told_from_one_that_fails_or_wants_money() -> None:
    outer = GenerationError("no candidate is usable")
    outer.__cause__ = coded(status_code=429)
    assert over_limit(outer)
    for other in (coded(status_code=429, code="insufficient_quota"), coded(status_code=503), None):
        outer.__cause__ = other
        assert not over_limit(outer)


def test_being_cancelled_is_final_whatever_caused_it() -> None:
    cancelled = asyncio.CancelledError()
    cancelled.__cause__ = ConnectionResetError()
    assert not is_transient(cancelled)


def test_retry_after_is_read_in_all_its_spellings() -> None:
    assert retry_after(with_headers(retry_after="7")) == 7.0
    assert retry_after(with_headers(Retry_After="7")) == 7.0
    assert retry_after(with_headers(retry_after_ms="1500", retry_after="7")) == 1.5
    assert retry_after(with_headers(retry_after="-3")) == 0.0
    assert retry_after(with_headers(retry_after="inf")) is None
    assert retry_after(with_headers(retry_after="soon")) is None
    assert retry_after(ValueError("x")) is None
    later = email.utils.formatdate(time.time() + 100, usegmt=True)
    assert retry_after(with_headers(retry_after=later)) == pytest.approx(100, abs=3)
    past = email.utils.formatdate(time.time() - 100, usegmt=True)
    assert retry_after(with_headers(retry_after=past)) == 0.0


def test_choices_of_a_faulty_reply_can_be_scripted() -> None:
    lost = Fault("truncate", reply=Reply(Choice(text="a b", reasoning="c")))
    with ModelServer(lambda request: lost) as server:
        with pytest.raises(openai.APIConnectionError):
            OpenAIChatModel(model="m", base_url=server.url).invoke("q")
        assert server.settle()
    assert server.output_tokens == 3


def test_who_did_not_answer_and_why_is_said_and_nothing_is_billed() -> None:
    with ModelServer(always("")) as server:
        gone = server.url
    with pytest.raises(openai.APIConnectionError) as caught:
        OpenAIChatModel(model="m", base_url=gone).invoke("q")
    said = in_words(caught.value)
    assert said.startswith(f"APIConnectionError: Connection error ({gone.removesuffix('/v1')}: ")
    assert "refused" in said
    assert not may_be_billed(caught.value)


async def test_a_connection_that_breaks_may_have_been_billed_and_an_answer_speaks_for_itself() -> (
    None
):
    assert may_be_billed(await failure(Fault("drop"), "invoke"))
    said = in_words(await failure(Fault("status", 401), "invoke"))
    assert said == "AuthenticationError: Error code: 401 - scripted failure"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("two\nlines."), "ValueError: two lines"),
        (KeyError(), "KeyError: no message"),
        (httpx.ReadTimeout("slow"), "ReadTimeout: slow"),
    ],
)
def test_an_error_without_a_cause_is_said_as_it_is(error: Exception, said: str) -> None:
    assert in_words(error) == said
