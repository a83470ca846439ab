"""What judges report, and how a report is read from a model's reply. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from langchain_core.messages import AIMessage
from pydantic import BaseModel, Field, ValidationError

from verifier_agent.errors import UnreadableVerdict
from verifier_agent.verifiers.judges.interview import Form

LONGEST = 20_000
"""Characters; of a longer message only the end is read, so that no text costs much time."""


class Mark(BaseModel):
    """What the judge says of one criterion."""

    name: str
    feedback: str = ""


class Marks(BaseModel):
    """A judge's report: the reasoning comes first, so that the grade follows from it."""

    reasoning: str = Field(description="check the answer step by step before grading it")
    criteria: list[Mark] = Field(
        default_factory=list, description="per criterion, what is wrong; empty if nothing is"
    )
    score: float = Field(ge=0, description="0 is surely wrong, the maximum surely right")


class Comparison(BaseModel):
    """A judge's report on two answers."""

    reasoning: str = Field(description="check both answers step by step before choosing")
    criteria: list[Mark] = Field(
        default_factory=list, description="per criterion, what sets the two apart"
    )
    winner: Literal["A", "B", "tie"]


class Step(BaseModel):
    """What the judge says of one step."""

    step: int = Field(ge=1)
    check: str = Field(description="whether it follows, and if not, what is wrong")
    score: float = Field(ge=0, description="0 is surely wrong, the maximum surely right")


class Checks(BaseModel):
    """A judge's report on the steps of an answer."""

    steps: list[Step]


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Read(Generic[M]):
    """A report, and how it is spelled in the reply; empty for a tool call."""

    report: M
    spelled: str = ""


def form(model: type[BaseModel], best: int | None = None) -> Form:
    """Return the form of a report, with `best` as the highest grade."""
    schema = model.model_json_schema()
    for place in (schema, *schema.get("$defs", {}).values()):
        if best is not None and "score" in place["properties"]:
            place["properties"]["score"]["maximum"] = best
    return Form(name=model.__name__, schema=schema)


def read(
    message: AIMessage, shown: str, model: type[M], *, wrong: Callable[[M], str] | None = None
) -> Read[M]:
    """Return the report in `message`: a tool call, or the last JSON object of the text that is one.

    An object that stands in what the judge was `shown` is quoted from it, and no report. `wrong`
    says what else is wrong with a report, or "". Raises UnreadableVerdict, with that or with the
    beginning of what was said, if there is no good one.
    """
    faults: list[str] = []

    def good(found: Any) -> M | None:
        try:
            report = model.model_validate(found)
        except ValidationError:
            return None
        fault = wrong(report) if wrong is not None else ""
        if fault:
            faults.append(fault)
        return None if fault else report

    for call in message.tool_calls:
        if (report := good(call["args"])) is not None:
            return Read(report)
    quotable = _without_space(shown)
    for spelled, found in reversed(_objects(message.text[-LONGEST:])):
        if _without_space(spelled) in quotable:
            continue
        if (report := good(found)) is not None:
            return Read(report, spelled)
    said = message.text.strip() or str(message.additional_kwargs.get("refusal") or "")
    cut = message.response_metadata.get("finish_reason") in ("length", "max_tokens")
    raise UnreadableVerdict(
        f"the judge gave no readable report, but {said[:120]!r}"
        + (f": {faults[0]}" if faults else "")
        + (", cut at its cap: raise max_tokens" if cut else "")
    )


def above(best: int) -> Callable[[Marks], str]:
    """Return a check that a grade is at most `best`."""
    return lambda marks: f"the grade {marks.score:g} is above {best}" if marks.score > best else ""


def _without_space(text: str) -> str:
    return "".join(text.split())


def _objects(text: str) -> list[tuple[str, Any]]:
    """Return the JSON objects in `text` that are inside no other, each with how it is spelled."""
    decoder, found, start = json.JSONDecoder(), [], text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
            found.append((text[start:end], value))
        except ValueError:  # also an integer of too many digits
            end = start + 1
        except RecursionError:
            end = start + 100  # what begins in between is too deep as well to be a report
        start = text.find("{", end)
    return found


def feedback(marks: Marks, criteria: Sequence[str], best: int) -> str:
    """Return what helps a revision: the judge's words per criterion, known ones only."""
    said = [
        f"{mark.name}: {mark.feedback.strip()}"
        for mark in marks.criteria
        if mark.feedback.strip() and mark.name in criteria
    ]
    if said or marks.score >= best:
        return "\n".join(said)
    return marks.reasoning.strip()
