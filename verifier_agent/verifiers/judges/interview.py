"""One question to a chat model, asked until its report can be read; sync and async alike.

What is asked, what a reply means and what it cost is written once, as a generator without I/O;
`ask` and `aask` differ in how they wait.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable

from verifier_agent.errors import ConfigurationError, UnreadableVerdict
from verifier_agent.models import (
    Capabilities,
    call_options,
    capabilities,
    input_bound,
    is_transient,
    may_be_billed,
    resolve_model,
    retry_after,
    usage_cost,
)
from verifier_agent.models.failures import in_words
from verifier_agent.values import Cost
from verifier_agent.verifiers.bubbling import let_by

MOST_WAIT = 20.0
"""Seconds; a server that asks for a longer pause is not asked again."""
PAUSE = 0.25
"""Seconds before another attempt, where the server does not say how long to wait."""
REFUSED = (400, 422)
"""What servers answer to a field that they do not take."""
ALTERNATIVES = 20
"""Token probabilities asked for at each place: the most that OpenAI's API gives."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The report that is asked for: its name, and its JSON schema."""

    name: str
    schema: dict[str, Any]

    @property
    def response_format(self) -> dict[str, Any]:
        """The form as a server takes it that holds a text to a schema."""
        return {"type": "json_schema", "json_schema": {"name": "report", "schema": self.schema}}

    @property
    def tool(self) -> dict[str, Any]:
        """The form as a tool to be called."""
        return {"name": self.name, "description": "The report.", "parameters": self.schema}

    @property
    def tokens(self) -> int:
        """A bound on what the schema adds to a prompt, in whatever form the model is shown it."""
        return len(json.dumps(self.response_format, indent=4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[R]):
    """What is asked once, and how the reply is read."""

    messages: list[BaseMessage]
    form: Form
    read: Callable[[AIMessage], R]
    """Raises UnreadableVerdict."""
    most: Cost
    """The most that one attempt can cost."""
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Generic[R]):
    """What came of a question: a report, or an error that says why there is none."""

    report: R | None = None
    cost: Cost
    error: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to be sent, after a pause."""

    messages: list[BaseMessage]
    form: Form
    structured: bool
    logprobs: bool
    seed: int | None
    pause: float


Dialogue = Generator[Ask, AIMessage | Exception, Heard[R]]
"""Yields requests, is sent what came back, returns what was heard. It does no I/O."""


class Interviewer:
    """A chat model that is asked for reports, with its limits and what was learnt of it.

    Raises ConfigurationError for a model that cannot follow instructions, and for limits that are
    no whole numbers above 0.
    """

    def __init__(
        self,
        model: BaseChatModel | str,
        *,
        max_tokens: int,
        attempts: int,
        temperature: float | None = None,
        logprobs: bool = False,
    ) -> None:
        self.model = resolve_model(model)
        self.capabilities: Capabilities = capabilities(self.model)
        if not self.capabilities.instructions:
            raise ConfigurationError(
                f"{self.capabilities.name!r} cannot be a judge: it reads questions of one kind only"
            )
        check_counts("judge", max_tokens=max_tokens, attempts=attempts)
        self.max_tokens = max_tokens
        self.attempts = attempts
        self.temperature = temperature
        self._structured = True
        """False once the server has refused the schema."""
        self._logprobs = logprobs and self.capabilities.logprobs
        """False where the model gives none, or once the server has refused to."""

    @property
    def model_name(self) -> str | None:
        """The model that is paid for, as in price tables; None if it is free."""
        return None if self.capabilities.free else self.capabilities.name

    @property
    def usd(self) -> float | None:
        """What a call costs in dollars, before prices are known: nothing, or unknown."""
        return None if self.model_name else 0.0

    @property
    def per_attempt(self) -> int:
        """How many requests the model may send, unseen, where one is asked for."""
        return 1 + self.capabilities.retries

    def most(self, messages: list[BaseMessage], form: Form, more: int = 0) -> Cost:
        """Return the most that one attempt can cost, with `more` tokens beside `messages`."""
        margins = self.capabilities.margins
        shown = input_bound(messages, margins=margins) or 0
        tools = () if self._by_format else (form.tool,)
        schema = (input_bound((), tools, margins) or 0) - (input_bound((), (), margins) or 0)
        return Cost(
            calls=self.per_attempt,
            input_tokens=self.per_attempt * (shown + more + schema + form.tokens),
            output_tokens=self.per_attempt * self.max_tokens,
            usd=self.usd,
        )

    @property
    def _by_format(self) -> bool:
        """True if the schema is sent as `response_format`, not as a tool."""
        return self.capabilities.schema

    def ask(self, question: Question[R]) -> Heard[R]:
        """Ask, and wait; failures are heard, only interrupts of the host are raised."""
        dialogue = self._dialogue(question)
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

    async def aask(self, question: Question[R]) -> Heard[R]:
        """As `ask`."""
        dialogue = self._dialogue(question)
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

    def _dialogue(self, question: Question[R]) -> Dialogue[R]:
        cost, pause = Cost(usd=self.usd), 0.0
        structured, logprobs = self._structured, self._logprobs
        error, refused = "the judge was not asked", set[str]()
        for _ in range(self.attempts):
            came = yield Ask(
                question.messages, question.form, structured, logprobs, question.seed, pause
            )
            cost += self._charge(came, question.most)
            if not isinstance(came, Exception):
                try:
                    report = question.read(came)
                except UnreadableVerdict as unreadable:
                    error, pause, structured = str(unreadable), 0.0, False
                    continue
                # what this server refuses is not sent again with the next candidate
                self._structured = self._structured and "schema" not in refused
                self._logprobs = self._logprobs and "logprobs" not in refused
                return Heard(report=report, cost=cost)
            error = in_words(came)
            if (structured or logprobs) and getattr(came, "status_code", None) in REFUSED:
                # it may refuse a field, and answer without it
                blamed = logprobs and (not structured or "logprob" in str(came).lower())
                refused.add("logprobs" if blamed else "schema")
                structured, logprobs = structured and blamed, logprobs and not blamed
                pause = 0.0
                continue
            asked = retry_after(came)
            pause = PAUSE if asked is None else asked
            if not is_transient(came) or pause > MOST_WAIT:
                break
        return Heard(error=error, cost=cost)

    def _charge(self, came: AIMessage | Exception, most: Cost) -> Cost:
        """Return what one attempt cost: as reported, or its bound if nothing is."""
        if isinstance(came, Exception) and not may_be_billed(came):
            return Cost(calls=self.per_attempt if is_transient(came) else 1, usd=self.usd)
        if not isinstance(came, Exception) and (reported := usage_cost([came])[0]) is not None:
            return replace(reported, usd=self.usd)
        return replace(most, exact=False)

    def _runnable(self, ask: Ask) -> Runnable[Any, Any]:
        options = call_options(
            self.capabilities,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            seeds=() if ask.seed is None else (ask.seed,),
            logprobs=ask.logprobs,
        )
        if ask.logprobs:
            options["top_logprobs"] = ALTERNATIVES
        if not ask.structured:
            return self.model.bind(**options)
        if self._by_format:
            return self.model.bind(response_format=ask.form.response_format, **options)
        try:
            return self.model.bind_tools([ask.form.tool]).bind(**options)
        except NotImplementedError:  # the prompt describes the report too
            return self.model.bind(**options)


def check_counts(what: str, **counts: Any) -> None:
    """Raise ConfigurationError unless each of `counts` is a whole number above 0."""
    for label, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigurationError(f"{what} {label}={value!r}: a whole number above 0")


_CONFIG: Any = {"tags": ["nostream"]}


def _go_on(dialogue: Dialogue[R], came: AIMessage | Exception | None = None) -> Ask | Heard[R]:
    """Tell the dialogue what came; return what to ask next, or what was heard at its end."""
    try:
        return next(dialogue) if came is None else dialogue.send(came)
    except StopIteration as end:
        heard: Heard[R] = end.value
        return heard
