"""One request to a model, with its retries and its deadline: the leaf work of a round.

The retry rules, the reading of the reply and the charges are written once; `send` and `asend`
differ in how they wait. What comes back is plain JSON, so that it can be recorded and replayed.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from langchain_core.callbacks import Callbacks
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, message_to_dict
from langchain_core.outputs import LLMResult
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp
from pydantic_core import to_jsonable_python
from tenacity import AsyncRetrying, Retrying

from verifier_agent.models import may_be_billed
from verifier_agent.models.failures import in_words
from verifier_agent.models.retrying import retry_rules
from verifier_agent.plain import Value

NOSTREAM = "nostream"
"""The tag that keeps the tokens of inner calls out of the host's message stream."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Value):
    """One attempt that gave nothing."""

    error: str
    billed: bool
    """True if the server may have done the work all the same: a timeout, a lost connection."""
    sent: bool = True
    """False if it was never sent, since the time was over; then it is no call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Value):
    """What a request gave: a message per candidate asked for, or the reason why not."""

    messages: tuple[dict[str, Any], ...] = ()
    logprobs: tuple[float | None, ...] = ()
    """Of each message, the sum over its tokens, where reported."""
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to be sent."""

    messages: Sequence[BaseMessage]
    options: dict[str, Any] = field(default_factory=dict)
    attempts: int = 1
    deadline: float = math.inf
    """On the clock of `time.perf_counter`: one for the whole round, however long a call waits."""


NOT_BEGUN = Failure(error="not begun: the seconds are used up", billed=False, sent=False)


def left(deadline: float) -> float | None:
    """Return the seconds until `deadline`, negative after it; None if there is none."""
    return None if math.isinf(deadline) else deadline - time.perf_counter()


def send(model: BaseChatModel, call: Call) -> Reply:
    """Send `call` and wait; failures come back in the reply, nothing but a bubble-up is raised."""
    failures: list[Failure] = []
    seconds = left(call.deadline)
    if seconds is not None and seconds <= 0:
        return Reply(failures=(NOT_BEGUN,))

    def attempt() -> LLMResult:
        return model.generate(
            [list(call.messages)], callbacks=_callbacks(), tags=[NOSTREAM], **call.options
        )

    def tries() -> LLMResult:
        return Retrying(**_rules(call.attempts, seconds, failures))(attempt)

    try:
        return _read(within(seconds, tries), failures)
    except Exception as error:
        return _refused(error, failures)


async def asend(model: BaseChatModel, call: Call) -> Reply:
    """Send `call`; failures come back in the reply, only bubble-ups and cancelling are raised."""
    failures: list[Failure] = []
    seconds = left(call.deadline)
    if seconds is not None and seconds <= 0:
        return Reply(failures=(NOT_BEGUN,))

    async def attempt() -> LLMResult:
        return await model.agenerate(
            [list(call.messages)], callbacks=_callbacks(), tags=[NOSTREAM], **call.options
        )

    try:
        async with asyncio.timeout(seconds):
            retrying = AsyncRetrying(**_rules(call.attempts, seconds, failures))
            return _read(await retrying(attempt), failures)
    except Exception as error:
        if isinstance(error, TimeoutError) and not str(error):  # asyncio's own says nothing
            error = _late(seconds)
        return _refused(error, failures)


def _callbacks() -> Callbacks:
    """Return the callbacks of the node or task that this runs in; None outside of a graph."""
    try:
        return get_config().get("callbacks")
    except RuntimeError:
        return None


def within(seconds: float | None, work: Callable[[], T]) -> T:
    """Do `work` in this thread, or, with a deadline, in one that is left behind when it passes.

    Raises TimeoutError at the deadline. A thread cannot be stopped: what it still does is charged
    by whoever set the deadline.
    """
    if seconds is None:
        return work()
    results: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def job() -> None:
        try:
            results.put((work(), None))
        except BaseException as error:  # handed to the waiting thread, whatever it is
            results.put((None, error))

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(job,), daemon=True).start()
    try:
        value, error = results.get(timeout=max(seconds, 0.0))
    except Empty:
        raise _late(seconds) from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


def _late(seconds: float | None) -> TimeoutError:
    return TimeoutError("no reply" if seconds is None else f"no reply within {seconds:.3g} seconds")


def _rules(attempts: int, seconds: float | None, failures: list[Failure]) -> dict[str, Any]:
    return retry_rules(attempts, seconds, lambda error: failures.append(_failure(error)))


def _failure(error: BaseException) -> Failure:
    return Failure(error=in_words(error), billed=may_be_billed(error))


def _refused(error: Exception, failures: list[Failure]) -> Reply:
    if isinstance(error, GraphBubbleUp):
        raise error
    return Reply(failures=(*failures, _failure(error)))


def _read(result: LLMResult, failures: list[Failure]) -> Reply:
    messages = [getattr(generation, "message", None) for generation in result.generations[0]]
    replies = [message for message in messages if isinstance(message, AIMessage)]
    if not replies:
        failures.append(Failure(error="the model returned no AI message", billed=True))
    return Reply(
        messages=tuple(plain_message(message) for message in replies),
        logprobs=tuple(_logprob(message) for message in replies),
        failures=tuple(failures),
    )


def _logprob(message: AIMessage) -> float | None:
    told = message.response_metadata.get("logprobs") or {}
    tokens = told.get("content") if isinstance(told, dict) else told  # Ollama: the list itself
    return sum(float(token["logprob"]) for token in tokens) if tokens else None


def plain_message(message: AIMessage) -> dict[str, Any]:
    """Return langchain's plain form of `message`, as JSON that every checkpointer can store.

    The list of token probabilities is left out: it outweighs the text many times.
    """
    plain = message_to_dict(message)
    plain["data"]["response_metadata"].pop("logprobs", None)
    return storable(to_jsonable_python(plain, fallback=str, inf_nan_mode="null"))


def storable(plain: dict[str, Any]) -> dict[str, Any]:
    """Return `plain` with every text fit for UTF-8: some models emit lone surrogates."""
    try:
        json.dumps(plain, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return {_replaced(key): _replaced(item) for key, item in plain.items()}
    return plain


def _replaced(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_replaced(key): _replaced(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    return value
