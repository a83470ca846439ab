"""Who is let in, how much at once, and what becomes of clients that leave."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest

from tests.integrations.server.serving import SECRET, Serving, serving
from verifier_agent import Budget, ConfigurationError
from verifier_agent.accounts import MemoryAccount
from verifier_agent.integrations.server import Key, Limits, Served, create_app
from verifier_agent.integrations.server.asking import narrowed
from verifier_agent.integrations.server.gate import retry_after
from verifier_agent.integrations.server.listening import listener
from verifier_agent.integrations.server.sending import refusal
from verifier_agent.integrations.server.wire import Limit
from verifier_agent.testing import Reply, Request, always

ASK: Any = {"model": "small", "messages": [{"role": "user", "content": "2 + 2?"}]}
KEY = Key(name="team", secret=SECRET)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what has to come to pass."""
    for _ in range(1500):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to pass in half a minute")


def refuses(it: Serving) -> bool:
    try:
        it.get("/healthz")
    except httpx.TransportError:
        return True
    return False


def test_with_keys_nothing_but_health_and_the_description_is_open() -> None:
    with serving(always("Answer: 4"), keys=[KEY]) as it:
        paths = ("/v1/models", "/metrics", "/healthz", "/openapi.json")
        assert [it.get(path).status_code for path in paths] == [401, 401, 200, 200]
        bare = it.post("/chat/completions", ASK)
        assert bare.headers["www-authenticate"] == "Bearer"
        assert bare.json()["error"]["code"] == "invalid_api_key"
        with pytest.raises(openai.AuthenticationError):
            it.client(api_key="another-secret-of-16").models.list()
        assert [model.id for model in it.client().models.list()] == ["small"]
        assert it.client().models.retrieve("small").id == "small"
        assert it.inner.calls == 0


def test_without_keys_a_page_in_a_browser_cannot_ask_under_another_host_name() -> None:
    with serving(always("Answer: 4")) as it:
        rebound = it.post("/chat/completions", ASK, headers={"host": "evil.example:80"})
        as_text = httpx.post(
            f"{it.url}/chat/completions",
            content=json.dumps(ASK),
            headers={"content-type": "text/plain"},  # what needs no leave from the browser
        )
        assert (rebound.status_code, as_text.status_code) == (403, 400)
        assert it.inner.calls == 0
        assert it.get("/v1/models", headers={"host": "localhost:1"}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", ""])
def test_it_does_not_listen_beyond_loopback_without_a_key(host: str) -> None:
    app = create_app({"small": Served(model="embedded")})
    with pytest.raises(ConfigurationError, match="there are no keys"):
        listener(app, host)
    keyed = create_app({"small": Served(model="embedded")}, keys=[KEY])
    assert listener(keyed, host).config.host == host


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused_unread(chunked: bool) -> None:
    with serving(always("Answer: 4"), limits=Limits(body_bytes=1000)) as it:
        body = json.dumps({**ASK, "user": "x" * 2000}).encode()
        content: Any = iter([body[:600], body[600:]]) if chunked else body
        got = httpx.post(
            f"{it.url}/chat/completions",
            content=content,
            headers={"content-type": "application/json"},
        )
        assert got.status_code == 413
        assert got.json()["error"]["code"] == "too_large"
        assert it.post("/chat/completions", ASK).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"' + b"[" * 100_000,
        b"[" * 100_000,
        b'{"model": "small", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b'{"model": "\\ud800", "messages": [{"role": "user", "content": "x"}]}',
        b'{"model": "small", "temperature": NaN, "messages": [{"role": "user", "content": "x"}]}',
        b'{"model": "small", "\\ud800": 1, "messages": [{"role": "user", "content": "x"}]}',
        b"\xff\xfe",
    ],
    ids=range(9),
)
def test_a_body_that_is_no_request_is_a_client_error_and_never_a_crash(body: bytes) -> None:
    with serving(always("Answer: 4")) as it:
        got = httpx.post(
            f"{it.url}/chat/completions",
            content=body,
            headers={"content-type": "application/json"},
        )
        assert got.status_code in (400, 404)
        assert got.json()["error"]["type"] == "invalid_request_error"
        assert it.inner.calls == 0


def test_who_finds_no_place_is_told_when_to_come_back_and_nobody_inside_is_lost() -> None:
    go, here = threading.Event(), threading.Event()

    def script(request: Request) -> Reply:
        here.set()
        assert go.wait(30)
        return Reply("Answer: 4")

    limits = Limits(concurrency=1, queue=1)
    with (
        serving(script, limits=limits, policy="best_of(1)") as it,
        ThreadPoolExecutor(2) as clients,
    ):
        first = clients.submit(it.post, "/chat/completions", ASK)
        assert here.wait(30)
        second = clients.submit(it.post, "/chat/completions", ASK)
        until(lambda: "requests_waiting 1.0" in it.get("/metrics").text)
        third = it.post("/chat/completions", ASK)
        go.set()
        assert (first.result().status_code, second.result().status_code) == (200, 200)
        assert it.inner.calls == 2
    assert third.status_code == 429
    assert int(third.headers["retry-after"]) >= 1


def test_who_waits_too_long_for_a_place_is_sent_away() -> None:
    go = threading.Event()

    def script(request: Request) -> Reply:
        assert go.wait(30)
        return Reply("Answer: 4")

    limits = Limits(concurrency=1, queue=5, queue_seconds=0.05)
    with (
        serving(script, limits=limits, policy="best_of(1)") as it,
        ThreadPoolExecutor(1) as clients,
    ):
        first = clients.submit(it.post, "/chat/completions", ASK)
        until(lambda: "requests_inside 1.0" in it.get("/metrics").text)
        assert it.post("/chat/completions", ASK).status_code == 429
        go.set()
        assert first.result().status_code == 200


def test_the_pause_follows_from_how_long_requests_take_and_how_many_wait() -> None:
    assert retry_after(average=2.0, waiting=7, concurrency=4) == 4
    assert retry_after(average=0.01, waiting=0, concurrency=16) == 1
    assert retry_after(average=300.0, waiting=64, concurrency=1) == 60


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_stops_what_is_done_for_it(stream: bool) -> None:
    with serving(lambda request: Reply("Answer: 4", delay=60.0), policy="best_of(1)") as it:
        with (
            pytest.raises(httpx.ReadTimeout),
            httpx.stream(
                "POST", f"{it.url}/chat/completions", json={**ASK, "stream": stream}, timeout=1.0
            ) as got,
        ):
            got.read()
        # the model server would go on for a minute if the request to it were still open
        until(lambda: "requests_inside 0.0" in it.get("/metrics").text)
        assert it.inner.settle(20)
        assert [one.complete for one in it.inner.served] == [False]


def test_the_requests_of_a_key_are_paid_from_its_account_and_others_are_not_held_up() -> None:
    poor = Key(name="poor", secret="0123456789abcdef", account=MemoryAccount(Budget(calls=4)))
    with serving(always("Answer: 4"), keys=[poor, KEY]) as it:
        mine = it.client(api_key=poor.secret, max_retries=2)
        mine.chat.completions.create(**ASK)
        got = mine.chat.completions.create(**ASK)
        assert got.choices[0].model_extra["verifier_agent"]["spent"]["calls"] == 1  # type: ignore[index]
        with pytest.raises(openai.RateLimitError, match="account of this key is empty") as caught:
            mine.chat.completions.create(**ASK)
        assert caught.value.code == "insufficient_quota"
        with pytest.raises(openai.RateLimitError):
            mine.chat.completions.create(**ASK, stream=True)
        assert it.inner.calls == 4
        it.client().chat.completions.create(**ASK)
        assert it.inner.calls == 7
        told = it.get("/metrics", headers={"authorization": f"Bearer {SECRET}"}).text
    assert re.search(r'model_calls_total\{key="poor",model="small"\} 4\.0', told)
    assert re.search(
        r'requests_total\{key="poor",route="/v1/chat/completions",status="429"\}', told
    )
    assert SECRET not in told


def test_an_account_that_one_run_could_hold_whole_is_refused_at_the_start() -> None:
    key = Key(name="team", secret=SECRET, account=MemoryAccount(Budget(joules=5.0)))
    with pytest.raises(ConfigurationError, match="limit in joules"):
        create_app({"small": Served(model="embedded")}, keys=[key])


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([KEY, KEY], "same name"),
        ([KEY, Key(name="other", secret=SECRET)], "same secret"),
    ],
)
def test_keys_that_cannot_be_told_apart_are_refused(keys: list[Key], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        create_app({"small": Served(model="embedded")}, keys=keys)


@pytest.mark.parametrize(
    ("name", "secret"), [("a b", SECRET), ("a", "short"), ("a", "with spaces in")]
)
def test_a_key_that_cannot_be_sent_or_can_be_guessed_is_refused(name: str, secret: str) -> None:
    with pytest.raises(ConfigurationError):
        Key(name=name, secret=secret)


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(KEY)


def test_a_request_can_lower_a_limit_and_never_raise_one() -> None:
    own = Budget(calls=8, usd=0.5)
    assert narrowed(own, Limit(calls=99, usd=0.1, tokens=50), 60.0) == Budget(
        calls=8, usd=0.1, tokens=50, seconds=60.0
    )
    assert narrowed(own, None, 60.0) == Budget(calls=8, usd=0.5, seconds=60.0)
    assert narrowed(Budget(seconds=5), Limit(seconds=90.0), 60.0) == Budget(seconds=5)


def test_what_took_all_its_time_is_not_asked_for_again() -> None:
    refused = refusal(TimeoutError()).response()
    assert (refused.status_code, refused.headers["x-should-retry"]) == (504, "false")


def test_told_to_stop_it_answers_whom_it_has_let_in_and_takes_nobody_new() -> None:
    go, here = threading.Event(), threading.Event()

    def script(request: Request) -> Reply:
        here.set()
        assert go.wait(30)
        return Reply("Answer: 4")

    with serving(script, policy="best_of(1)") as it, ThreadPoolExecutor(1) as clients:
        first = clients.submit(it.post, "/chat/completions", ASK)
        assert here.wait(30)
        it.server.should_exit = True
        until(lambda: refuses(it))
        go.set()
        assert first.result().json()["choices"][0]["message"]["content"] == "Answer: 4"


def test_paths_and_methods_that_are_not_there_are_said_in_the_same_form() -> None:
    with serving(always("x")) as it:
        missing, wrong = it.get("/v1/nothing"), it.get("/v1/chat/completions")
        assert (missing.status_code, wrong.status_code) == (404, 405)
        assert all("message" in got.json()["error"] for got in (missing, wrong))
        assert wrong.headers["allow"] == "POST"
        assert missing.headers["x-request-id"] != wrong.headers["x-request-id"]


@pytest.mark.parametrize("name", ["concurrency", "seconds", "body_bytes", "queue"])
def test_a_limit_that_lets_nobody_in_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: -1})
