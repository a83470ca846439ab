"""Verifiers as evaluators: for LangSmith's experiments, openevals, and anything of that shape."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_messages

from verifier_agent.answers import answer_key
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.judging import Batch, aask, ask
from verifier_agent.values import Candidate, Task, Verdict, Verifier

Result = dict[str, Any]
"""`key`, `score` and `comment`."""


def as_evaluator(verifier: Verifier, *, key: str | None = None) -> Callable[..., Result]:
    """Return the verifier as an evaluator: a function for LangSmith and openevals.

    It may be called with `run` and `example`, as LangSmith's first evaluators are, or with
    `inputs`, `outputs` and `reference_outputs` by keyword. The question is the text of `inputs`,
    the answer that of `outputs`: a text, the last message of a conversation, a message, or a dict
    with one of these under "messages" or as its only, "output", "answer", "question" or "input"
    value. The reference becomes `task.context["reference"]`. The result's `score` is None where the
    verifier could not judge, with the reason as `comment`; else the comment is its feedback.

    Args:
        verifier: Any of one answer by itself; one that compares answers has nothing to compare.
        key: The name of the score. Default: the verifier's.

    Raises:
        ConfigurationError: The verifier compares answers.
    """
    named = _key(verifier, key)

    def evaluator(
        run: Any = None,
        example: Any = None,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
    ) -> Result:
        task, candidate = _told(run, example, inputs, outputs, reference_outputs)
        return _result(named, ask(task, Batch(verifier=verifier, candidates=(candidate,)))[0])

    evaluator.__name__ = named
    return evaluator


def as_async_evaluator(
    verifier: Verifier, *, key: str | None = None
) -> Callable[..., Awaitable[Result]]:
    """Return the same as `as_evaluator`, to be awaited: for `aevaluate`."""
    named = _key(verifier, key)

    async def evaluator(
        run: Any = None,
        example: Any = None,
        *,
        inputs: Any = None,
        outputs: Any = None,
        reference_outputs: Any = None,
    ) -> Result:
        task, candidate = _told(run, example, inputs, outputs, reference_outputs)
        said = await aask(task, Batch(verifier=verifier, candidates=(candidate,)))
        return _result(named, said[0])

    evaluator.__name__ = named
    return evaluator


def _key(verifier: Verifier, key: str | None) -> str:
    if getattr(verifier, "relational", False):
        raise ConfigurationError(
            f"{verifier.name!r} compares answers with each other; an evaluator is shown one"
        )
    return key or verifier.name


def _told(
    run: Any, example: Any, inputs: Any, outputs: Any, reference_outputs: Any
) -> tuple[Task, Candidate]:
    """Return task and candidate; what is given by keyword comes before run and example."""
    if inputs is None:
        inputs = getattr(example, "inputs", None) or getattr(run, "inputs", None)
    if outputs is None:
        outputs = getattr(run, "outputs", None)
    if reference_outputs is None:
        reference_outputs = getattr(example, "outputs", None)
    context = {"reference": text_of(reference_outputs)} if reference_outputs else {}
    text = text_of(outputs)
    return (
        Task(question=text_of(inputs, of="human"), context=context),
        Candidate(id="g0", text=text, answer=answer_key(text)),
    )


def _result(key: str, verdict: Verdict) -> Result:
    comment = verdict.error if verdict.score is None else verdict.feedback
    return {"key": key, "score": verdict.score, "comment": comment or None}


VALUES = ("output", "answer", "question", "input")
"""Under which key of several the text is looked for."""


def text_of(given: Any, *, of: str = "ai") -> str:
    """Return the text in inputs or outputs: of a conversation, its last message of kind `of`, or
    its last one if it has none."""
    if given is None or isinstance(given, str):
        return given or ""
    if isinstance(given, BaseMessage):
        return str(given.text)
    if isinstance(given, Mapping):
        if "role" in given and "content" in given:
            return text_of([given], of=of)
        if "messages" in given:
            return text_of(given["messages"], of=of)
        if len(given) == 1:
            return text_of(next(iter(given.values())), of=of)
        found = next((key for key in VALUES if key in given), None)
        return json.dumps(given, default=str) if found is None else text_of(given[found], of=of)
    if isinstance(given, Sequence) and given and all(map(_is_message, given)):
        messages = convert_to_messages(list(given))
        own = [message for message in messages if message.type == of] or messages
        return str(own[-1].text)
    return json.dumps(given, default=str)


def _is_message(one: Any) -> bool:
    return isinstance(one, BaseMessage) or (
        isinstance(one, Mapping) and "role" in one and "content" in one
    )
