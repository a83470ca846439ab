"""A loopback server that speaks chat APIs, says what a script tells it, and counts.

It is a real HTTP server on 127.0.0.1, so that the client code under test is the code that ships,
and another process can call it by its URL:

    with ModelServer(always("four")) as server:
        model = OpenAIChatModel(model="any", base_url=server.url)
        model.invoke("2 + 2?")
        assert server.calls == 1

It honours `n`, `stop`, `max_tokens` / `max_completion_tokens`, `logprobs`, `stream` and
`stream_options.include_usage`; `seed`, `tools` and `response_format` are for the script to read.
Clients of Anthropic's and of Ollama's own API find theirs at `server.root`; scripts and counts are
the same, and read their requests in OpenAI's form.
The counting rule is simple, and the server's own: `words` (or another tokenizer) over every text,
plus the margins named in `completions`.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from verifier_agent.testing.completions import Tokenizer, words
from verifier_agent.testing.ledger import Ledger, Served
from verifier_agent.testing.script import Script
from verifier_agent.testing.wire import LoopbackHttp


class ModelServer:
    """The server, as a context manager; the counts stay readable after it is left.

    Leaving it raises the first error that the script itself raised, so that an assertion inside
    a script fails the test (the client gets status 500 at once).

    Args:
        script: what to say to each request.
        tokenize: how texts are counted and cut.
        ignores: names of body fields to act as if they were not sent, as some servers do.
        log: a file to append to: one JSON line per arrival and one per end; see `Ledger`.
        model: the name that `/v1/models` lists.
    """

    def __init__(
        self,
        script: Script,
        *,
        tokenize: Tokenizer = words,
        ignores: Collection[str] = (),
        log: str | Path | None = None,
        model: str = "loopback",
    ) -> None:
        self._ledger = Ledger(log)
        self._http = LoopbackHttp(script, tokenize, self._ledger, ignores=ignores, model=model)
        self.root = f"http://127.0.0.1:{self._http.server_address[1]}"
        """The base URL for a client of Anthropic's or of Ollama's API."""
        self.url = f"{self.root}/v1"
        """The base URL for a client of OpenAI's API."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._http.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self.settle(5.0)
        self._ledger.close()
        if self._http.failures and error is None:
            raise self._http.failures[0]

    def settle(self, seconds: float = 10.0) -> bool:
        """Wait until no request is in work; False if one still is after `seconds`."""
        return self._ledger.settle(seconds)

    @property
    def calls(self) -> int:
        """How many chat requests have arrived, failed ones included."""
        return self._ledger.calls

    @property
    def input_tokens(self) -> int:
        """Prompt tokens billed so far."""
        return self._ledger.tokens[0]

    @property
    def output_tokens(self) -> int:
        """Generated tokens billed so far."""
        return self._ledger.tokens[1]

    @property
    def peak(self) -> int:
        """The most requests that were in work at the same time."""
        return self._ledger.peak

    @property
    def served(self) -> list[Served]:
        """The requests that are done, in the order in which they ended; `settle` first."""
        return self._ledger.served
