"""Evaluators and runnables as verifiers: the call shape of openevals, and that of LangChain."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from langchain_core.language_models import BaseLanguageModel
from langchain_core.runnables import Runnable

from verifier_agent.errors import ConfigurationError, UnreadableVerdict
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers.function import FunctionVerifier

ARGUMENTS = ("inputs", "outputs", "reference_outputs")
"""What an evaluator is told by keyword: the question, the answer, the reference."""
Evaluator = Callable[..., Any]


def is_evaluator(function: Callable[..., Any]) -> bool:
    """Return True if a function asks for `outputs` by name, as evaluators do."""
    try:
        return "outputs" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # some built-in functions have no signature
        return False


def from_evaluator(
    evaluator: Evaluator, *, name: str | None = None, hard: bool = False
) -> FunctionVerifier:
    """Return a verifier that asks an evaluator of the openevals shape, sync or async.

    It is called with those of `inputs` (the question), `outputs` (the candidate's text) and
    `reference_outputs` (`task.context["reference"]`) that it takes; one that needs a reference
    where the task has none gives a verdict with an error. It may return a bool, a number in [0, 1],
    a result with `key`, `score` and `comment`, or several of these, whose mean is the score. A
    comment on a score below 1 is feedback. What it spends is not known to a budget.

    Args:
        evaluator: Called once for each candidate.
        name: The verifier's name in the record. Default: the function's.
        hard: True if its word is proof.

    Raises:
        ConfigurationError: It cannot be called, or does not take `outputs`.
    """
    if not callable(evaluator) or not is_evaluator(evaluator):
        raise ConfigurationError(
            f"{evaluator!r} is no evaluator: it has to take `outputs`, and may take `inputs` and "
            "`reference_outputs`"
        )
    parameters = inspect.signature(evaluator).parameters
    open_ = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    taken = [one for one in ARGUMENTS if open_ or one in parameters]
    needs = "reference_outputs" in parameters and (
        parameters["reference_outputs"].default is inspect.Parameter.empty
    )
    named = name or str(getattr(evaluator, "__name__", type(evaluator).__name__))

    def arguments(task: Task, candidate: Candidate) -> dict[str, Any]:
        reference = task.context.get("reference")
        if needs and reference is None:
            raise UnreadableVerdict(
                'it needs a reference, and the task has none: pass context={"reference": …}'
            )
        given = {
            "inputs": task.question,
            "outputs": candidate.text,
            "reference_outputs": reference,
        }
        return {one: given[one] for one in taken if given[one] is not None}

    def judged(task: Task, candidate: Candidate) -> Verdict:
        return verdict_of(evaluator(**arguments(task, candidate)), candidate, named, hard=hard)

    async def ajudged(task: Task, candidate: Candidate) -> Verdict:
        said = await evaluator(**arguments(task, candidate))
        return verdict_of(said, candidate, named, hard=hard)

    called = getattr(evaluator, "__call__", evaluator)  # noqa: B004  # an object's own method
    waits = inspect.iscoroutinefunction(evaluator) or inspect.iscoroutinefunction(called)
    return FunctionVerifier(ajudged if waits else judged, name=named, hard=hard)


class RunnableVerifier:
    """Asks a runnable of each candidate: a chain, a graph, a wrapped function.

    It is given a dict with "question", "answer" (the candidate's text), "reference" (None where the
    task has none) and "context", and may return what an evaluator may. The name of the runnable is
    the verifier's. What it spends is not known to a budget.
    """

    def __init__(
        self, runnable: Runnable[Any, Any], *, name: str | None = None, hard: bool = False
    ) -> None:
        if isinstance(runnable, BaseLanguageModel):
            raise ConfigurationError(
                f"{type(runnable).__name__} is a model, which has to be asked for a judgement: "
                "Judge(model)"
            )
        self.name: str = name or runnable.get_name()
        self.hard = hard
        self.runnable = runnable
        self._sync = FunctionVerifier(self._judged, name=self.name, hard=hard)
        self._async = FunctionVerifier(self._ajudged, name=self.name, hard=hard)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Ask of all candidates side by side."""
        return list(await self._async.verify(task, candidates))

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Ask of one candidate after the other."""
        return list(self._sync.verify_sync(task, candidates))

    def _judged(self, task: Task, candidate: Candidate) -> Verdict:
        said = self.runnable.invoke(_told(task, candidate))
        return verdict_of(said, candidate, self.name, hard=self.hard)

    async def _ajudged(self, task: Task, candidate: Candidate) -> Verdict:
        said = await self.runnable.ainvoke(_told(task, candidate))
        return verdict_of(said, candidate, self.name, hard=self.hard)


def _told(task: Task, candidate: Candidate) -> dict[str, Any]:
    return {
        "question": task.question,
        "answer": candidate.text,
        "reference": task.context.get("reference"),
        "context": dict(task.context),
    }


def verdict_of(said: object, candidate: Candidate, name: str, *, hard: bool) -> Verdict:
    """Return the verdict that an evaluator's result means.

    Raises UnreadableVerdict for anything that is no score, and for one that is not in [0, 1].
    """
    if isinstance(said, Verdict):
        return said
    results = [_plain(one) for one in _several(said)]
    if not results:
        raise UnreadableVerdict("it returned no result")
    scores = [_score(result.get("score")) for result in results]
    told = dict.fromkeys(
        str(result["comment"])
        for result, score in zip(results, scores, strict=True)
        if result.get("comment") and score < 1.0
    )
    return Verdict(
        candidate=candidate.id,
        verifier=name,
        score=sum(scores) / len(scores),
        feedback="\n".join(told),
        evidence={"results": [json.loads(json.dumps(r, default=str)) for r in results]},
        hard=hard,
    )


def _several(said: object) -> Sequence[object]:
    if isinstance(said, Mapping) and "results" in said and "score" not in said:
        return list(cast(Sequence[object], said["results"]))
    return list(said) if isinstance(said, list | tuple) else [said]


def _plain(said: object) -> dict[str, Any]:
    """Return a result as a dict: one already, an object with a `score`, or a bare score."""
    if isinstance(said, Mapping):
        return dict(said)
    if hasattr(said, "score"):
        return {one: getattr(said, one, None) for one in ("key", "score", "comment")}
    return {"score": said}


def _score(given: object) -> float:
    if given is None:
        raise UnreadableVerdict("it returned no score")
    if isinstance(given, str) or not hasattr(given, "__float__"):
        raise UnreadableVerdict(f"it returned {given!r} as a score; give a bool or a number")
    number = float(given)
    if not 0.0 <= number <= 1.0:  # NaN is not either
        raise UnreadableVerdict(f"it returned the score {given!r}; a score is in [0, 1]")
    return number
