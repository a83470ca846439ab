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

from collections.abc import Collection
from pathlib import Path

from verifier_agent.testing.completions import Tokenizer, words
from verifier_agent.testing.ledger import Ledger
from verifier_agent.testing.loopback import LoopbackServer
from verifier_agent.testing.script import Script
from verifier_agent.testing.wire import ChatHttp


class ModelServer(LoopbackServer):
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
        super().__init__(ChatHttp(script, tokenize, Ledger(log), ignores=ignores, model=model))
        self.url = f"{self.root}/v1"
        """The base URL for a client of OpenAI's API; one of Anthropic's or Ollama's has `root`."""
