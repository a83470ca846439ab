"""When a request is sent again: the rules of tenacity that all paid calls go by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenacity import (
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from verifier_agent.models.failures import is_transient, retry_after

MOST_WAIT = 60.0
"""Seconds; a server that asks for a longer pause is not asked again."""


def retry_rules(
    attempts: int, seconds: float | None, failed: Callable[[BaseException], None]
) -> dict[str, Any]:
    """Return the arguments of `Retrying`: at most so many attempts, none begun after `seconds`.

    A transient error is tried again, after the pause that the server asks for, or else one that
    doubles. `failed` is told each error that another attempt follows; the last one is raised.
    """
    backoff = wait_exponential(multiplier=0.25, max=8.0) + wait_random(0.0, 0.25)

    def wait(state: RetryCallState) -> float:
        asked = retry_after(_error(state))
        return backoff(state) if asked is None else asked

    def again(error: BaseException) -> bool:
        pause = retry_after(error)
        return is_transient(error) and (pause is None or pause <= MOST_WAIT)

    stop: Any = stop_after_attempt(attempts)
    if seconds is not None:
        stop = stop | stop_after_delay(seconds)
    return {
        "stop": stop,
        "wait": wait,
        "retry": retry_if_exception(again),
        "before_sleep": lambda state: failed(_error(state)),
        "reraise": True,
    }


def _error(state: RetryCallState) -> BaseException:
    outcome = state.outcome
    error = outcome.exception() if outcome is not None else None
    return error or RuntimeError("no outcome")
