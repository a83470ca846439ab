"""The judge: any chat model as a verifier that reasons, gives feedback, and then a grade.

LLM-as-a-judge: Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena".
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable

from verifier_agent.errors import ConfigurationError, UnreadableVerdict
from verifier_agent.models import (
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
from verifier_agent.verifiers.agreement import is_answered
from verifier_agent.verifiers.bubbling import let_by
from verifier_agent.verifiers.judge_conversation import beyond_text
from verifier_agent.verifiers.judge_prompt import BEST, CRITERIA, Marks

MOST_WAIT = 20.0
"""Seconds; a server that asks for a longer pause is not asked again."""
PAUSE = 0.25
"""Seconds before another attempt, where the server does not say how long to wait."""
REFUSED = (400, 422)
"""What servers answer to a field that they do not take."""


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
    calibrated. feedback: what the judge finds wrong, per criterion. The judge is shown the whole
    conversation, and a reference answer if there is one in `task.context["reference"]`. It reads
    text only: where a message holds an image, sound or a file, each verdict is an error, and
    nothing is sent.

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
        self._structured = True
        """False once the server has refused the schema."""

    @property
    def model_name(self) -> str | None:
        """The model that is paid for, as in price tables; None if it is free."""
        return None if self.capabilities.free else self.capabilities.name

    def bound(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that judging one candidate of so many bytes can cost, with retries.

        Nothing, if the conversation holds more than text.
        """
        if beyond_text(task):
            return Cost()
        shown = input_bound(self._messages(task, ""), margins=self.capabilities.margins) or 0
        sent = self.attempts * self._per_attempt
        return Cost(
            calls=sent,
            input_tokens=sent * (shown + candidate_bytes + self._schema_tokens),
            output_tokens=sent * self.max_tokens,
            usd=None if self.model_name else 0.0,
        )

    @cached_property
    def _schema_tokens(self) -> int:
        """A bound on what the schema of the report adds to the messages."""
        margins = self.capabilities.margins
        tools = () if self._by_format else (Marks,)
        added = (input_bound((), tools, margins) or 0) - (input_bound((), (), margins) or 0)
        return added + SCHEMA_TOKENS

    @property
    def _by_format(self) -> bool:
        """True if the schema is sent as `response_format`, not as a tool."""
        return self.capabilities.schema

    @property
    def _per_attempt(self) -> int:
        """How many requests the model may send, unseen, where one is asked for."""
        return 1 + self.capabilities.retries

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Grade all candidates side by side."""
        return list(await asyncio.gather(*(self._averify(task, c) for c in candidates)))

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Grade one candidate after the other."""
        return [self._verify(task, candidate) for candidate in candidates]

    def _verify(self, task: Task, candidate: Candidate) -> Verdict:
        dialogue = self._dialogue(task, candidate)
        ask = _go_on(dialogue)
        while isinstance(ask, Ask):
            time.sleep(ask.pause)
            came: AIMessage | Exception
            try:
                came = self._runnable(ask).invoke(ask.messages, _CONFIG)
            except Exception as error:
                came = let_by(error)
            ask = _go_on(dialogue, came)
        return ask

    async def _averify(self, task: Task, candidate: Candidate) -> Verdict:
        dialogue = self._dialogue(task, candidate)
        ask = _go_on(dialogue)
        while isinstance(ask, Ask):
            await asyncio.sleep(ask.pause)
            came: AIMessage | Exception
            try:
                came = await self._runnable(ask).ainvoke(ask.messages, _CONFIG)
            except Exception as error:
                came = let_by(error)
            ask = _go_on(dialogue, came)
        return ask

    def _dialogue(self, task: Task, candidate: Candidate) -> Dialogue:
        if reason := beyond_text(task):
            return Verdict(candidate=candidate.id, verifier=self.name, error=reason)
        messages = self._messages(task, candidate.text)
        cost, pause, structured = Cost(usd=None if self.model_name else 0.0), 0.0, self._structured
        error, refused = "the judge was not asked", False
        for _ in range(self.attempts):
            came = yield Ask(messages, structured, pause)
            cost += self._charge(came, task, candidate)
            if not isinstance(came, Exception):
                try:
                    marks = judge_prompt.read(came, messages[-1].text)
                except UnreadableVerdict as unreadable:
                    error, pause, structured = str(unreadable), 0.0, False
                    continue
                # what this server refuses is not sent again with the next candidate
                self._structured = self._structured and not refused
                return self._verdict(candidate, marks, cost)
            error = f"{type(came).__name__}: {came}"
            if structured and getattr(came, "status_code", None) in REFUSED:
                # it may refuse the schema, and answer without it
                pause, structured, refused = 0.0, False, True
                continue
            asked = retry_after(came)
            pause = PAUSE if asked is None else asked
            if not is_transient(came) or pause > MOST_WAIT:
                break
        return Verdict(candidate=candidate.id, verifier=self.name, error=error, cost=cost)

    def _charge(self, came: AIMessage | Exception, task: Task, candidate: Candidate) -> Cost:
        """Return what one attempt cost: as reported, or its share of the bound if nothing is."""
        usd = None if self.model_name else 0.0
        if isinstance(came, Exception) and not may_be_billed(came):
            return Cost(calls=self._per_attempt if is_transient(came) else 1, usd=usd)
        if not isinstance(came, Exception) and (reported := usage_cost([came])[0]) is not None:
            return replace(reported, usd=usd)
        most = self.bound(task, text_bound(candidate.text))
        return replace(
            most,
            calls=most.calls // self.attempts,
            input_tokens=most.input_tokens // self.attempts,
            output_tokens=most.output_tokens // self.attempts,
            exact=False,
        )

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
        if self._by_format:
            return self.model.bind(response_format=_RESPONSE_FORMAT, **options)
        try:
            return self.model.bind_tools([Marks]).bind(**options)
        except NotImplementedError:  # the prompt describes the report too
            return self.model.bind(**options)


class Fallback(Judge):
    """A judge for answers that cannot be compared: it applies until a majority has keys."""

    def applies(self, finished: Sequence[Candidate]) -> bool:
        """Return False once more than half of the finished candidates can be compared.

        One key among many answers in words settles nothing: the others would go unjudged.
        """
        answered = sum(1 for candidate in finished if is_answered(candidate))
        return 2 * answered <= len(finished)


_CONFIG: Any = {"tags": ["nostream"]}
_RESPONSE_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "marks", "schema": Marks.model_json_schema()},
}
SCHEMA_TOKENS = len(json.dumps(_RESPONSE_FORMAT, indent=4))
"""A bound on what the schema adds to a prompt, in whatever form it is shown to the model."""


def _go_on(dialogue: Dialogue, came: AIMessage | Exception | None = None) -> Ask | Verdict:
    """Tell the dialogue what came; return what is to be asked next, or the verdict at its end."""
    try:
        return next(dialogue) if came is None else dialogue.send(came)
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict
