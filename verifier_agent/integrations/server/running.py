"""The runs of one request: started together, told as they go, ended together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage

from verifier_agent.errors import GenerationError
from verifier_agent.graph import Run
from verifier_agent.integrations.server.asking import Ask

STEPS = 10_000
"""LangGraph's own limit must not end a run: the budget and the policy do."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a run: a decision, a candidate, a verdict."""

    place: int
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Answered:
    """A run that has ended with an answer."""

    place: int
    run: Run
    message: AIMessage


Told = Event | Answered


class Heard(AsyncCallbackHandler):
    """Hears the errors of models as they are raised: a record keeps their words alone."""

    ignore_chain = True

    def __init__(self) -> None:
        self.last: BaseException | None = None

    async def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        """Do nothing: without this, messages would be written out for another method."""

    async def on_llm_error(self, error: BaseException, **_: Any) -> None:
        """Keep it."""
        self.last = error


class Runs:
    """The runs of `ask`, from entering to leaving; leaving cancels what still runs."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._told: asyncio.Queue[Told | Exception] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self.answers: list[Answered] = []
        """So far, in the order in which they came."""
        self.ended: list[Run] = []
        """Every run that has come to its end, those without an answer too."""

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._do(i)) for i in range(len(self._ask.runs))]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def done(self) -> bool:
        """True once every run has been told to have ended."""
        return len(self.answers) == len(self._ask.runs)

    async def next(self) -> Told:
        """Return what happens next; may be cancelled and called again.

        Raises what a run raised, and GenerationError, from the last error of a model, for a run
        without an answer.
        """
        told = await self._told.get()
        if isinstance(told, Exception):
            raise told
        if isinstance(told, Answered):
            self.answers.append(told)
        return told

    async def all(self) -> list[Answered]:
        """Wait for every run; the answers in the order of the choices. Raises as `next` does."""
        while not self.done:
            await self.next()
        return sorted(self.answers, key=lambda one: one.place)

    async def _do(self, place: int) -> None:
        try:
            async for told in self._run(place):
                self._told.put_nowait(told)
        except Exception as error:  # told to whoever listens
            self._told.put_nowait(error)

    async def _run(self, place: int) -> AsyncIterator[Told]:
        ask, heard = self._ask, Heard()
        state: Any = None
        stream = ask.agent.astream(
            {"messages": list(ask.messages)},
            {
                "recursion_limit": STEPS,
                "configurable": {"verifier_agent": dict(ask.runs[place])},
                "callbacks": [heard],
            },
            stream_mode=["custom", "values"],
        )
        told: Any  # (mode, chunk): the events as they happen, and the state after every step
        async for told in stream:
            mode, chunk = told
            if mode == "values":
                state = chunk
            elif "verifier_agent" in chunk:
                yield Event(place, chunk)
        run = Run.of(state)
        self.ended.append(run)
        answer = run.messages[-1]
        if run.selection.candidate is None or not isinstance(answer, AIMessage):
            raise GenerationError(run.selection.reason) from heard.last
        yield Answered(place, run, answer)
