"""The HTTP side of the loopback model server: routes, answers, streams and faults on the wire."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from verifier_agent.testing.completions import Completion, Tokenizer
from verifier_agent.testing.dialects import DIALECTS, Dialect
from verifier_agent.testing.ledger import Ledger
from verifier_agent.testing.loopback import LoopbackHandler, LoopbackHttp
from verifier_agent.testing.script import Fault, Reply, Request, Script


class ChatHttp(LoopbackHttp):
    """Speaks the chat APIs."""

    def __init__(
        self,
        script: Script,
        tokenize: Tokenizer,
        ledger: Ledger,
        *,
        ignores: Collection[str],
        model: str,
    ) -> None:
        self.tokenize, self.ignores, self.model = tokenize, frozenset(ignores), model
        super().__init__(_Handler, ledger, script)


class _Handler(LoopbackHandler):
    server: ChatHttp
    dialect: Dialect = DIALECTS[0]

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            return self.refuse(404, f"no such route: {self.path}")
        entry = {"id": self.server.model, "object": "model", "owned_by": "loopback"}
        return self.send(200, {"object": "list", "data": [entry]})

    def do_POST(self) -> None:
        raw = self.read()
        spoken = [dialect for dialect in DIALECTS if dialect.path == self.path.partition("?")[0]]
        if not spoken:
            return self.refuse(404, f"no such route: {self.path}")
        (self.dialect,) = spoken
        try:
            body = json.loads(raw)
        except ValueError:
            return self.refuse(400, "the body is not JSON")
        read = self.dialect.read(body) if isinstance(body, dict) else {}
        if problem := _problem(read):
            return self.refuse(400, problem)
        kept = {name: value for name, value in read.items() if name not in self.server.ignores}
        return self.serve(body, kept)

    def say(self, said: Reply | Fault, request: Request) -> bool:
        fault = said if isinstance(said, Fault) else None
        reply = said.reply if isinstance(said, Fault) else said
        if self.fail(fault):
            return True
        kind = fault.kind if fault else ""
        completion = Completion.of(request, reply, self.server.tokenize)
        streams = bool(request.body.get("stream")) and kind not in ("drop", "hang")
        self._bill(completion, 0 if streams else completion.usage.output_tokens)
        if not self.stay(fault, reply.delay):
            return self.reset()
        shown = completion.silent() if kind == "empty" else completion
        if streams:
            return self._stream(shown, fault, reply.pace)
        return self.send_spoilt(json.dumps(self.dialect.answer(shown)).encode(), fault, {})

    def _bill(self, completion: Completion, output_tokens: int) -> None:
        usage = completion.usage
        self.server.ledger.bill(completion.request, usage.input_tokens, output_tokens)

    def _stream(self, completion: Completion, fault: Fault | None, pace: float) -> bool:
        kind = fault.kind if fault else ""
        slow = fault.seconds if fault and kind == "drip" else 0.0
        events = list(self.dialect.events(completion))
        broken = kind in ("truncate", "malformed")
        if broken:
            events = events[: (len(events) + 1) // 2]
        self.head(200, {"transfer-encoding": "chunked"}, self.dialect.stream_type)
        billed = 0
        for event, tokens in events:
            self.wfile.flush()
            if not self.wait(pace + slow / len(events)):
                return self.reset()
            billed += tokens
            self._bill(completion, billed)
            self._chunk(event)
        if kind == "truncate":
            return self.reset()
        if kind == "malformed":
            self._chunk(events[-1][0].rstrip()[:-2] + "\n\n")
        # a usage that the script overrides is what a whole stream costs
        self._bill(completion, completion.usage.output_tokens)
        if ending := self.dialect.ending():
            self._chunk(ending)
        self.wfile.write(b"0\r\n\r\n")
        return not broken

    def _chunk(self, text: str) -> None:
        raw = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))

    def refuse(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        self.send(status, self.dialect.refusal(status, why), headers)


def _problem(body: dict[str, Any]) -> str:
    """Say what a real server would turn down; empty if nothing."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages: a list with at least one message is needed"
    if not all(isinstance(m, dict) and isinstance(m.get("role"), str) for m in messages):
        return "messages: each one is an object with a role"
    for name in ("n", "max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if value is not None and not (isinstance(value, int) and value >= 1):
            return f"{name}: {value!r} is not a positive whole number"
    return ""
