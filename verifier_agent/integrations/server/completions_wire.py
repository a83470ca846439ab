"""OpenAI's chat completions: what is answered."""

from __future__ import annotations

from typing import Literal

from verifier_agent.integrations.server.wire import Given, Progress, Report

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class MadeFunctionCall(Given):
    """Which function is called, and with what."""

    name: str
    arguments: str


class MadeToolCall(Given):
    """A call of a tool."""

    id: str
    type: Literal["function"]
    function: MadeFunctionCall


class Answer(Given):
    """The message that was chosen."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning_content: str | None = None
    """What the model wrote before its answer, where it shows that."""
    tool_calls: list[MadeToolCall] | None = None


class Choice(Given):
    """One answer, and how it came about."""

    index: int
    message: Answer
    finish_reason: FinishReason
    logprobs: None
    verifier_agent: Report


class PromptDetails(Given):
    """Of the prompt tokens."""

    cached_tokens: int


class CompletionDetails(Given):
    """Of the generated tokens."""

    reasoning_tokens: int


class Usage(Given):
    """Tokens of everything that was done for the request: all candidates, all verifiers."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class ChatCompletion(Given):
    """The answer to a chat request."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class ToolCallDelta(Given):
    """A call of a tool, whole: it is sent once it is chosen."""

    index: int
    id: str
    type: Literal["function"]
    function: MadeFunctionCall


class Delta(Given):
    """A piece of a message."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(Given):
    """A piece of one answer."""

    index: int
    delta: Delta
    finish_reason: FinishReason | None
    logprobs: None = None
    verifier_agent: Report | None = None
    """With the finish reason."""


class ChatCompletionChunk(Given):
    """One event of a streamed answer."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    verifier_agent: Progress | None = None
    """With no choices, where progress is asked for."""
