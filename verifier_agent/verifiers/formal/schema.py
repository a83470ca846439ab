"""JSON in an answer against a JSON schema or a pydantic model: what does not fit is named."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from verifier_agent.answers.structured import FENCED, LONGEST, find_json
from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.bubbling import let_by
from verifier_agent.verifiers.formal.json_schemas import (
    require_jsonschema,
    strict_json,
    validator_of,
)

MOST = 5
"""Faults that a feedback names."""
LONGEST_SHOWN = 120
"""Characters of a value, and of what was expected."""
_GOES_ON = re.compile(r"[]}\"]|[,:]\s*[][{}\"\d]")
"""What behind a whole value is a part of more JSON, that cannot be read."""
_NAME = re.compile(r"[A-Za-z_]\w*")


class Schema:
    """Judge whether an answer is JSON that fits; what it says is not judged.

    Read is the whole text if it is JSON, else the last JSON object or array in it, fenced or not.

    - It does not fit, or there is none: score 0.0 and `hard`. The feedback names up to 5 places,
      each with its path, its value and what was expected: "$.lines[2].price: 'ten' is not of type
      'number'".
    - It fits: score 1.0. That proves nothing about what it says, so it is no proof and
      `evidence["refutes"]` says so to what goes by beliefs; with `proves=True` it is one, for a
      schema that is all that is asked for, such as a model whose validators check the content.
    - No score and an error: an answer that is not finished, or that is too long to be read.

    Args:
        schema: A JSON schema (extra `tools`), or a pydantic model, or any other type that pydantic
            can validate; None: the JSON schema in `task.context["schema"]`.
        proves: True if what fits is right.
        name: The verifier's name in the record.

    Raises:
        ConfigurationError: It is no JSON schema, and no type that pydantic knows.
        MissingExtra: It is a JSON schema, and jsonschema is not installed.
    """

    relational = False
    per_candidate = False

    def __init__(self, schema: Any = None, *, proves: bool = False, name: str = "schema") -> None:
        self.name = name
        self.hard = proves
        self.schema = schema
        self._check = None if schema is None else _check_of(schema)
        if schema is None:
            require_jsonschema()

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.schema, self.hard, self.name)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's JSON, in a thread: validators may take their time."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check each candidate's JSON."""
        check = self._check
        if check is None:
            try:
                check = _check_of(task.context.get("schema"))
            except ConfigurationError as error:
                return [self._unknown(c, f"context['schema']: {error}") for c in candidates]
        return [self._verdict(candidate, check) for candidate in candidates]

    def _verdict(self, candidate: Candidate, check: _Check) -> Verdict:
        if not candidate.done:
            return self._unknown(candidate, "the answer is not finished")
        if len(candidate.text) > LONGEST:
            return self._unknown(candidate, f"more than {LONGEST} characters are not read")
        source = stated_json(candidate.text)
        if source is None:
            return self._refuted(candidate, [_unread(candidate.text)])
        try:
            faults = list(islice(check.faults(source), MOST))
        except Exception as error:  # a validator of the user's that fails says nothing of the JSON
            why = f"{type(let_by(error)).__name__}: {error}"
            return self._unknown(candidate, f"the check itself failed: {why}"[:1_000])
        if faults:
            return self._refuted(candidate, faults)
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=1.0,
            evidence={} if self.hard else {"refutes": True},
            hard=self.hard,
        )

    def _refuted(self, candidate: Candidate, faults: Sequence[str]) -> Verdict:
        feedback = "\n".join(("The JSON is not what was asked for.", *faults))
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=0.0,
            feedback=feedback.encode("utf-8", "replace").decode(),
            evidence={"faults": len(faults), **({} if self.hard else {"refutes": True})},
            hard=True,
        )

    def _unknown(self, candidate: Candidate, error: str) -> Verdict:
        error = error.encode("utf-8", "replace").decode()
        return Verdict(candidate=candidate.id, verifier=self.name, error=error)


def stated_json(text: str) -> str | None:
    """Return the JSON that an answer gives: all of it, or the last object or array in it.

    None where there is none, or what is meant as the whole of it cannot be read: then a part that
    can be read is not what is given.
    """
    blocks = FENCED.findall(text)
    for whole in (text.strip(), *(block.strip() for block in blocks[-1:])):
        try:
            strict_json(whole)
        except (OverflowError, RecursionError):
            return str(whole)  # it may be right, for whoever can read it
        except ValueError as error:
            begins = whole.startswith("{") or (whole.startswith("[") and whole.endswith("]"))
            if begins and not _goes_on_in_words(whole, error):
                return None
        else:
            return str(whole)
    return find_json(text)


def _goes_on_in_words(text: str, error: Exception) -> bool:
    """Return True if a whole value is followed by what is no part of it."""
    if not isinstance(error, json.JSONDecodeError) or error.msg != "Extra data":
        return False
    return _GOES_ON.match(text, error.pos) is None


def _unread(text: str) -> str:
    """Say why no JSON was found, and where the last block of it goes wrong."""
    blocks = FENCED.findall(text)
    start = text.find("{")
    source = blocks[-1] if blocks else text[start:] if start >= 0 else ""
    if not source.strip():
        return "The answer has no JSON: give it as one JSON value, in a fenced block or alone."
    try:
        strict_json(source)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return f"It cannot be read as JSON: {error.msg} ({where} of {_short(source.strip())})."
    except (ValueError, ArithmeticError, RecursionError) as error:
        return f"It cannot be read as JSON: {_short(str(error))}."
    return "The answer has no JSON that can be read."


class _Check(Protocol):
    """What a source in JSON is held to."""

    def faults(self, source: str) -> Iterator[str]:
        """Yield the places that do not fit, in words."""


class _OfPydantic:
    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        self.adapter = adapter

    def faults(self, source: str) -> Iterator[str]:
        try:
            self.adapter.validate_json(source)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_context=False):
                value = "" if one["type"] == "missing" else f"{_short(repr(one['input']))}: "
                yield f"{_path(one['loc'])}: {value}{_short(one['msg'])}"


class _OfJsonSchema:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        from jsonschema.exceptions import SchemaError

        self.validator = validator_of(schema)
        try:
            self.validator.check_schema(schema)
        except SchemaError as error:
            raise ConfigurationError(f"it is no JSON schema: {_short(error.message)}") from None

    def faults(self, source: str) -> Iterator[str]:
        from jsonschema.exceptions import best_match

        errors = self.validator.iter_errors(strict_json(source))
        for error in sorted(errors, key=lambda one: list(map(str, one.absolute_path))):
            # of alternatives, what the nearest one lacks
            inner = best_match([error]) or error
            shown = repr(inner.instance)
            said = inner.message.replace(shown, _short(shown), 1)
            yield f"{_path(inner.absolute_path)}: {said[: 3 * LONGEST_SHOWN]}"


def _check_of(schema: Any) -> _Check:
    if isinstance(schema, Mapping):
        require_jsonschema()
        return _OfJsonSchema(schema)
    if schema is None or isinstance(schema, str | bytes | int | float | list | tuple):
        raise ConfigurationError(
            f"{_short(repr(schema))} is no schema: give a JSON schema (a dict) or a pydantic model"
        )
    try:
        return _OfPydantic(TypeAdapter(schema))
    except PydanticUserError as error:
        raise ConfigurationError(f"pydantic cannot validate {schema!r}: {error}") from None


def _again(schema: Any, proves: bool, name: str) -> Schema:
    return Schema(schema, proves=proves, name=name)


def _path(parts: Sequence[str | int]) -> str:
    """Write where a value stands as JSONPath does: $.lines[2].price."""
    written = "$"
    for part in parts:
        plain = isinstance(part, str) and _NAME.fullmatch(part)
        written += f".{part}" if plain else f"[{_short(repr(part))}]"
    return written


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
