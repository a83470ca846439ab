"""An exact checker of form: tool calls against the tools' schemas, JSON against its schema."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_core.messages import AIMessage, messages_from_dict

from verifier_agent.errors import MissingExtra
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.formal.json_schemas import (
    require_jsonschema,
    strict_json,
    validator_of,
)

Schema = Mapping[str, Any]

_MUST_CALL = ("any", "required", True)
"""What providers call a choice that forces some tool call."""

_OBJECT: Schema = {"type": "object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Judge whether a message keeps to the form that was asked for; what it says is not judged.

    Read are the arguments of a model call, in the forms of OpenAI and Anthropic: `tools` and
    `tool_choice`, and `response_format`. A tool that is not offered, arguments that are no JSON or
    do not fit the tool's JSON schema, no call where one is forced, and text that is no JSON of the
    schema asked for are proof that an answer cannot be used: score 0.0 and `hard`, with feedback
    for a revision. Any other candidate gets 1.0, which proves nothing: it is not `hard`, and
    `evidence["refutes"]` says so to what goes by beliefs.

    It costs nothing. An agent whose model has tools bound asks it by itself, and only once some
    candidate breaks the form; so it changes no score where all of them keep to it.

    Raises:
        MissingExtra: there is a schema to check, and jsonschema is not installed.
    """

    tools: Mapping[str, Schema | None] = field(default_factory=dict)
    """Tool names with the JSON schemas of their arguments; None: not known."""
    closed: bool = False
    """True if no other tools exist."""
    must_call: bool = False
    """True if a tool call is forced."""
    answer: Schema | None = None
    """The JSON schema of the answer's text; {} for any JSON, None for text."""

    name = "form"
    hard = False
    relational = False
    per_candidate = False

    def __post_init__(self) -> None:
        schemas = (*self.tools.values(), self.answer)
        if any(map(_takes_jsonschema, schemas)):
            require_jsonschema()

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Form:
        """Return the form that these arguments of a model call ask for."""
        return cls(**_asked(options))

    @classmethod
    def checkable(cls, options: Mapping[str, Any]) -> Form:
        """Return what can be checked here of the form that these arguments ask for.

        Without jsonschema that is less, and a warning says so: that a tool is offered, that
        arguments and answers are JSON, and that a forced call is made.
        """
        asked = _asked(options)
        try:
            return cls(**asked)
        except MissingExtra as missing:
            warnings.warn(f"tool calls and JSON are not held to schemas: {missing}", stacklevel=2)
        schema = asked["answer"]
        if schema is not None:
            schema = _OBJECT if schema.get("type") == "object" else {}
        return cls(**{**asked, "tools": dict.fromkeys(asked["tools"]), "answer": schema})

    @property
    def asked(self) -> bool:
        """True if any form was asked for."""
        return self != Form()

    def applies(self, finished: Sequence[Candidate]) -> bool:
        """Return True once some candidate breaks the form."""
        return any(self._objection(candidate) is not None for candidate in finished)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's message."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's message."""
        return [self._verdict(candidate) for candidate in candidates]

    def _verdict(self, candidate: Candidate) -> Verdict:
        objection = self._objection(candidate) if candidate.done else None
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=1.0 if objection is None else 0.0,
            feedback=objection or "",
            hard=objection is not None,
            evidence={"refutes": True},
        )

    def _objection(self, candidate: Candidate) -> str | None:
        if not candidate.message:
            return None
        return self.objection(cast(AIMessage, messages_from_dict([candidate.message])[0]))

    def objection(self, message: AIMessage) -> str | None:
        """Say how `message` breaks the form; None if it keeps to it."""
        for broken in message.invalid_tool_calls:
            return f"The arguments of the call of {broken['name']} are no JSON object."
        for call in message.tool_calls:
            if call["name"] not in self.tools and self.closed:
                offered = ", ".join(self.tools)
                return f"There is no tool {call['name']} to call here, only: {offered}."
            schema = self.tools.get(call["name"])
            fault = None if schema is None else _fault(schema, call["args"])
            if fault is not None:
                return f"The call of {call['name']} does not fit its schema: {fault}."
        if message.tool_calls:
            return None
        if self.must_call:
            return "A tool call was required, and there is none."
        return None if self.answer is None else _no_answer(self.answer, message.text)


@dataclass(frozen=True, slots=True)
class Forms:
    """Judges each candidate as `Form` does, by what its own model was asked for."""

    by_model: Mapping[str, Form]

    name = Form.name
    hard = False
    relational = False
    per_candidate = False

    def applies(self, finished: Sequence[Candidate]) -> bool:
        """Return True once some candidate breaks its form."""
        return any(self._form(candidate).applies([candidate]) for candidate in finished)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's message."""
        return self.verify_sync(task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's message."""
        return [self._form(c).verify_sync(task, [c])[0] for c in candidates]

    def _form(self, candidate: Candidate) -> Form:
        return self.by_model.get(candidate.model, Form())


def _no_answer(schema: Schema, text: str) -> str | None:
    try:
        value = strict_json(text)
    except (OverflowError, RecursionError):
        return None  # it may be right, for whoever can read it
    except ValueError:
        return "The answer is no JSON, and nothing else was asked for."
    fault = _fault(schema, value)
    return None if fault is None else f"The answer does not fit its schema: {fault}."


def _asked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the `Form` that these arguments of a model call ask for."""
    read = [_tool(tool) for tool in options.get("tools") or ()]
    tools = dict(found for found in read if found is not None)
    chosen = _chosen(options.get("tool_choice"))
    if isinstance(chosen, str) and chosen in tools:
        tools = {chosen: tools[chosen]}
    return {
        "tools": tools,
        # one in a form that is not known here may have any name
        "closed": bool(read) and None not in read,
        "must_call": chosen is not None,
        "answer": _answer(options.get("response_format")),
    }


def _tool(tool: Any) -> tuple[str, Schema | None] | None:
    """Return the name and schema of a tool; None for a form that is not known."""
    if not isinstance(tool, Mapping):
        return None
    inner = tool.get("function", tool)
    name = inner.get("name") if isinstance(inner, Mapping) else None
    if not isinstance(name, str):
        return None
    schema = inner.get("parameters", inner.get("input_schema"))
    return name, schema if isinstance(schema, Mapping) else None


def _chosen(choice: Any) -> str | bool | None:
    """Return the name of the tool that has to be called; True for any; None if none has to be."""
    if isinstance(choice, Mapping):
        inner = choice.get("function", choice)
        name = inner.get("name") if isinstance(inner, Mapping) else None
        return name if isinstance(name, str) else choice.get("type") in _MUST_CALL or None
    if choice in _MUST_CALL:
        return True
    return choice if isinstance(choice, str) and choice not in ("auto", "none") else None


def _answer(form: Any) -> Schema | None:
    if not isinstance(form, Mapping):
        return None
    if form.get("type") == "json_object":
        return _OBJECT
    named = form.get("json_schema") if form.get("type") == "json_schema" else None
    schema = named.get("schema") if isinstance(named, Mapping) else None
    return schema if isinstance(schema, Mapping) else None


def _takes_jsonschema(schema: Schema | None) -> bool:
    return bool(schema) and schema != _OBJECT


def _fault(schema: Schema, value: Any) -> str | None:
    """Say what about `value` does not fit; None if it fits, or the schema cannot be applied."""
    if not _takes_jsonschema(schema):
        return "an object is needed" if schema and not isinstance(value, dict) else None
    from jsonschema.exceptions import best_match

    try:
        error = best_match(validator_of(schema).iter_errors(value))
    except Exception:  # a schema of the user's that is none is no fault of the answer
        return None
    if error is None:
        return None
    where = "".join(f"[{part!r}]" for part in error.absolute_path)
    return f"{where}: {error.message}" if where else error.message
