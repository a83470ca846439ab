"""Many clients at once on `verifier-agent serve`: is a request lost, and does its memory stay?

    python -m tests.bench serve

starts the command as a user does, in front of a loopback provider that counts, and asks it with the
official client, whole, streamed, and over the Responses API. Linux only (/proc).
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill

from openai import AsyncOpenAI

from tests.bench.documents import WIDTH, write_section
from tests.bench.speed import say
from verifier_agent.testing import ModelServer, Reply, Request

CLIENTS = 64
WARM = 20.0
"""Seconds after which memory is watched: code, caches and connections are there by then."""
COMMAND = [
    *(sys.executable, "-m", "verifier_agent.integrations.cli.main", "serve", "--port", "0"),
    *("--model", "openai:provider", "--name", "small"),
    *("--verifier", "agreement", "--policy", "best_of(3)", "--max-calls", "9"),
]


def provider(request: Request) -> Reply:
    """Answer after 20 ms; every third answer differs, so that there is something to choose."""
    return Reply(f"Thinking.\nAnswer: {7 if request.index % 3 else 8}", delay=0.02)


@dataclass
class Tally:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    """That each request took."""
    tokens: int = 0
    lost: list[str] = field(default_factory=list)
    resident: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the start, and megabytes that the server holds."""


@contextmanager
def serving(url: str) -> Iterator[tuple[str, int]]:
    """Start the command; yield its address and its process id."""
    own = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
    with subprocess.Popen(COMMAND, stderr=subprocess.PIPE, text=True, env=own) as process:
        assert process.stderr is not None
        told = (re.search(r"^Serving .* at (\S+)/v1", line) for line in process.stderr)
        address = next(found[1] for found in told if found)
        try:
            yield f"{address}/v1", process.pid
        finally:
            process.terminate()


async def whole(client: AsyncOpenAI, question: str) -> tuple[str, int]:
    reply = await client.chat.completions.create(
        model="small", messages=[{"role": "user", "content": question}]
    )
    assert reply.usage is not None
    return str(reply.choices[0].message.content), reply.usage.total_tokens


async def streamed(client: AsyncOpenAI, question: str) -> tuple[str, int]:
    text, tokens = "", 0
    stream = await client.chat.completions.create(
        model="small",
        messages=[{"role": "user", "content": question}],
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        tokens += chunk.usage.total_tokens if chunk.usage else 0
    return text, tokens


async def response(client: AsyncOpenAI, question: str) -> tuple[str, int]:
    reply = await client.responses.create(model="small", input=question)
    assert reply.usage is not None
    return reply.output_text, reply.usage.total_tokens


WAYS: list[Callable[[AsyncOpenAI, str], Awaitable[tuple[str, int]]]] = [whole, streamed, response]


async def ask(number: int, client: AsyncOpenAI, until: float, tally: Tally) -> None:
    """Be one client: ask one question after the other."""
    asked = 0
    while time.monotonic() < until:
        started, asked = time.monotonic(), asked + 1
        try:
            text, tokens = await WAYS[asked % 3](client, f"Question {number}.{asked}?")
            assert "Answer: " in text, text
        except Exception as error:
            tally.lost.append(f"{type(error).__name__}: {error}")
            continue
        tally.tokens += tokens
        tally.seconds.append(time.monotonic() - started)
    await client.close()


async def watch(pid: int, until: float, tally: Tally) -> None:
    """Note every half second what the server holds in memory."""
    started = time.monotonic()
    while time.monotonic() < until:
        status = await asyncio.to_thread(Path(f"/proc/{pid}/status").read_text)
        kilobytes = int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]
        tally.resident.append((time.monotonic() - started, kilobytes / 1e3))
        await asyncio.sleep(0.5)


async def crowd(url: str, pid: int, seconds: float) -> Tally:
    """Let all clients ask for so many seconds."""
    clients = [
        AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=120)
        for _ in range(CLIENTS)
    ]
    tally, until = Tally(), time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(pid, until, tally))
        for number, client in enumerate(clients):
            group.create_task(ask(number, client, until, tally))
    return tally


def serve(seconds: str = "60") -> None:
    """Run the crowd and write the section."""
    with ModelServer(provider) as inner, serving(inner.url) as (url, pid):
        tally = asyncio.run(crowd(url, pid, float(seconds)))
        inner.settle()
        billed, calls = inner.input_tokens + inner.output_tokens, inner.calls
    text = "".join(f"{line}\n" for line in lines(tally, float(seconds), billed, calls))
    say(text)
    write_section("serve", text)


def lines(tally: Tally, seconds: float, billed: int, calls: int) -> Iterator[str]:
    late = [(at, held) for at, held in tally.resident if at >= WARM]
    slope = statistics.linear_regression(*zip(*late, strict=True)).slope * 60
    cuts = statistics.quantiles(tally.seconds, n=20)
    said = (
        f"{CLIENTS} clients, each with its next question as soon as the last is answered, for "
        f"{seconds:g} s: a third of the requests whole, a third streamed, a third over the "
        "Responses API; three candidates each, from a loopback provider that answers after 20 ms; "
        "the server's limits as they come (16 at once, 64 waiting), the client without retries."
    )
    yield from (fill(said, WIDTH), "", "| | |", "|---|---|")
    answered = len(tally.seconds)
    yield f"| requests answered | {answered:,} |"
    yield f"| lost, refused or empty | {len(tally.lost)} |"
    yield f"| calls at the provider, per request | {calls / answered:.3f} |"
    yield f"| tokens reported / billed | {tally.tokens:,} / {billed:,} |"
    yield f"| seconds per request, median and 95 % | {cuts[9]:.2f}, {cuts[18]:.2f} |"
    yield f"| memory after {WARM:g} s, and at the end | {late[0][1]:.1f} MB, {late[-1][1]:.1f} MB |"
    yield f"| slope of the memory after {WARM:g} s | {slope:+.2f} MB per minute |"
    for error in sorted(set(tally.lost))[:5]:
        yield f"\nLost: {error}"
