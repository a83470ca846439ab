"""OpenAI's Responses API: what is answered."""

from __future__ import annotations

from typing import Literal

from verifier_agent.integrations.server import responses_wire as asked
from verifier_agent.integrations.server.wire import Given, Metadata, Report


class MadeText(Given):
    """Text of the answer."""

    type: Literal["output_text"]
    text: str
    annotations: list[None]
    logprobs: list[None]


class MadeRefusal(Given):
    """A refusal."""

    type: Literal["refusal"]
    refusal: str


class MadeMessage(Given):
    """The message that was chosen."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[MadeText | MadeRefusal]


class MadeCall(Given):
    """A call of a tool."""

    id: str
    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str
    status: Literal["in_progress", "completed", "incomplete"]


class ReasoningText(Given):
    """What the model wrote before its answer."""

    type: Literal["reasoning_text"]
    text: str


class MadeReasoning(Given):
    """Reasoning, where the model shows it."""

    id: str
    type: Literal["reasoning"]
    summary: list[None]
    content: list[ReasoningText]


Made = MadeReasoning | MadeMessage | MadeCall


class InputDetails(Given):
    """Of the prompt tokens."""

    cached_tokens: int
    cache_write_tokens: Literal[0]


class OutputDetails(Given):
    """Of the generated tokens."""

    reasoning_tokens: int


class Usage(Given):
    """Tokens of everything that was done for the request: all candidates, all verifiers."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class Incomplete(Given):
    """Why the answer is not whole."""

    reason: Literal["max_output_tokens", "content_filter"]


class Response(Given):
    """The answer to a request; its settings as they were sent."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["in_progress", "completed", "incomplete"]
    error: None
    incomplete_details: Incomplete | None
    instructions: str | None
    max_output_tokens: int | None
    metadata: Metadata
    model: str
    output: list[Made]
    parallel_tool_calls: bool
    previous_response_id: None
    store: Literal[False]
    temperature: float | None
    text: asked.TextOptions
    tool_choice: Literal["none", "auto", "required"] | asked.NamedTool
    tools: list[asked.Tool]
    top_p: float | None
    truncation: Literal["disabled"]
    usage: Usage | None
    verifier_agent: Report | None = None
    """Once it is done."""
