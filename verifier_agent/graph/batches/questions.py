"""The questions of a batch: what may be given, and what it is read as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, convert_to_messages

from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.settings import read_context
from verifier_agent.graph.state import read_task


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of a batch."""

    id: str
    """Unique in the batch; by it, work that was done before is found again."""
    messages: tuple[BaseMessage, ...]
    context: Mapping[str, Any] = field(default_factory=dict)
    """For verifiers: tests, a schema, a reference."""


QuestionLike = str | BaseMessage | Mapping[str, Any] | Sequence[Any] | Question
"""A text; a message; a dict with "question" or "messages", and "id" and "context" if wanted; or a
whole conversation, as `invoke` takes it."""


def read_questions(given: Sequence[QuestionLike]) -> list[Question]:
    """Return the questions; one without an id goes by its place, from 1.

    Raises ConfigurationError for an empty batch, what is no question, and an id that came before.
    """
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
        raise ConfigurationError(f"questions={given!r}: a list of questions is needed")
    questions = [_read(one, str(place)) for place, one in enumerate(given, start=1)]
    if not questions:
        raise ConfigurationError("there is no question in the batch")
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise ConfigurationError(f"two questions of the batch have the id {question.id!r}")
        seen.add(question.id)
    return questions


def _read(given: QuestionLike, name: str) -> Question:
    context: Any = {}
    if isinstance(given, Question):
        name, messages, context = given.id, given.messages, given.context
    elif isinstance(given, Mapping):
        own, context = given.get("id"), given.get("context") or {}
        name = name if own in (None, "") else str(own)
        messages = _messages(given.get("messages") or given.get("question"), name)
    else:
        messages = _messages(given, name)
    try:
        read_task(list(messages), read_context(context))
    except ConfigurationError as error:
        raise ConfigurationError(f"question {name!r}: {error}") from None
    return Question(id=name, messages=messages, context=context)


def _messages(given: Any, name: str) -> tuple[BaseMessage, ...]:
    if isinstance(given, str):
        return (HumanMessage(given),)
    if isinstance(given, BaseMessage):
        return (given,)
    try:
        return tuple(convert_to_messages(given))
    except (TypeError, ValueError, NotImplementedError):
        raise ConfigurationError(
            f"question {name!r} is {given!r}: give a text, messages, or a dict that has one of "
            'them under "question" or "messages"'
        ) from None
