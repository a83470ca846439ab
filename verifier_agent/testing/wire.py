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
        self.script, self.tokenize = script, tokenize
        self.ignores, self.model = frozenset(ignores), model
        super().__init__(_Handler, ledger)


class _Handler(LoopbackHandler):
    server: ChatHttp
    dialect: Dialect = DIALECTS[0]

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            return self._refuse(404, f"no such route: {self.path}")
        entry = {"id": self.server.model, "object": "model", "owned_by": "loopback"}
        return self.send(200, {"object": "list", "data": [entry]})

    def do_POST(self) -> None:
        raw = self.read()
        spoken = [dialect for dialect in DIALECTS if dialect.path == self.path.partition("?")[0]]
        if not spoken:
            return self._refuse(404, f"no such route: {self.path}")
        (self.dialect,) = spoken
        try:
            body = json.loads(raw)
        except ValueError:
            return self._refuse(400, "the body is not JSON")
        read = self.dialect.read(body) if isinstance(body, dict) else {}
        if problem := _problem(read):
            return self._refuse(400, problem)
        kept = {name: value for name, value in read.items() if name not in self.server.ignores}
        headers = {name.lower(): value for name, value in self.headers.items()}
        return self._serve(self.server.ledger.arrive(self.path, body, kept, headers))

    def _serve(self, request: Request) -> None:
        said: Reply | Fault | None = None
        complete = False
        self.status = None
        try:
            said = self.server.script(request)
            complete = self._say(said, request)
        except OSError:
            self.close_connection = True  # the client left
        except Exception as error:  # a bug in the script: both sides are told
            self.server.failures.append(error)
            self._refuse(500, f"the script failed: {error!r}")
        finally:
            self.server.ledger.leave(request, said, self.status, complete)

    def _say(self, said: Reply | Fault, request: Request) -> bool:
        fault = said.kind if isinstance(said, Fault) else ""
        reply = said.reply if isinstance(said, Fault) else said
        if isinstance(said, Fault) and fault == "status":
            wait = {} if said.retry_after is None else {"retry-after": f"{said.retry_after:g}"}
            self._refuse(said.status, "scripted failure", wait)
            return True
        if fault == "html":
            self.send_page()
            return True
        completion = Completion.of(request, reply, self.server.tokenize)
        streams = bool(request.body.get("stream")) and fault not in ("drop", "hang")
        self._bill(completion, 0 if streams else completion.usage.output_tokens)
        here = self.wait(reply.delay)
        if isinstance(said, Fault) and fault == "hang":
            self.wait(said.seconds)
        if not here or fault in ("drop", "hang"):
            return self.reset()
        slow = said.seconds if isinstance(said, Fault) and fault == "drip" else 0.0
        if streams:
            return self._stream(completion, fault, slow, reply.pace)
        return self._answer(completion, fault, slow)

    def _bill(self, completion: Completion, output_tokens: int) -> None:
        usage = completion.usage
        self.server.ledger.bill(completion.request, usage.input_tokens, output_tokens)

    def _answer(self, completion: Completion, fault: str, slow: float) -> bool:
        said = completion.silent() if fault == "empty" else completion
        return self.send_spoilt(json.dumps(self.dialect.answer(said)).encode(), fault, slow, {})

    def _stream(self, completion: Completion, fault: str, slow: float, pace: float) -> bool:
        said = completion.silent() if fault == "empty" else completion
        events = list(self.dialect.events(said))
        broken = fault in ("truncate", "malformed")
        if broken:
            events = events[: (len(events) + 1) // 2]
        self.head(200, {"transfer-encoding": "chunked"}, self.dialect.stream_type)
        billed = 0
        for event, tokens in events:
            if not self.wait(pace + slow / len(events)):
                return self.reset()
            billed += tokens
            self._bill(completion, billed)
            self._chunk(event)
        if fault == "truncate":
            return self.reset()
        if fault == "malformed":
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

    def _refuse(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
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
