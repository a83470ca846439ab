"""The loopback server itself, asked over plain HTTP by the standard library's client."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.errors import ConfigurationError
from verifier_agent.testing import (
    Choice,
    Fault,
    ModelServer,
    Reply,
    Request,
    Usage,
    always,
    by_seed,
    characters,
    cycle,
    words,
)
from verifier_agent.testing.ledger import Ledger


def post(server: ModelServer, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    where = urlsplit(server.url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
    try:
        connection.request("POST", "/v1/chat/completions", body=raw)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def ask(server: ModelServer, question: str = "one two three", **fields: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": question}], **fields}
    status, _, raw = post(server, json.dumps(body).encode())
    assert status == 200, raw
    answer: dict[str, Any] = json.loads(raw)
    return answer


def events(raw: bytes) -> list[Any]:
    lines = [line for line in raw.decode().splitlines() if line.startswith("data: ")]
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]


@given(st.text())
def test_tokens_joined_again_give_the_text(text: str) -> None:
    assert "".join(words(text)) == text
    assert "".join(characters(text)) == text


def test_words_are_cut_before_their_space() -> None:
    assert words("a bc\n d ") == ["a", " bc", "\n d", " "]


def test_an_answer_is_counted_and_reported() -> None:
    with ModelServer(always("four is right")) as server:
        answer = ask(server, "what is 2 + 2")
    # 5 words and 4 for the message; 3 words
    assert answer["usage"]["prompt_tokens"] == 9
    assert answer["usage"]["completion_tokens"] == 3
    assert answer["choices"][0]["message"]["content"] == "four is right"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert (server.calls, server.input_tokens, server.output_tokens) == (1, 9, 3)


def test_the_cap_cuts_the_answer_and_the_bill() -> None:
    with ModelServer(always("a b c d e f")) as server:
        for name in ("max_tokens", "max_completion_tokens"):
            answer = ask(server, **{name: 2})
            assert answer["choices"][0]["message"]["content"] == "a b"
            assert answer["choices"][0]["finish_reason"] == "length"
    assert server.output_tokens == 4


def test_reasoning_is_paid_before_the_answer() -> None:
    choice = Choice(text="yes", reasoning="well let me think")
    with ModelServer(lambda request: Reply(choice)) as server:
        cut = ask(server, max_tokens=3)
        whole = ask(server)
    assert cut["choices"][0]["message"]["content"] == ""
    assert cut["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == 5
    assert whole["usage"]["completion_tokens_details"]["reasoning_tokens"] == 4


def test_text_ends_before_the_first_stop_string() -> None:
    with ModelServer(always("step one\nstep two END")) as server:
        answer = ask(server, stop=["END", "\n"])
        other = ask(server, stop="nowhere")
    assert answer["choices"][0]["message"]["content"] == "step one"
    assert answer["choices"][0]["stop_reason"] == "\n"
    assert other["choices"][0]["message"]["content"] == "step one\nstep two END"
    assert other["choices"][0]["stop_reason"] is None


def test_n_choices_come_from_one_call() -> None:
    with ModelServer(cycle(["a", "b c"])) as server:
        answer = ask(server, n=3)
    assert [c["message"]["content"] for c in answer["choices"]] == ["a", "b c", "a"]
    assert answer["usage"]["completion_tokens"] == 4
    assert server.calls == 1


def test_a_server_may_ignore_fields() -> None:
    with ModelServer(always("a b c"), ignores={"n", "max_tokens"}) as server:
        answer = ask(server, n=3, max_tokens=1)
    assert [c["message"]["content"] for c in answer["choices"]] == ["a b c"]


def test_a_stream_carries_the_same_answer_and_the_usage_if_asked() -> None:
    choice = Choice(text="a b c", tool_calls=(("look", '{"at": "me"}'),), reasoning="hm")
    question = {"messages": [{"role": "user", "content": "x"}], "n": 2}
    with ModelServer(lambda request: Reply(choice)) as server:
        whole = json.loads(post(server, json.dumps(question).encode())[2])
        body = {**question, "stream": True, "stream_options": {"include_usage": True}}
        seen = events(post(server, json.dumps(body).encode())[2])
        silent = events(post(server, json.dumps({**question, "stream": True}).encode())[2])
    assert seen[-1]["usage"] == whole["usage"]
    assert all("usage" not in event for event in silent)
    for index in (0, 1):
        deltas = [c["delta"] for e in seen for c in e["choices"] if c["index"] == index]
        message = whole["choices"][index]["message"]
        assert "".join(d.get("content") or "" for d in deltas) == message["content"]
        assert "".join(d.get("reasoning_content", "") for d in deltas) == "hm"
        pieces = [call for d in deltas for call in d.get("tool_calls", ())]
        assert "".join(p["function"]["arguments"] for p in pieces) == '{"at": "me"}'
    bills = [(served.input_tokens, served.output_tokens) for served in server.served]
    assert len(set(bills)) == 1


def test_logprobs_follow_the_tokens() -> None:
    choice = Choice(text="Yes", logprobs=(-0.25,), top_logprobs=({"Yes": -0.25, "No": -1.5},))
    with ModelServer(lambda request: Reply(choice)) as server:
        shown = ask(server, logprobs=True)["choices"][0]["logprobs"]["content"]
        assert ask(server)["choices"][0]["logprobs"] is None
    assert shown[0]["token"] == "Yes"
    assert {t["token"]: t["logprob"] for t in shown[0]["top_logprobs"]} == {
        "Yes": -0.25,
        "No": -1.5,
    }


def test_usage_can_be_missing_or_overridden() -> None:
    replies = iter(
        [Reply("a", usage=None), Reply("a", usage=Usage(input_tokens=7, output_tokens=9))]
    )
    with ModelServer(lambda request: next(replies)) as server:
        assert "usage" not in ask(server, "x")
        assert ask(server, "x")["usage"]["completion_tokens"] == 9
    assert server.output_tokens == 1 + 9


def test_a_seed_decides_what_is_said() -> None:
    with ModelServer(by_seed([str(i) for i in range(1000)])) as server:
        first = ask(server, seed=1, n=2)
        again = ask(server, seed=1, n=3)
        other = ask(server, seed=2, n=2)
    said = [[c["message"]["content"] for c in a["choices"]] for a in (first, again, other)]
    assert said[0] == said[1][:2]
    assert said[0] != said[2]


def test_by_seed_takes_a_function_too() -> None:
    with ModelServer(by_seed(lambda rng: f"{rng.random():.3f}")) as server:
        said = ask(server, "q", seed=5)["choices"][0]["message"]["content"]
    assert said == f"{random.Random('5|q||0').random():.3f}"


def test_a_request_tells_its_question_prefix_and_attempt() -> None:
    seen: list[Request] = []

    def script(request: Request) -> Reply:
        seen.append(request)
        return Reply("ok")

    messages = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "why"}, {"type": "text", "text": "?"}],
        },
        {"role": "assistant", "content": "because"},
    ]
    with ModelServer(script) as server:
        for _ in range(2):
            ask(server, messages=messages, continue_final_message=True)
        ask(server, messages=messages)
    assert [r.attempt for r in seen] == [1, 2, 1]
    assert [r.index for r in seen] == [0, 1, 2]
    assert [r.question for r in seen] == ["why?"] * 3
    assert [r.prefix for r in seen] == ["because", "because", ""]


@pytest.mark.parametrize(
    "raw",
    [b"{", b"[]", b'{"messages": []}', b'{"messages": ["x"]}']
    + [
        json.dumps({"messages": [{"role": "user", "content": "x"}], name: 0}).encode()
        for name in ("n", "max_tokens", "max_completion_tokens")
    ],
)
def test_what_a_server_would_turn_down_is_turned_down_and_not_counted(raw: bytes) -> None:
    with ModelServer(always("x")) as server:
        status, _, body = post(server, raw)
    assert status == 400
    assert json.loads(body)["error"]["message"]
    assert server.calls == 0


def test_a_status_fault_bills_nothing_and_says_when_to_come_back() -> None:
    with ModelServer(lambda request: Fault("status", status=429, retry_after=1.5)) as server:
        status, headers, _ = post(server, b'{"messages": [{"role": "user", "content": "x"}]}')
    assert (status, headers["retry-after"]) == (429, "1.5")
    assert (server.calls, server.input_tokens, server.output_tokens) == (1, 0, 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["drop", "truncate", "hang"])
def test_a_broken_answer_is_seen_as_broken_and_billed(kind: Any, stream: bool) -> None:
    fault = Fault(kind, reply=Reply("lost words here"), seconds=0.05)
    body = {"messages": [{"role": "user", "content": "x"}], "stream": stream}
    with ModelServer(lambda request: fault) as server:
        with pytest.raises((http.client.HTTPException, OSError)):
            post(server, json.dumps(body).encode())
        assert server.settle()
    (served,) = server.served
    assert not served.complete
    assert served.input_tokens == 5
    # a stream that breaks off halfway is billed as far as it went
    assert 0 < served.output_tokens <= 3


def test_a_malformed_answer_has_status_200_and_broken_json() -> None:
    with ModelServer(lambda request: Fault("malformed")) as server:
        status, _, raw = post(server, b'{"messages": [{"role": "user", "content": "x"}]}')
    assert status == 200
    with pytest.raises(ValueError, match="char"):
        json.loads(raw)


def test_an_empty_answer_has_choices_without_content() -> None:
    with ModelServer(lambda request: Fault("empty", reply=Reply("a b"))) as server:
        answer = ask(server, n=2)
    assert [c["message"]["content"] for c in answer["choices"]] == [None, None]
    assert server.output_tokens == 4


def test_a_stream_is_billed_until_the_client_leaves() -> None:
    reply = Reply(" ".join(["word"] * 500), pace=0.002)
    body = {"messages": [{"role": "user", "content": "x"}], "stream": True}
    with ModelServer(lambda request: reply) as server:
        where = urlsplit(server.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
        connection.request("POST", "/v1/chat/completions", body=json.dumps(body))
        answer = connection.getresponse()
        answer.read(2000)
        answer.close()
        connection.close()
        assert server.settle()
    assert not server.served[0].complete
    assert 0 < server.output_tokens < 500


def test_requests_are_served_at_the_same_time() -> None:
    all_here = threading.Barrier(20)

    def script(request: Request) -> Reply:
        all_here.wait(timeout=30)
        return Reply("x")

    with ModelServer(script) as server:
        threads = [threading.Thread(target=ask, args=(server, str(i))) for i in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.calls == 20
    assert server.peak == 20


@pytest.mark.parametrize("body", [{}, {"stream": True}])
def test_a_client_that_has_its_whole_answer_finds_it_in_the_ledger(
    body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = Ledger.leave

    def late(self: Ledger, *noted: Any) -> None:
        time.sleep(0.2)
        leave(self, *noted)

    monkeypatch.setattr(Ledger, "leave", late)
    messages = [{"role": "user", "content": "x"}]
    with ModelServer(always("a b")) as server:
        post(server, json.dumps({"messages": messages, **body}).encode())
        (served,) = server.served
    assert served.complete


def test_an_error_in_a_script_reaches_client_and_test() -> None:
    def script(request: Request) -> Reply:
        raise LookupError("no such question")

    server = ModelServer(script).__enter__()
    status, _, raw = post(server, b'{"messages": [{"role": "user", "content": "x"}]}')
    assert status == 500
    assert b"no such question" in raw
    with pytest.raises(LookupError, match="no such question"):
        server.__exit__(None, None, None)


def test_scripts_without_words_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one text"):
        cycle([])
    with pytest.raises(ConfigurationError, match="at least one choice"):
        Reply([]).take(1)


def test_models_are_listed_and_other_routes_are_not_there() -> None:
    with ModelServer(always("x"), model="tiny") as server:
        where = urlsplit(server.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
        connection.request("GET", "/v1/models")
        listed = json.loads(connection.getresponse().read())
        connection.request("GET", "/v1/other")
        other = connection.getresponse().status
        connection.close()
    assert [entry["id"] for entry in listed["data"]] == ["tiny"]
    assert other == 404


CLIENT = """
import json, sys, urllib.request
body = {"messages": [{"role": "user", "content": sys.argv[2]}]}
request = urllib.request.Request(sys.argv[1] + "/chat/completions", json.dumps(body).encode())
urllib.request.urlopen(request).read()
"""


def test_another_process_is_counted_even_if_it_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    slow = Reply("a b c", delay=1.0)
    with ModelServer(lambda r: slow if r.question == "slow" else Reply("a"), log=log) as server:
        quick = [sys.executable, "-c", CLIENT, server.url, "quick"]
        subprocess.run(quick, check=True, timeout=30)
        killed = subprocess.Popen([sys.executable, "-c", CLIENT, server.url, "slow"])
        until = time.monotonic() + 20
        while server.calls < 2 and time.monotonic() < until:
            time.sleep(0.01)
        killed.kill()
        killed.wait()
        assert server.settle()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    arrived = [line for line in lines if line["event"] == "arrived"]
    served = {line["index"]: line for line in lines if line["event"] == "served"}
    assert [line["body"]["messages"][0]["content"] for line in arrived] == ["quick", "slow"]
    assert [served[i]["complete"] for i in (0, 1)] == [True, False]
    # the answer in one piece was being made, so it is paid for
    assert [served[i]["output_tokens"] for i in (0, 1)] == [1, 3]
