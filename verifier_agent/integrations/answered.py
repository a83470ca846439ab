"""The answer of a run as one message of a chat model: the chosen one, with the usage of all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import (
    InputTokenDetails,
    OutputTokenDetails,
    UsageMetadata,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from verifier_agent.errors import GenerationError
from verifier_agent.graph import Run
from verifier_agent.values import Cost


def answered(state: Mapping[str, Any]) -> AIMessage:
    """Return the chosen message of a run's final state, untouched but for what it used.

    `usage_metadata` is the true total of the run, judges included, and
    `response_metadata["verifier_agent"]` says how the answer was found. Raises GenerationError if
    there is no answer.
    """
    run = Run.of(state)
    selection = run.selection
    if selection.candidate is None:
        raise GenerationError(f"no answer ({selection.outcome}): {selection.reason}")
    message = state["messages"][-1]
    assert isinstance(message, AIMessage)
    said = {
        "run": run.id,
        "answer": run.tree[selection.candidate].answer,
        "confidence": selection.confidence,
        "basis": selection.basis,
        "outcome": selection.outcome,
        "reason": selection.reason,
        "model": run.tree[selection.candidate].model,
        "calls": run.spent.calls,
        "spent": run.spent.to_dict(),
    }
    return message.model_copy(
        update={
            "usage_metadata": usage(run),
            "response_metadata": {**message.response_metadata, "verifier_agent": said},
        }
    )


def usage(run: Run) -> UsageMetadata:
    """Return what all calls of the run used.

    Tokens are those of the record, so what no server reported counts at its upper bound. Reasoning
    tokens are known of candidates only, not of judges, whose output they are part of.
    """
    total = Cost.total([c.cost for c in run.candidates] + [v.cost for v in run.tree.verdicts])
    used = UsageMetadata(
        input_tokens=total.input_tokens,
        output_tokens=total.output_tokens,
        total_tokens=total.tokens,
    )
    if total.cached_tokens:
        used["input_token_details"] = InputTokenDetails(cache_read=total.cached_tokens)
    if reasoning := sum(map(_reasoning, run.candidates)):
        used["output_token_details"] = OutputTokenDetails(reasoning=reasoning)
    return used


def _reasoning(candidate: Any) -> int:
    reported = candidate.message.get("data", {}).get("usage_metadata") or {}
    return (reported.get("output_token_details") or {}).get("reasoning") or 0


def chunks(message: AIMessage) -> Iterator[ChatGenerationChunk]:
    """Yield a finished message as a stream: what it says, then what it used."""
    calls = [
        tool_call_chunk(
            name=call["name"],
            args=call["args"] if isinstance(call["args"], str) else json.dumps(call["args"]),
            id=call["id"],
            index=place,
        )
        for place, call in enumerate((*message.tool_calls, *message.invalid_tool_calls))
    ]
    said = AIMessageChunk(
        content=message.content,
        additional_kwargs=message.additional_kwargs,
        tool_call_chunks=calls,
        id=message.id,
    )
    last = AIMessageChunk(
        content=[] if isinstance(message.content, list) else "",
        response_metadata=message.response_metadata,
        usage_metadata=message.usage_metadata,
        id=message.id,
        chunk_position="last",
    )
    for chunk in (said, last):
        yield ChatGenerationChunk(message=chunk)
