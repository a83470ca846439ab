"""Runs as both APIs tell them: report, tokens, progress, and the parts of an answer. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage
from pydantic import BaseModel

from verifier_agent.graph import Run
from verifier_agent.integrations.server.running import Event
from verifier_agent.integrations.server.wire import Progress, Report, Used
from verifier_agent.models.openai_wire import write_messages
from verifier_agent.values import Cost

Ending = Literal["stop", "length", "tool_calls", "content_filter"]

_ENDINGS: dict[str, Ending] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "safety": "content_filter",
}
"""What providers call it, in lower case; all else is a stop."""


def report(run: Run) -> Report:
    """Return how the answer of `run` came about."""
    selection, spent = run.selection, run.spent
    return Report(
        run=run.id,
        outcome=selection.outcome,
        reason=selection.reason,
        answer=selection.answer,
        confidence=selection.confidence,
        basis=selection.basis,
        seed=run.seed,
        candidates=len(run.candidates),
        rounds=len(run.decisions) - 1,  # the last one selects
        spent=Used(
            calls=spent.calls,
            tokens=spent.tokens,
            usd=spent.usd,
            joules=spent.joules,
            seconds=round(spent.seconds, 3),
            exact=spent.exact,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """All tokens of a request: those of every candidate and every verifier."""

    prompt: int
    cached: int
    generated: int
    reasoning: int
    """Of the generated ones: hidden reasoning, where it is reported."""

    @classmethod
    def of(cls, runs: Iterable[Run]) -> Tokens:
        """Add up `runs`."""
        runs = list(runs)
        made = [candidate.cost for run in runs for candidate in run.candidates]
        said = [verdict.cost for run in runs for verdict in run.tree.verdicts]
        total = Cost.total([*made, *said])
        return cls(
            prompt=total.input_tokens,
            cached=total.cached_tokens,
            generated=total.output_tokens,
            reasoning=sum(_reasoning(c.message) for run in runs for c in run.candidates),
        )


def _reasoning(message: Mapping[str, Any]) -> int:
    usage = message.get("data", {}).get("usage_metadata") or {}
    return int((usage.get("output_token_details") or {}).get("reasoning") or 0)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an answer says, in parts."""

    text: str
    refusal: str | None
    reasoning: str
    calls: tuple[tuple[str, str, str], ...]
    """Of each call its id, its name and its arguments, as JSON."""
    ending: Ending

    @classmethod
    def of(cls, message: AIMessage, run: str) -> Said:
        """Take `message` apart; calls without an id get one of their `run`."""
        written = write_messages([message])[0].get("tool_calls") or ()
        calls = tuple(
            (
                call.get("id") or f"call_{run}_{i}",
                call["function"]["name"],
                call["function"]["arguments"],
            )
            for i, call in enumerate(written)
        )
        return cls(
            text=message.text,
            refusal=message.additional_kwargs.get("refusal"),
            reasoning=reasoning_of(message),
            calls=calls,
            ending="tool_calls" if calls else _ending(message),
        )


def reasoning_of(message: AIMessage) -> str:
    """Return what the model shows of its reasoning; empty if nothing."""
    shown = message.additional_kwargs.get("reasoning_content")
    if isinstance(shown, str):
        return shown
    blocks = (block for block in message.content_blocks if block["type"] == "reasoning")
    return "".join(str(block.get("reasoning", "")) for block in blocks)


def _ending(message: AIMessage) -> Ending:
    metadata = message.response_metadata
    told = (metadata.get(key) for key in ("finish_reason", "stop_reason", "done_reason"))
    return _ENDINGS.get(next((str(one) for one in told if one), "").lower(), "stop")


def progress(event: Event) -> Progress:
    """Return in short what happened; texts and errors of models stay here."""
    kind = event.told["verifier_agent"]
    return Progress(event=kind, choice=event.place, **_SHORT[kind](event.told[kind]))


def _decision(plain: Mapping[str, Any]) -> dict[str, Any]:
    actions = [planned["action"] for planned in plain["actions"]]
    reasons = dict.fromkeys(action.get("reason", "") for action in actions)
    return {
        "round": plain["round"],
        "does": [action["kind"] for action in actions],
        "reason": "; ".join(filter(None, reasons)),
    }


def _selection(plain: Mapping[str, Any]) -> dict[str, Any]:
    short = {key: plain[key] for key in ("candidate", "answer", "reason")}
    # such a reason repeats what a provider said, which may hold its address or a part of a key
    return {**short, "reason": "no candidate is usable"} if plain["outcome"] == "failed" else short


_SHORT: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "decision": _decision,
    "candidate": lambda plain: {
        "candidate": plain["id"],
        "answer": plain["answer"],
        "failed": plain["error"] is not None,
    },
    "verdict": lambda plain: {key: plain[key] for key in ("candidate", "verifier", "score")},
    "selection": _selection,
}


def line(body: BaseModel | Mapping[str, Any] | str, event: str | None = None) -> str:
    """Return one event of a stream, as it is sent."""
    if isinstance(body, BaseModel):
        body = body.model_dump(exclude_unset=True, by_alias=True)
    if not isinstance(body, str):
        body = json.dumps(body, allow_nan=False, separators=(",", ":"))
    return f"event: {event}\ndata: {body}\n\n" if event else f"data: {body}\n\n"
