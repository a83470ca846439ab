"""Chat completions: from a request to what is asked, and from runs to what is sent. Pure."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from verifier_agent.integrations.server import chat_wire as wire
from verifier_agent.integrations.server import completions_wire as made
from verifier_agent.integrations.server.asking import Wanted
from verifier_agent.integrations.server.messages import read_messages
from verifier_agent.integrations.server.refusals import Refused
from verifier_agent.integrations.server.running import Answered, Event, Told
from verifier_agent.integrations.server.telling import Said, Tokens, line, progress, report

_PASSED = {
    "frequency_penalty",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "stop",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "verbosity",
}
"""What goes on to the model as it is."""


def read(request: wire.ChatRequest) -> Wanted:
    """Return what is wanted; raises Refused for fields that contradict each other."""
    if request.logprobs:
        raise Refused(
            400,
            "logprobs: those of an answer that was chosen among several would mislead",
            code="unsupported_parameter",
            param="logprobs",
        )
    caps = [cap for cap in (request.max_tokens, request.max_completion_tokens) if cap is not None]
    return Wanted(
        model=request.model,
        messages=read_messages(request.messages),
        options=_options(request),
        settings=request.verifier_agent,
        n=request.n or 1,
        seed=request.seed,
        max_tokens=min(caps, default=None),
    )


def _options(request: wire.ChatRequest) -> dict[str, Any]:
    options = request.model_dump(include=_PASSED, exclude_none=True, by_alias=True)
    if not options.get("tools"):
        for name in ("tools", "parallel_tool_calls"):
            options.pop(name, None)
        if options.pop("tool_choice", "none") not in ("none", "auto"):
            raise Refused(
                400, "tool_choice: there are no tools", code="invalid_value", param="tool_choice"
            )
    if options.get("response_format") == {"type": "text"}:
        del options["response_format"]
    if not options.get("stop", True):
        del options["stop"]
    return options


def completion(model: str, answers: Sequence[Answered]) -> made.ChatCompletion:
    """Return the answer in one piece."""
    return made.ChatCompletion(
        id=_id(answers[0]),
        object="chat.completion",
        created=int(time.time()),
        model=model,
        choices=[_choice(one) for one in answers],
        usage=usage(answers),
    )


def _id(answer: Answered) -> str:
    return f"chatcmpl-{answer.run.id}"


def usage(answers: Sequence[Answered]) -> made.Usage:
    """Return the tokens of everything that was done."""
    tokens = Tokens.of(one.run for one in answers)
    return made.Usage(
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.generated,
        total_tokens=tokens.prompt + tokens.generated,
        prompt_tokens_details=made.PromptDetails(cached_tokens=tokens.cached),
        completion_tokens_details=made.CompletionDetails(reasoning_tokens=tokens.reasoning),
    )


def _choice(answer: Answered) -> made.Choice:
    said = Said.of(answer.message, answer.run.id)
    more: dict[str, Any] = {}
    if said.calls:
        more["tool_calls"] = [
            made.MadeToolCall(id=id_, type="function", function=_function(name, arguments))
            for id_, name, arguments in said.calls
        ]
    if said.reasoning:
        more["reasoning_content"] = said.reasoning
    silent = not said.text and (said.calls or said.refusal)
    return made.Choice(
        index=answer.place,
        message=made.Answer(
            role="assistant",
            content=None if silent else said.text,
            refusal=said.refusal,
            **more,
        ),
        finish_reason=said.ending,
        logprobs=None,
        verifier_agent=report(answer.run),
    )


def _function(name: str, arguments: str) -> made.MadeFunctionCall:
    return made.MadeFunctionCall(name=name, arguments=arguments)


class ChatStream:
    """A streamed completion: what is sent for each thing that is told.

    An answer is sent whole, as soon as it is chosen: what is still a candidate is nobody's answer.
    """

    def __init__(self, request: wire.ChatRequest) -> None:
        self._head: dict[str, Any] = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": request.model,
        }
        self._usage = bool(request.stream_options and request.stream_options.include_usage)
        self._progress = bool(request.verifier_agent and request.verifier_agent.progress)
        self._n = request.n or 1
        self._answers: list[Answered] = []

    def begin(self) -> Iterator[str]:
        """Open every choice."""
        for place in range(self._n):
            yield self._piece(place, role="assistant", content="")

    def next(self, told: Told) -> Iterator[str]:
        """Say what has happened."""
        if isinstance(told, Event):
            if self._progress:
                yield self._chunk(choices=[], verifier_agent=progress(told))
            return
        self._answers.append(told)
        said = Said.of(told.message, told.run.id)
        if said.reasoning:
            yield self._piece(told.place, reasoning_content=said.reasoning)
        if said.text:
            yield self._piece(told.place, content=said.text)
        if said.refusal:
            yield self._piece(told.place, refusal=said.refusal)
        for index, (id_, name, arguments) in enumerate(said.calls):
            call = made.ToolCallDelta(
                index=index, id=id_, type="function", function=_function(name, arguments)
            )
            yield self._piece(told.place, tool_calls=[call])
        end = made.ChunkChoice(
            index=told.place,
            delta=made.Delta(),
            finish_reason=said.ending,
            verifier_agent=report(told.run),
        )
        yield self._chunk(choices=[end])

    def end(self) -> Iterator[str]:
        """Give the usage, if it was asked for."""
        if self._usage:
            yield self._chunk(choices=[], usage=usage(self._answers))
        yield line("[DONE]")

    def failed(self, refused: Refused) -> Iterator[str]:
        """Say that there is no answer, as OpenAI's clients understand it."""
        yield line(refused.body())

    def _piece(self, place: int, **delta: Any) -> str:
        choice = made.ChunkChoice(index=place, delta=made.Delta(**delta), finish_reason=None)
        return self._chunk(choices=[choice])

    def _chunk(self, **more: Any) -> str:
        return line(made.ChatCompletionChunk(**self._head, **more))
