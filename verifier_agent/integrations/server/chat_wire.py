"""OpenAI's chat completions: what is asked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from verifier_agent.integrations.server.wire import (
    MOST_CHOICES,
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


class TextPart(Part):
    """Text in a message."""

    type: Literal["text"]
    text: Text


class ImageUrl(Part):
    """Where an image is, or the image itself as a data URL."""

    url: Annotated[str, Field(min_length=1)]
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(Part):
    """An image in a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


class Sound(Part):
    """Recorded sound, in base 64."""

    data: Annotated[str, Field(pattern=r"^[a-zA-Z0-9+/=]+$")]
    format: Literal["wav", "mp3"]


class SoundPart(Part):
    """Sound in a message."""

    type: Literal["input_audio"]
    input_audio: Sound


class FileData(Part):
    """A file, as a data URL."""

    file_data: DataUrl
    filename: str | None = None


class FileId(Part):
    """A file, by its id at the provider."""

    file_id: Annotated[str, Field(min_length=1)]


class FilePart(Part):
    """A file in a message."""

    type: Literal["file"]
    file: FileData | FileId


Parts = Annotated[list[TextPart], Field(min_length=1)]
UserPart = Annotated[TextPart | ImagePart | SoundPart | FilePart, Field(discriminator="type")]
AnswerPart = Annotated[TextPart | RefusalPart, Field(discriminator="type")]


class SystemMessage(Part):
    """What the model is told before the conversation."""

    role: Literal["system", "developer"]
    content: Text | Parts
    name: str | None = None


class UserMessage(Part):
    """What the user says."""

    role: Literal["user"]
    content: Text | Annotated[list[UserPart], Field(min_length=1)]
    name: str | None = None


class FunctionCall(Part):
    """Which function is called, and with what: JSON, as the model wrote it."""

    name: str
    arguments: str


class ToolCall(Part):
    """A call of a tool, in an earlier answer."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class AssistantMessage(Part):
    """An earlier answer."""

    role: Literal["assistant"]
    content: Text | Annotated[list[AnswerPart], Field(min_length=1)] | None = None
    refusal: str | None = None
    name: str | None = None
    tool_calls: Annotated[list[ToolCall], Field(min_length=1)] | None = None


class ToolMessage(Part):
    """What a tool gave."""

    role: Literal["tool"]
    content: Text | Parts
    tool_call_id: str


Message = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


class Tool(Asked):
    """A tool that the model may call."""

    type: Literal["function"]
    function: Function


class NamedTool(Asked):
    """The tool that has to be called."""

    type: Literal["function"]
    function: NamedFunction


class SchemaFormat(Asked):
    """JSON of a form."""

    type: Literal["json_schema"]
    json_schema: NamedSchema


class StreamOptions(Asked):
    """How a streamed answer is sent."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None
    """Accepted, and nothing is added: answers come whole, so their pieces tell no lengths."""


class ChatRequest(Asked):
    """A request for a chat completion.

    What only concerns OpenAI's own service (`user`, `metadata`, `store`, …) is accepted and has
    no effect; what would change the answer and cannot be done is an error.
    """

    model: ModelName
    messages: Annotated[list[Message], Field(min_length=1)]
    n: Annotated[int, Field(ge=1, le=MOST_CHOICES)] | None = None
    """Each choice is a run of its own."""
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    stop: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=4)]
        | None
    ) = None
    max_tokens: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    """Of one candidate, as `max_completion_tokens`; `verifier_agent.budget` limits all together."""
    max_completion_tokens: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    reasoning_effort: Effort | None = None
    verbosity: Verbosity | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: PlainFormat | SchemaFormat | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logprobs: bool | None = None
    modalities: Annotated[list[Literal["text"]], Field(min_length=1, max_length=1)] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    verifier_agent: Settings | None = None
