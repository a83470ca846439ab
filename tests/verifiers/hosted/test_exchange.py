"""What goes wrong on the way: retried in one layer, counted, charged, in time; or an error."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.verifiers.hosted.asking import (
    ANSWERS,
    REWARDS,
    TASK,
    TEMPLATE,
    WAYS,
    Way,
    ask,
    rate,
    serve,
    sigmoid,
    verifier,
)
from verifier_agent.models import background
from verifier_agent.models.background import background_loop
from verifier_agent.testing import Fault, RewardServer
from verifier_agent.values import Candidate, Verdict
from verifier_agent.verifiers import HostedRewardModel

FIRST = list({way.wire.title: way for way in WAYS}.values())
"""One way for each wire and dialect."""
EACH = [pytest.param(way, id=f"{way.wire.name}-{way.wire.dialect}") for way in FIRST]
MANY = [Candidate(id=f"g{n}", text=f"Answer {n} [{n / 8}].") for n in range(10)]


def model(server: RewardServer, **settings: Any) -> HostedRewardModel:
    """Return a reward model that is asked with texts, many in a request."""
    given = {"wire": "classify", "scale": "logit", "template": TEMPLATE, **settings}
    return HostedRewardModel(server.url, **given)


def scores(verdicts: list[Verdict]) -> list[float | None]:
    return [verdict.score for verdict in verdicts]


def until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait until something is true; False if it is not in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


def once(fault: Fault) -> Any:
    return lambda request: fault if request.attempt == 1 else None


PASSING = {
    "503": Fault("status", 503),
    "429": Fault("status", 429, retry_after=0.01),
    "reset": Fault("drop"),
    "cut off": Fault("truncate"),
    "broken JSON": Fault("malformed"),
    "slow drip": Fault("drip", seconds=30.0),
    "silence": Fault("hang", seconds=30.0),
}


def is_slow(fault: str) -> bool:
    return PASSING[fault].kind in ("drip", "hang")


@pytest.mark.parametrize("way", EACH)
async def test_a_reply_that_is_lost_is_an_error_and_no_score(way: Way) -> None:
    current: list[str] = []
    with serve(way, fault=lambda request: PASSING[current[-1]]) as server:
        for fault in PASSING:
            current.append(fault)
            one = verifier(way, server, attempts=1, seconds=0.1 if is_slow(fault) else 10.0)
            (verdict,) = await one.verify(TASK, ANSWERS[:1])
            assert (verdict.score, verdict.raw) == (None, None), fault
            assert verdict.error is not None, fault
            assert verdict.error.startswith("VerifierUnavailable: "), fault
            assert verdict.cost.calls == 1, fault


@pytest.mark.parametrize("fault", [fault for fault in PASSING if fault != "silence"])
async def test_what_passes_is_asked_for_again_and_charged(fault: str) -> None:
    with RewardServer(rate, fault=once(PASSING[fault])) as server:
        one = model(server, seconds=6.0 if is_slow(fault) else 30.0)
        verdicts = await ask(one, "async", ANSWERS[:1])
        assert server.calls == 2
    assert verdicts[0].error is None
    assert verdicts[0].score == pytest.approx(sigmoid(REWARDS["g0"]))
    assert verdicts[0].cost.calls == 2
    # a server that refuses has done nothing; of one that broke off nobody knows
    assert verdicts[0].cost.exact == (PASSING[fault].kind == "status")


@pytest.mark.parametrize("fault", [fault for fault in PASSING if not is_slow(fault)])
async def test_what_does_not_pass_is_an_error_after_the_last_attempt(fault: str) -> None:
    with RewardServer(rate, fault=PASSING[fault]) as server:
        one = model(server, attempts=2)
        verdicts = await ask(one, "async")
        assert server.calls == 2
    assert scores(verdicts) == [None, None, None]
    for verdict in verdicts:
        assert verdict.error is not None
        assert verdict.error.startswith("VerifierUnavailable: ")
    assert sum(verdict.cost.calls for verdict in verdicts) == 2
    bounds = [one.bound(TASK, len(c.text)) for c in ANSWERS]
    for verdict, bound in zip(verdicts, bounds, strict=True):
        assert verdict.cost.input_tokens <= bound.input_tokens


@pytest.mark.parametrize("way", EACH)
async def test_a_page_of_a_proxy_is_an_error_and_not_asked_for_again(way: Way) -> None:
    with serve(way, fault=Fault("html")) as server:
        (verdict,) = await ask(verifier(way, server), "async", ANSWERS[:1])
        assert server.calls == 1
    assert verdict.score is None
    assert verdict.error is not None
    assert verdict.error.startswith("UnreadableVerdict: the server answered text/html")
    assert "Please sign in" in verdict.error


@pytest.mark.parametrize("way", EACH)
async def test_a_request_that_is_refused_says_why_and_what_to_do(way: Way) -> None:
    with serve(way, fault=Fault("status", 404)) as server:
        (verdict,) = await ask(verifier(way, server), "async", ANSWERS[:1])
        assert server.calls == 1
    assert verdict.score is None
    assert verdict.error is not None
    assert "verifier-agent doctor" in verdict.error
    assert verdict.cost.calls == 1
    assert verdict.cost.input_tokens == 0


async def test_the_pause_that_a_server_asks_for_is_kept() -> None:
    with RewardServer(rate, fault=once(Fault("status", 429, retry_after=0.5))) as server:
        await ask(model(server), "async")
        assert server.settle()
        first, second = (served.request.arrived for served in server.served)
    assert second - first >= 0.5


async def test_a_server_that_asks_for_minutes_is_not_waited_for() -> None:
    with RewardServer(rate, fault=Fault("status", 429, retry_after=600.0)) as server:
        verdicts = await ask(model(server), "async")
        assert server.calls == 1
    assert all("RateLimitError" in str(verdict.error) for verdict in verdicts)


async def test_a_wrong_key_is_told() -> None:
    with RewardServer(rate, key="right") as server:
        right = await ask(model(server, api_key="right"), "async")
        wrong = await ask(model(server, api_key="wrong"), "async")
    assert all(verdict.error is None for verdict in right)
    assert all("AuthenticationError" in str(verdict.error) for verdict in wrong)
    assert all("another key" in str(v.error) or "wants a key" in str(v.error) for v in wrong)


@pytest.mark.parametrize("batch", [1, 3, 4, 10, 64])
async def test_answers_are_split_into_batches_and_come_back_in_order(batch: int) -> None:
    with RewardServer(rate) as server:
        verdicts = await ask(model(server, batch=batch), "async", MANY)
        assert server.settle()
        sizes = [len(served.request.body["input"]) for served in server.served]
    assert [verdict.candidate for verdict in verdicts] == [c.id for c in MANY]
    assert scores(verdicts) == pytest.approx([sigmoid(n / 8) for n in range(10)])
    assert sorted(sizes) == sorted([batch] * (10 // batch) + ([10 % batch] if 10 % batch else []))
    assert sum(verdict.cost.calls for verdict in verdicts) == len(sizes)
    assert sum(verdict.cost.input_tokens for verdict in verdicts) == server.input_tokens


async def test_a_failed_batch_leaves_the_others_as_they_are() -> None:
    def fault(request: Any) -> Fault | None:
        return Fault("status", 404) if "Answer 4" in str(request.body) else None

    with RewardServer(rate, fault=fault) as server:
        verdicts = await ask(model(server, batch=4), "async", MANY)
    assert [verdict.error is None for verdict in verdicts] == [True] * 4 + [False] * 4 + [True] * 2


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_text_that_is_too_long_does_not_cost_the_others_of_its_batch(attempts: int) -> None:
    long = Candidate(id="g99", text="word " * 50 + "[3.0]")
    shown = [*MANY[:5], long, *MANY[5:]]
    with RewardServer(rate, window=20) as server:
        one = model(server, attempts=attempts)
        verdicts = await ask(one, "async", shown)
        assert server.calls == 1 + len(shown)
    others = [verdict for verdict in verdicts if verdict.candidate != "g99"]
    assert scores(others) == pytest.approx([sigmoid(n / 8) for n in range(10)])
    assert "maximum context length" in str(verdicts[5].error)
    assert sum(verdict.cost.calls for verdict in verdicts) == server.calls
    for verdict, candidate in zip(verdicts, shown, strict=True):
        bound = one.bound(TASK, len(candidate.text))
        assert verdict.cost.calls <= bound.calls
        assert verdict.cost.input_tokens <= bound.input_tokens


def crowd(least: int) -> tuple[Callable[[Any], None], list[RewardServer]]:
    """Return a fault that holds each request until so many are in work, and where to name whose."""
    servers: list[RewardServer] = []

    def hold(request: Any) -> None:
        assert until(lambda: servers[0].peak >= least)
        time.sleep(0.03)  # others would come in now, if they might

    return hold, servers


async def test_no_more_requests_are_under_way_than_are_allowed() -> None:
    hold, servers = crowd(3)
    with RewardServer(rate, fault=hold) as server:
        servers.append(server)
        await ask(model(server, batch=1, concurrency=3), "async", MANY)
        assert server.peak == 3


def test_the_limit_holds_over_threads_and_event_loops_that_share_the_model() -> None:
    hold, servers = crowd(2)
    with RewardServer(rate, fault=hold) as server:
        servers.append(server)
        one = model(server, batch=1, concurrency=2)

        def loop() -> list[Verdict]:
            return asyncio.run(one.verify(TASK, MANY[:4]))

        def sync() -> list[Verdict]:
            return one.verify_sync(TASK, MANY[:4])

        with ThreadPoolExecutor(6) as pool:
            jobs = [pool.submit(job) for job in (loop, sync) * 3]
            said = [job.result(60) for job in jobs]
        assert server.calls == 24
        assert server.peak == 2
    expected = pytest.approx([sigmoid(n / 8) for n in range(4)])
    assert all(scores(verdicts) == expected for verdicts in said)


def test_a_model_can_be_used_in_one_event_loop_after_another() -> None:
    with RewardServer(rate) as server:
        one = model(server)
        first = asyncio.run(one.verify(TASK, ANSWERS))
        second = asyncio.run(one.verify(TASK, ANSWERS))
    assert scores(first) == scores(second)
    assert None not in scores(first)


async def test_cancelling_ends_the_requests_under_way_and_those_that_wait() -> None:
    with RewardServer(rate, delay=30.0) as server:
        job = asyncio.create_task(model(server, batch=1, concurrency=2).verify(TASK, MANY))
        assert await asyncio.to_thread(until, lambda: server.calls == 2)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert await asyncio.to_thread(server.settle, 10.0)
        assert server.calls == 2
        assert not any(served.complete for served in server.served)


def test_an_interrupted_wait_leaves_no_request_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with RewardServer(rate, delay=30.0) as server:
        one = model(server)
        begun = threading.Event()

        class Interrupted:
            def __init__(self, job: Any) -> None:
                self.job = job

            def result(self, seconds: float | None) -> None:
                assert until(lambda: server.calls > 0)
                begun.set()
                raise KeyboardInterrupt

            def cancel(self) -> None:
                self.job.cancel()

        begin = background.begin
        monkeypatch.setattr(background, "begin", lambda work: Interrupted(begin(work)))
        with pytest.raises(KeyboardInterrupt):
            one.verify_sync(TASK, ANSWERS)
        assert begun.is_set()
        assert server.settle(10.0)


async def test_a_sync_call_on_the_packages_own_loop_is_refused_and_does_not_hang() -> None:
    with RewardServer(rate) as server:
        one = model(server)

        async def inside() -> list[Verdict]:
            return one.verify_sync(TASK, ANSWERS)

        job = asyncio.run_coroutine_threadsafe(inside(), background_loop())
        with pytest.raises(RuntimeError, match="await it instead"):
            await asyncio.wrap_future(job)
        assert server.calls == 0


async def test_a_text_that_is_too_long_is_an_error_and_no_score_of_a_part() -> None:
    long = Candidate(id="g9", text="word " * 50 + "[3.0]")
    for dialect in ("vllm", "sglang", "tei", "llama.cpp", "cohere", "voyage"):
        with RewardServer(rate, dialect=dialect, window=20) as server:  # type: ignore[arg-type]
            one = HostedRewardModel(
                server.url,
                wire="rerank",
                dialect=dialect,
                model="any",
                scale="probability",
                api_key="a-key",
            )
            (verdict,) = await one.verify(TASK, [long])
        assert verdict.score is None, dialect
        assert verdict.error, dialect


async def test_a_dead_server_is_an_error_that_says_so() -> None:
    with RewardServer(rate) as server:
        one = model(server, attempts=1)
    (verdict,) = await one.verify(TASK, ANSWERS[:1])
    assert verdict.error is not None
    assert verdict.error.startswith("VerifierUnavailable: APIConnectionError")
    assert verdict.cost.calls == 1
