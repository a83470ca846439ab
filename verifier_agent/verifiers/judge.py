"""The judge: any chat model as a verifier that reasons, gives feedback, and then a grade.

LLM-as-a-judge: Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langgraph.errors import GraphBubbleUp

from verifier_agent.errors import ConfigurationError, UnreadableVerdict, VerifierUnavailable
from verifier_agent.models import (
    OpenAIChatModel,
    call_options,
    capabilities,
    input_bound,
    is_transient,
    may_be_billed,
    resolve_model,
    retry_after,
    text_bound,
    usage_cost,
)
from verifier_agent.values import Candidate, Cost, Task, Verdict
from verifier_agent.verifiers import judge_prompt
from verifier_agent.verifiers.judge_prompt import BEST, CRITERIA, Marks

MOST_WAIT = 20.0
"""Seconds; a server that asks for a longer pause is not asked again."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to be sent: with a schema where the model takes one, after a pause."""

    messages: list[BaseMessage]
    structured: bool
    pause: float


Dialogue = Generator[Ask, AIMessage | Exception, Verdict]
"""Yields requests, is sent what came back, returns the verdict. It does no I/O."""


class Judge:
    """Grade each candidate with a chat model.

    score: the grade from 0 to 10, divided by 10; a model's opinion, not a probability until it is
    calibrated. feedback: what the judge finds wrong, per criterion. A reference answer in
    `task.context["reference"]`, if there is one, is shown to the judge.

    Args:
        model: A chat model, or its name.
        criteria: Name and meaning of what is judged.
        max_tokens: Cap on the tokens of one report.
        attempts: Requests per candidate at most: a report that cannot be read, or a transient
            error, is asked for again.
        name: The verifier's name in the record.
    """

    hard = False
    per_candidate = True

    def __init__(
        self,
        model: BaseChatModel | str,
        *,
        criteria: Mapping[str, str] = CRITERIA,
        max_tokens: int = 1024,
        attempts: int = 2,
        name: str = "judge",
    ) -> None:
        self.model = resolve_model(model)
        self.capabilities = capabilities(self.model)
        if not self.capabilities.instructions:
            raise ConfigurationError(
                f"{self.capabilities.name!r} cannot be a judge: it reads questions of one kind only"
            )
        for value, label in ((max_tokens, "max_tokens"), (attempts, "attempts")):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"judge {label}={value!r}: a whole number above 0")
        if not criteria:
            raise ConfigurationError("a judge needs at least one criterion")
        self.criteria = dict(criteria)
        self.max_tokens = max_tokens
        self.attempts = attempts
        self.name = name

    @property
    def model_name(self) -> str | None:
        """The model that is paid for, as in price tables; None if it is free."""
        return None if self.capabilities.free else self.capabilities.name

    def bound(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that judging one candidate of so many bytes can cost, retries included."""
        shown = input_bound(self._messages(task, ""), margins=self.capabilities.margins) or 0
        sent = self.attempts * (1 + self.capabilities.retries)
        return Cost(
            calls=sent,
            # the schema of the report is sent along with the messages
            input_tokens=sent * (shown + candidate_bytes + SCHEMA_TOKENS),
            output_tokens=sent * self.max_tokens,
            usd=None if self.model_name else 0.0,
        )

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Grade all candidates side by side."""
        return list(await asyncio.gather(*(self._averify(task, c) for c in candidates)))

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Grade one candidate after the other."""
        return [self._verify(task, candidate) for candidate in candidates]

    def _verify(self, task: Task, candidate: Candidate) -> Verdict:
        dialogue = self._dialogue(task, candidate)
        ask = next(dialogue)
        while True:
            time.sleep(ask.pause)
            try:
                came: AIMessage | Exception = self._runnable(ask).invoke(ask.messages, _CONFIG)
            except GraphBubbleUp:
                raise
            except Exception as error:
                came = error
            try:
                ask = dialogue.send(came)
            except StopIteration as end:
                verdict: Verdict = end.value
                return verdict

    async def _averify(self, task: Task, candidate: Candidate) -> Verdict:
        dialogue = self._dialogue(task, candidate)
        ask = next(dialogue)
        while True:
            await asyncio.sleep(ask.pause)
            try:
                came: AIMessage | Exception = await self._runnable(ask).ainvoke(
                    ask.messages, _CONFIG
                )
            except GraphBubbleUp:
                raise
            except Exception as error:
                came = error
            try:
                ask = dialogue.send(came)
            except StopIteration as end:
                verdict: Verdict = end.value
                return verdict

    def _dialogue(self, task: Task, candidate: Candidate) -> Dialogue:
        messages = self._messages(task, candidate.text)
        most = replace(self.bound(task, text_bound(candidate.text)), exact=False)
        cost, pause, structured = Cost(usd=None if self.model_name else 0.0), 0.0, True
        error: Exception = UnreadableVerdict("the judge was not asked")
        for _ in range(self.attempts):
            came = yield Ask(messages, structured, pause)
            cost += _charge(came, most, self.attempts)
            if isinstance(came, AIMessage):
                try:
                    return self._verdict(candidate, judge_prompt.read(came), cost)
                except UnreadableVerdict as unreadable:
                    error, pause, structured = unreadable, 0.0, False
                continue
            error = VerifierUnavailable(f"{type(came).__name__}: {came}")
            pause = retry_after(came) or 0.25
            # a server may refuse the schema, and answer without it
            refused = getattr(came, "status_code", None) == 400 and structured
            if not (refused or is_transient(came)) or pause > MOST_WAIT:
                break
            pause, structured = (0.0, False) if refused else (pause, structured)
        return Verdict(candidate=candidate.id, verifier=self.name, error=str(error), cost=cost)

    def _verdict(self, candidate: Candidate, marks: Marks, cost: Cost) -> Verdict:
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=marks.score / BEST,
            raw=marks.score,
            feedback=judge_prompt.feedback(marks, list(self.criteria)),
            evidence={"reasoning": marks.reasoning, "model": self.capabilities.name},
            cost=cost,
        )

    def _messages(self, task: Task, text: str) -> list[BaseMessage]:
        reference = task.context.get("reference")
        shown = "" if reference is None else str(reference)
        return judge_prompt.messages(task, text, self.criteria, shown)

    def _runnable(self, ask: Ask) -> Runnable[Any, Any]:
        options = call_options(self.capabilities, max_tokens=self.max_tokens)
        if not ask.structured:
            return self.model.bind(**options)
        if isinstance(self.model, OpenAIChatModel):
            return self.model.bind(response_format=_RESPONSE_FORMAT, **options)
        try:
            return self.model.bind_tools([Marks]).bind(**options)
        except NotImplementedError:  # the prompt describes the report too
            return self.model.bind(**options)


_CONFIG: Any = {"tags": ["nostream"]}
_RESPONSE_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "marks", "schema": Marks.model_json_schema()},
}
SCHEMA_TOKENS = 2 * len(str(_RESPONSE_FORMAT))
"""A bound on what the schema adds to a prompt, in whatever form it is shown to the model."""


def _charge(came: AIMessage | Exception, most: Cost, attempts: int) -> Cost:
    """Return what one request cost: as reported, or its share of the bound where nothing is."""
    if isinstance(came, AIMessage) and (reported := usage_cost([came])[0]) is not None:
        return replace(reported, usd=most.usd)
    if isinstance(came, Exception) and not may_be_billed(came):
        return Cost(calls=1, usd=most.usd)
    return replace(
        most,
        calls=most.calls // attempts,
        input_tokens=most.input_tokens // attempts,
        output_tokens=most.output_tokens // attempts,
    )
