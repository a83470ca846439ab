"""What both APIs take and give: functions, forms, settings of this package, its report, errors.

Requests are checked strictly, and a field that nobody knows is an error with its name: a setting
that is silently ignored would be paid for.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from verifier_agent.values import Basis, Outcome

MOST_CHOICES = 16
"""`n` of a request: each choice is a run of its own."""


VERIFIERS = ("agreement", "arithmetic", "auto", "embedded-prm", "judge")
"""What a request may name. Others, such as "judge:MODEL", would let a client send the server's keys
and requests wherever it likes."""
VerifierName = Annotated[str, Field(pattern=rf"^({'|'.join(VERIFIERS)})(@[a-z_]{{1,40}})?$")]


class Asked(BaseModel):
    """A part of a request: nothing is converted, and nothing unknown is let by."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Part(BaseModel):
    """A part of a message. Clients send back what they got, so what is not known is let by."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class Given(BaseModel):
    """A part of an answer. What was not set is left out of the JSON."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Limit(Asked):
    """Limits of one run, in any of these units; the server's own hold besides."""

    calls: Annotated[int, Field(gt=0)] | None = None
    tokens: Annotated[int, Field(gt=0)] | None = None
    usd: Annotated[float, Field(gt=0)] | None = None
    joules: Annotated[float, Field(gt=0)] | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None


class Settings(Asked):
    """How this request is worked on; sent as `extra_body={"verifier_agent": {…}}`."""

    policy: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    """Where compute goes, for instance "until(sample(8), agree(0.9))"."""
    verifier: (
        VerifierName | Annotated[list[VerifierName], Field(min_length=1, max_length=8)] | None
    ) = None
    """What judges; several are heard together."""
    selector: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    """How the answer is chosen: "vote", "best", …"""
    budget: Limit | None = None
    """What each choice may use: at most what the server allows."""
    context: dict[str, Any] | None = None
    """For verifiers: a reference, tests, a schema."""
    progress: bool = False
    """True: a streamed answer tells what happens in chunks without choices."""


class Used(Given):
    """What a run has used, everything counted: retries, failures, verifiers."""

    calls: int
    tokens: int
    usd: float | None
    """None where a price is unknown."""
    joules: float | None
    """Estimated; None where nothing is known."""
    seconds: float
    exact: bool
    """False where usage was not reported, so that its upper bound was charged."""


class Report(Given):
    """How an answer came about."""

    run: str
    outcome: Outcome
    reason: str
    answer: str | None
    """The key that votes were counted by, or the text."""
    confidence: float | None
    basis: Basis
    """What the confidence is; only a calibrated one is called P(correct)."""
    seed: int
    candidates: int
    rounds: int
    spent: Used


class Progress(Given):
    """One thing that happened in a run, in short."""

    event: Literal["decision", "candidate", "verdict", "selection"]
    choice: int
    """Of which choice."""
    round: int | None = None
    """Of a decision, beside what is done, and why."""
    does: list[str] | None = None
    reason: str | None = None
    candidate: str | None = None
    answer: str | None = None
    """Of a candidate or the selection: the answer key, or None for none."""
    failed: bool | None = None
    verifier: str | None = None
    score: float | None = None


class ModelEntry(Given):
    """A model that this server answers as."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(Given):
    """All models of this server."""

    object: Literal["list"]
    data: list[ModelEntry]


class ErrorBody(Given):
    """What is wrong, in OpenAI's words."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorReply(Given):
    """An error, as OpenAI's API gives it."""

    error: ErrorBody


class Health(Given):
    """That the server is up."""

    status: Literal["ok"]
    version: str


DataUrl = Annotated[
    str, Field(pattern=r"^data:[a-zA-Z0-9.+-]+/[a-zA-Z0-9.+-]+;base64,[a-zA-Z0-9+/=]+$")
]
JsonSchema = dict[str, Any]
NAME = r"^[a-zA-Z0-9_-]{1,64}$"
"""Of functions and schemas."""
ToolName = Annotated[str, Field(pattern=NAME)]
Text = Annotated[str, Field(max_length=10_000_000)]
ModelName = Annotated[str, Field(min_length=1, max_length=11_000)]
Metadata = dict[str, str]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
Verbosity = Literal["low", "medium", "high"]


class RefusalPart(Part):
    """A refusal in an earlier answer."""

    type: Literal["refusal"]
    refusal: Text


class Function(Asked):
    """A function that the model may call."""

    name: ToolName
    description: str | None = None
    parameters: JsonSchema | None = None
    strict: bool | None = None


class NamedFunction(Asked):
    """The function that has to be called."""

    name: ToolName


class PlainFormat(Asked):
    """Text, or any JSON object."""

    type: Literal["text", "json_object"]


class NamedSchema(Asked):
    """The form that the answer has to have."""

    name: ToolName
    description: str | None = None
    schema_: Annotated[JsonSchema, Field(alias="schema")]
    strict: bool | None = None
