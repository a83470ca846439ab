"""OpenAI's Responses API: what is asked. Nothing is kept between requests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from verifier_agent.integrations.server.wire import (
    Asked,
    DataUrl,
    Effort,
    Function,
    Metadata,
    ModelName,
    NamedFunction,
    NamedSchema,
    Part,
    PlainFormat,
    RefusalPart,
    Settings,
    Text,
    Verbosity,
)


class InputText(Part):
    """Text."""

    type: Literal["input_text"]
    text: Text


class OutputText(Part):
    """Text of an earlier answer."""

    type: Literal["output_text"]
    text: Text


class InputImage(Part):
    """An image: where it is, or a data URL."""

    type: Literal["input_image"]
    image_url: Annotated[str, Field(min_length=1)]
    detail: Literal["auto", "low", "high"] | None = None


class InputFile(Part):
    """A file, as a data URL."""

    type: Literal["input_file"]
    file_data: DataUrl
    filename: str | None = None


Content = Annotated[
    InputText | OutputText | RefusalPart | InputImage | InputFile, Field(discriminator="type")
]


class Message(Part):
    """A message of the conversation."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Text | Annotated[list[Content], Field(min_length=1)]


class FunctionCall(Part):
    """A call of a tool, in an earlier answer."""

    type: Literal["function_call"]
    call_id: Annotated[str, Field(min_length=1)]
    name: str
    arguments: str


class FunctionCallOutput(Part):
    """What a tool gave."""

    type: Literal["function_call_output"]
    call_id: Annotated[str, Field(min_length=1)]
    output: Text | Annotated[list[InputText], Field(min_length=1)]


class Reasoning(Part):
    """Reasoning in an earlier answer; it is not sent to the model again."""

    type: Literal["reasoning"]


def _kind(item: Any) -> str | None:
    kind = item.get("type", "message") if isinstance(item, dict) else getattr(item, "type", None)
    return kind if isinstance(kind, str) else None


Item = Annotated[
    Annotated[Message, Tag("message")]
    | Annotated[FunctionCall, Tag("function_call")]
    | Annotated[FunctionCallOutput, Tag("function_call_output")]
    | Annotated[Reasoning, Tag("reasoning")],
    Discriminator(_kind),
]


class Tool(Function):
    """A function that the model may call."""

    type: Literal["function"]


class NamedTool(NamedFunction):
    """The function that has to be called."""

    type: Literal["function"]


class SchemaFormat(NamedSchema):
    """JSON of a form."""

    type: Literal["json_schema"]


class TextOptions(Asked):
    """The form of the answer."""

    format: PlainFormat | SchemaFormat | None = None
    verbosity: Verbosity | None = None


class ReasoningOptions(Asked):
    """How much a reasoning model thinks."""

    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    """Accepted; what the model shows of its reasoning is in the answer anyway."""


class StreamOptions(Asked):
    """How a streamed answer is sent."""

    include_obfuscation: bool | None = None
    """Accepted, and nothing is added: answers come whole, so their pieces tell no lengths."""


class ResponsesRequest(Asked):
    """A request for a response.

    What only concerns OpenAI's own service is accepted and has no effect; what would change the
    answer and cannot be done is an error. Nothing is stored, so there is no
    `previous_response_id`: send the conversation.
    """

    model: ModelName
    input: Text | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    """Of one candidate; `verifier_agent.budget` limits all together."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    truncation: Literal["disabled"] | None = None
    include: Annotated[list[str], Field(max_length=20)] | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    verifier_agent: Settings | None = None
