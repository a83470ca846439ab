"""A loopback server of a reward model, in the dialect of any of the servers that people run.

It is a real HTTP server on 127.0.0.1; how good an answer is says a function of the test:

    with RewardServer(lambda text: 3.0 if "42" in text else -3.0, dialect="vllm") as server:
        verifier = HostedRewardModel(server.url, wire="classify", model="any", scale="logit")
        verifier.verify_sync(task, candidates)
        assert server.calls == len(candidates)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.testing.completions import Tokenizer, words
from verifier_agent.testing.ledger import Ledger
from verifier_agent.testing.loopback import LoopbackHandler, LoopbackHttp, LoopbackServer
from verifier_agent.testing.rewards.faults import RowFault, spoilt
from verifier_agent.testing.rewards.heads import Head, Refusal, Route
from verifier_agent.testing.rewards.routes import HOSTED, Dialect, Task, gets, posts
from verifier_agent.testing.script import Fault, Request

Trouble = Fault | RowFault | None
"""What goes wrong with one reply; None: nothing."""


class RewardServer(LoopbackServer):
    """The server, as a context manager; the counts stay readable after it is left.

    Args:
        rate: The reward, a logit, of what the model has read so far: question and answer, up to a
            step's end where it reads steps. Called from several threads.
        dialect: Whose form it speaks: "vllm", "sglang", "tei", "llama.cpp", "nim", "cohere",
            "jina", "voyage" or "openai". It turns down what that server does.
        task: What a vLLM or SGLang server was started for; others' routes are then missing. None:
            it has the routes of every task.
        labels: 1: the head gives the logit alone. More: it is the logit of label `good`.
        good: Which label means good.
        mark: A step token: a reward is given at each, not for the whole.
        mark_id: Its number, for servers that are asked by it.
        label_ids: The tokens for a good and for a bad answer.
        attributes: Of NIM's chat: the first one is the reward, the others are 0.
        fault: What goes wrong: with every reply, or a function that says it of each request.
        delay: Seconds before each reply.
        window: The most tokens that it reads of a text.
        key: The bearer token that it asks for; None: any, or none for a server of one's own.
        tokenize: How texts are counted.
        model: The name that it lists.
        log: A file to append to; see `Ledger`.
    """

    def __init__(
        self,
        rate: Callable[[str], float],
        *,
        dialect: Dialect = "vllm",
        task: Task | None = None,
        labels: int = 1,
        good: int = 1,
        mark: str = "",
        mark_id: int = 0,
        label_ids: tuple[int, int] = (1, 2),
        attributes: Sequence[str] = ("reward",),
        fault: Trouble | Callable[[Request], Trouble] = None,
        delay: float = 0.0,
        window: int = 1 << 30,
        key: str | None = None,
        tokenize: Tokenizer = words,
        model: str = "loopback",
        log: str | Path | None = None,
    ) -> None:
        if dialect not in get_args(Dialect):
            raise ConfigurationError(f"dialect={dialect!r}{nearest(dialect, get_args(Dialect))}")
        head = Head(
            rate=rate,
            labels=labels,
            good=good,
            mark=mark,
            mark_id=mark_id,
            label_ids=label_ids,
            tokenize=tokenize,
            window=window,
            model=model,
        )
        http = _RewardHttp(
            head,
            Ledger(log),
            posts=posts(dialect, task, attributes),
            gets=gets(dialect, head),
            trouble=fault if callable(fault) else lambda request: fault,
            delay=delay,
            key=("" if dialect in HOSTED else None) if key is None else key,
        )
        super().__init__(http)
        self.url = self.root
        """The URL for a client."""


class _RewardHttp(LoopbackHttp):
    def __init__(
        self,
        head: Head,
        ledger: Ledger,
        *,
        posts: Mapping[str, Route],
        gets: Mapping[str, Any],
        trouble: Callable[[Request], Trouble],
        delay: float,
        key: str | None,
    ) -> None:
        self.head, self.posts, self.gets = head, posts, gets
        self.delay, self.key = delay, key
        super().__init__(_Handler, ledger, trouble)


class _Handler(LoopbackHandler):
    server: _RewardHttp

    def do_GET(self) -> None:
        found = self.server.gets.get(self.path)
        if found is None:
            return self.send(404, {"detail": "Not Found"})
        return self.send(200, found)

    def do_POST(self) -> None:
        raw = self.read()
        try:
            body = json.loads(raw)
        except ValueError:
            return self.refuse(400, "the body is not JSON")
        return self.serve(body, body)

    def say(self, said: Trouble, request: Request) -> bool:
        fault = said if isinstance(said, Fault) else None
        if self.fail(fault):
            return True
        try:
            self._admit(request)
            found = self.server.posts[self.path](self.server.head, request.body)
        except Refusal as refusal:
            self.refuse(refusal.status, str(refusal))
            return True
        self.server.ledger.bill(request, found.tokens, 0)
        if not self.stay(fault, self.server.delay):
            return self.reset()
        body = found.body if isinstance(said, Fault | None) else spoilt(found.body, said)
        return self.send_spoilt(json.dumps(body).encode(), fault, dict(found.headers))

    def refuse(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        self.send(status, {"error": {"message": why}}, headers)

    def _admit(self, request: Request) -> None:
        """Refuse a request that has no route, or lacks the key."""
        key, sent = self.server.key, request.headers.get("authorization", "")
        bearer = sent.removeprefix("Bearer ")
        if key is not None and (bearer in ("", "none") or (key and bearer != key)):
            raise Refusal(401, "invalid api key")
        if self.path not in self.server.posts:
            raise Refusal(404, "Not Found")
