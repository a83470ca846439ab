"""One exchange with a server: a request, its retries, what it cost, and what it said or why not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tenacity import AsyncRetrying

from verifier_agent.errors import UnreadableVerdict, VerificationError, VerifierUnavailable
from verifier_agent.models import may_be_billed
from verifier_agent.models.failures import in_words
from verifier_agent.models.retrying import retry_rules
from verifier_agent.values import Cost

_REFUSING = (400, 413, 422)
TOKENS_HEADER = "x-compute-tokens"
"""In which TEI tells what its body does not: the tokens it has read."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of a request: JSON, or the error; and what all its attempts cost."""

    reply: Any
    error: VerificationError | None
    cost: Cost
    refused: bool = False
    """Whether the server turned down what it was sent: perhaps for one of several texts."""


async def exchange(
    post: Callable[[], Awaitable[Any]], *, attempts: int, seconds: float, most: Cost
) -> Exchange:
    """Send a request until it is answered; errors of the server and of the way are returned.

    `seconds`: for each attempt, from the first byte to the last, however slowly they come.
    `most`: what one attempt may cost; it is charged where the server does not say.
    """
    failed: list[BaseException] = []

    async def attempt() -> Exchange:
        async with asyncio.timeout(seconds):
            response = await post()
        found = _json(response)  # JSON that broke on the way is asked for again
        told = tokens_told(found)
        told = _number(response.headers.get(TOKENS_HEADER)) if told is None else told
        used = replace(most, exact=False) if told is None else _used(found, told, most)
        return Exchange(found, None, used)

    try:
        retrying = AsyncRetrying(**retry_rules(attempts, None, failed.append))
        done: Exchange = await retrying(attempt)
    except VerificationError as error:
        return Exchange(None, error, _charged(failed, most) + replace(most, exact=False))
    except Exception as error:
        failed.append(error)
        refused = getattr(error, "status_code", None) in _REFUSING
        return Exchange(None, unavailable(error, seconds), _charged(failed, most), refused)
    return Exchange(done.reply, None, _charged(failed, most) + done.cost)


def _json(response: Any) -> Any:
    """Return the JSON of a response; raises UnreadableVerdict if it is another kind of text."""
    kind = str(response.headers.get("content-type", ""))
    if "json" not in kind.lower():
        text = " ".join(response.text.split())
        raise UnreadableVerdict(
            f"the server answered {kind or 'without a content-type'}, not JSON: {text[:160]!r} "
            "(is the URL that of the model's server?)"
        )
    return json.loads(response.content)


def _charged(failed: Sequence[BaseException], most: Cost) -> Cost:
    """Return what failed attempts cost: a request each, and what it may have used."""
    sent = replace(Cost(calls=1), usd=most.usd)
    costs = (replace(most, exact=False) if may_be_billed(error) else sent for error in failed)
    return Cost.total([replace(Cost(), usd=most.usd), *costs])


def _used(reply: Any, prompt: int, most: Cost) -> Cost:
    usage = _usage(reply)
    output = _count(usage.get("completion_tokens")) or 0
    return Cost(calls=1, input_tokens=prompt, output_tokens=output, usd=most.usd)


def _usage(reply: Any) -> dict[str, Any]:
    usage = reply.get("usage") if isinstance(reply, dict) else None
    return usage if isinstance(usage, dict) else {}


def tokens_told(reply: Any) -> int | None:
    """Return the prompt tokens that a reply reports; None if it reports none."""
    usage = _usage(reply)
    prompt, total = _count(usage.get("prompt_tokens")), _count(usage.get("total_tokens"))
    if prompt is not None:
        return prompt
    if total is not None:  # Jina and Voyage tell the sum alone
        return max(0, total - (_count(usage.get("completion_tokens")) or 0))
    if isinstance(reply, dict):
        meta = reply.get("meta")  # Cohere
        tokens = meta.get("tokens") if isinstance(meta, dict) else None
        return _count(tokens.get("input_tokens")) if isinstance(tokens, dict) else None
    return _told_by_rows(reply)


def _told_by_rows(reply: Any) -> int | None:
    """Return the sum of what SGLang's own routes tell in each row."""
    rows = reply if isinstance(reply, list) else []
    told = [row.get("meta_info") for row in rows if isinstance(row, dict)]
    counts = [_count(one.get("prompt_tokens")) for one in told if isinstance(one, dict)]
    whole = bool(counts) and len(counts) == len(rows) and None not in counts
    return sum(count or 0 for count in counts) if whole else None


def _count(found: Any) -> int | None:
    """Return a number of tokens; Cohere writes whole numbers as 12.0."""
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    whole = isinstance(found, int) and not isinstance(found, bool) and found >= 0
    return found if whole else None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def shares(cost: Cost, bounds: Sequence[Cost]) -> list[Cost]:
    """Divide what one request cost among the answers in it, by their bounds; all of it.

    The calls are the first one's. No part is above its bound unless the whole is.
    """
    weights = [max(bound.input_tokens, 1) for bound in bounds]
    parts: list[Cost] = []
    inputs, outputs, weight = cost.input_tokens, cost.output_tokens, sum(weights)
    for place, own in enumerate(weights):
        share, spoken = inputs * own // weight, outputs * own // weight
        inputs, outputs, weight = inputs - share, outputs - spoken, weight - own
        parts.append(
            Cost(
                calls=0 if place else cost.calls,
                input_tokens=share,
                output_tokens=spoken,
                usd=cost.usd,
                exact=cost.exact,
            )
        )
    return parts


_HINTS = {
    400: "it may serve another task, or need another wire, or a shorter text",
    401: "it wants a key",
    403: "it wants another key",
    404: "it has no such route or model: another task may be served, or another dialect spoken",
    405: "it has no such route",
    413: "the text is too long for it, or the batch too large",
    422: "it takes another body: another wire or dialect, or the text is too long",
}


def unavailable(error: Exception, seconds: float) -> VerifierUnavailable:
    """Return the error in words that help."""
    status = getattr(error, "status_code", None)
    hint = _HINTS.get(status if isinstance(status, int) else 0, "")
    if hint and status not in (401, 403):
        hint += "; `verifier-agent doctor --verifier URL` finds what it speaks"
    kind, text = type(error).__name__, in_words(error)
    if isinstance(error, TimeoutError):
        text = f"{kind}: no whole reply within {seconds:g} seconds"
    if isinstance(error, json.JSONDecodeError):
        text = f"{kind}: the reply is broken JSON: {error}"
    return VerifierUnavailable(text[:300] + (f" ({hint})" if hint else ""))
