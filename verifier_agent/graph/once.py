"""Paid work of one node, done side by side, and recorded so that it is paid for once.

With a checkpointer each piece is a LangGraph task: once it has finished it survives a crash of
its siblings or of the process. Replay of tasks is positional, so all pieces of a node are started
up front in one fixed order, none inside another, and each result carries its key: a result under
another key is not trusted, and the work is done again.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import uuid
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphBubbleUp, GraphInterrupt
from langgraph.func import task

Plain = dict[str, Any]
Seen = Callable[[int, Plain], None]
"""Told the position and the result of each piece as soon as it is done."""

MOST_THREADS = 32
_PROCESS = uuid.uuid4().hex


def process() -> str:
    """Return a name of this process that no other has, a forked one neither."""
    return f"{_PROCESS}-{os.getpid()}"


_BROKEN: Counter[str] = Counter()
"""How often nodes were broken off here that have not been done since, by the host's names."""


def _node(config: RunnableConfig) -> str:
    """Return the host's name of the node at work.

    It is the same when the run goes on from its checkpoint, and another one in every other run,
    thread and fork.
    """
    return str(config.get("configurable", {}).get("checkpoint_ns", ""))


@contextmanager
def whole(config: RunnableConfig) -> Iterator[None]:
    """Note a node that is broken off, by a cancellation for instance, where it can be resumed.

    What the host interrupts by itself is none where each piece is recorded: those beside it are
    waited for, and not done again.
    """
    try:
        yield
    except BaseException as error:
        if _resumable(config) and not (isinstance(error, GraphBubbleUp) and recording(config)):
            _BROKEN[_node(config)] += 1
        raise
    _BROKEN.pop(_node(config), None)


def broken_off(config: RunnableConfig) -> int:
    """Return how often this process broke the node off: what was in flight may be billed."""
    return _BROKEN[_node(config)]


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of work under a key that is unique in its run; both ways give the same result."""

    key: str
    work: Callable[[], Plain]
    awork: Callable[[], Awaitable[Plain]]


def _keyed(key: str, work: Callable[[], Plain]) -> list[Any]:
    return [key, work()]


async def _akeyed(key: str, awork: Callable[[], Awaitable[Plain]]) -> list[Any]:
    return [key, await awork()]


# `task` is typed for one kind of function at a time, and gives back a future in both cases
_record: Callable[[str, Callable[[], Plain]], Future[list[Any]]] = cast(
    Any, cast(Any, task)(name="call")(_keyed)
)
_arecord: Callable[[str, Callable[[], Awaitable[Plain]]], Awaitable[list[Any]]] = cast(
    Any, cast(Any, task)(name="call")(_akeyed)
)


def _trusted(key: str, piece: Piece) -> bool:
    if key != piece.key:
        warnings.warn(
            f"the record holds {key!r} where {piece.key!r} was expected; that work is done again",
            stacklevel=2,
        )
    return key == piece.key


def _resumable(config: RunnableConfig) -> bool:
    return "thread_id" in config.get("configurable", {})  # only threads are checkpointed


def recording(config: RunnableConfig) -> bool:
    """Return True if each piece should be recorded by itself.

    A round runs as up to two nodes, and every task needs a place beside them: with no more places
    than nodes they would wait for each other for ever.
    """
    places = config.get("max_concurrency")
    return _resumable(config) and (places is None or places > 2)


def in_turn(config: RunnableConfig) -> RunnableConfig:
    """Return a config under which pieces that may ask a person are done.

    Where they are not recorded by themselves, answers go to the questions of a node in the order
    in which they are asked, so they must always be asked in one order.
    """
    if recording(config) or not _resumable(config):
        return config
    return {**config, "max_concurrency": 1}


def do_all(pieces: Sequence[Piece], config: RunnableConfig, seen: Seen) -> list[Plain]:
    """Do every piece in threads and return the results in order."""
    if recording(config):
        return _collect(pieces, [_record(p.key, p.work) for p in pieces], seen)
    if len(pieces) == 1:
        result = pieces[0].work()
        seen(0, result)
        return [result]
    threads = min(len(pieces), config.get("max_concurrency") or MOST_THREADS)
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        futures = [
            pool.submit(contextvars.copy_context().run, _keyed, p.key, p.work) for p in pieces
        ]
        return _collect(pieces, futures, seen)


def _collect(
    pieces: Sequence[Piece], futures: Sequence[Future[list[Any]]], seen: Seen
) -> list[Plain]:
    places = {future: place for place, future in enumerate(futures)}
    results: list[Plain] = [{}] * len(pieces)
    asked: dict[int, GraphBubbleUp] = {}
    for future in as_completed(places):
        place = places[future]
        try:
            key, result = future.result()
        except GraphBubbleUp as error:
            asked[place] = error  # the others are paid for, and recorded
            continue
        if not _trusted(key, pieces[place]):
            result = pieces[place].work()
        results[place] = result
        seen(place, result)
    if asked:
        raise _together([asked[place] for place in sorted(asked)])
    return results


def _together(errors: Sequence[GraphBubbleUp]) -> GraphBubbleUp:
    """Return what is raised for all of them: interrupts as one, so that all are asked at once."""
    interrupts = [i for e in errors if isinstance(e, GraphInterrupt) and e.args for i in e.args[0]]
    # those that are not recorded share the node's id, and are asked one after the other
    each = {interrupt.id: interrupt for interrupt in reversed(interrupts)}
    return GraphInterrupt(tuple(each.values())[::-1]) if each else errors[0]


async def ado_all(pieces: Sequence[Piece], config: RunnableConfig, seen: Seen) -> list[Plain]:
    """Do every piece in this event loop and return the results in order."""
    most = asyncio.Semaphore(config.get("max_concurrency") or max(len(pieces), 1))
    # started here, in order, before anything is awaited
    started = [_arecord(p.key, p.awork) for p in pieces] if recording(config) else None

    async def one(place: int) -> Plain:
        piece = pieces[place]
        result: Plain
        if started is not None:
            key, result = await started[place]
            if not _trusted(key, piece):
                result = await piece.awork()
        else:
            async with most:
                result = await piece.awork()
        seen(place, result)
        return result

    # not a TaskGroup: the host knows its own interrupts only if they come alone, not in a group
    tasks = [asyncio.create_task(one(place)) for place in range(len(pieces))]
    try:
        return await asyncio.gather(*tasks)
    except GraphBubbleUp:
        await asyncio.wait(tasks)  # what is under way is paid for, and recorded
        errors = (task.exception() for task in tasks)
        raise _together([e for e in errors if isinstance(e, GraphBubbleUp)]) from None
    finally:
        for unfinished in tasks:
            unfinished.cancel()
