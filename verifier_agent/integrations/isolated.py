"""A run inside another run that its host does not see: no callbacks, no checkpointer, no tags.

A graph that is invoked inside a chain or a graph inherits, through context variables, whatever
listens there: its tokens would leak into the outer stream, and its usage would be counted beside
the usage that the outer model reports for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
    BaseCallbackHandler,
    CallbackManager,
    CallbackManagerForLLMRun,
)
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, var_child_runnable_config
from langchain_core.tracers import BaseTracer
from langgraph.config import get_stream_writer
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import StreamWriter

from verifier_agent.errors import ConfigurationError

Graph = CompiledStateGraph[Any, Any, Any, Any]
Manager = CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None

EVENT = "verifier_agent"
"""The name of the custom events that tell what an inner run does."""
STEPS = 10_000
"""LangGraph's own limit must not end a run: the budget and the policy do."""


def isolated_context() -> Context:
    """Return a copy of this context without the config and the callback handlers of its host.

    Everything else in it stays: trace ids, locales, a request's own variables.
    """
    context = copy_context()
    context.run(_forget)
    return context


def _forget() -> None:
    var_child_runnable_config.set(None)
    for variable, value in copy_context().items():
        if isinstance(value, BaseCallbackHandler):  # a hook, as of `get_usage_metadata_callback`
            variable.set(None)


@dataclass(frozen=True, slots=True)
class Isolated:
    """One run of `graph`; what happens in it is told to the host as custom events.

    They go to the custom stream of a surrounding graph, and as `on_custom_event` to the callback
    handlers of the outer model's run. Tracers see the inner runs below that run.
    """

    graph: Graph
    input: dict[str, Any]
    settings: dict[str, Any]
    """Of this call, as in `config["configurable"]["verifier_agent"]`."""
    manager: Manager = None

    def run(self) -> dict[str, Any]:
        """Run it in this thread, and return the final state."""
        writer = stream_writer()
        outer, inner = _managers(self.manager, CallbackManager)

        def tell(event: Any) -> None:
            writer(event)
            outer.on_custom_event(EVENT, event, run_id=outer.parent_run_id)

        def follow() -> dict[str, Any]:
            state: dict[str, Any] = {}
            for mode, chunk in self._stream(inner):
                state = told(tell, mode, chunk, state)
            return state

        return ended(isolated_context().run(follow))

    async def arun(self) -> dict[str, Any]:
        """Run it in this event loop, and return the final state; cancelling reaches the run."""
        writer = stream_writer()
        outer, inner = _managers(self.manager, AsyncCallbackManager)

        async def follow() -> dict[str, Any]:
            state: dict[str, Any] = {}
            async for mode, chunk in self._astream(inner):
                state = told(writer, mode, chunk, state)
                if mode == "custom":
                    await outer.on_custom_event(EVENT, chunk, run_id=outer.parent_run_id)
            return state

        return ended(await asyncio.create_task(follow(), context=isolated_context()))

    def _config(self, callbacks: Any) -> RunnableConfig:
        return {
            "callbacks": callbacks,
            "configurable": {"verifier_agent": self.settings},
            "recursion_limit": STEPS,
        }

    def _stream(self, callbacks: Any) -> Iterator[Any]:
        return self.graph.stream(self.input, self._config(callbacks), stream_mode=MODES)

    def _astream(self, callbacks: Any) -> AsyncIterator[Any]:
        return self.graph.astream(self.input, self._config(callbacks), stream_mode=MODES)


MODES: Any = ["custom", "values"]


def _managers(outer: Manager, kind: type[Any]) -> tuple[Any, Any]:
    """Return who is told of events, and who sees the inner runs: tracers that are no streams."""
    handlers = [] if outer is None else outer.handlers
    above = None if outer is None else outer.run_id
    tracers = [
        h for h in handlers if isinstance(h, BaseTracer) and not hasattr(h, "tap_output_iter")
    ]
    told = kind(handlers=handlers, parent_run_id=above)
    return told, kind(handlers=tracers, inheritable_handlers=tracers, parent_run_id=above)


def told(
    tell: Callable[[Any], None], mode: str, chunk: dict[str, Any], state: dict[str, Any]
) -> dict[str, Any]:
    """Take in one part of a run's stream in MODES: tell of an event; return the latest state."""
    if mode == "values":
        return chunk
    tell(chunk)
    return state


def stream_writer() -> StreamWriter:
    """Return the writer of a surrounding graph's custom stream; outside of one, nobody listens."""
    try:
        writer = get_stream_writer()
    except (RuntimeError, KeyError):  # no config; one that is not a graph's
        return lambda chunk: None
    context = copy_context()  # the writer asks it where in the graph it stands
    return lambda chunk: context.run(writer, chunk)


def host_account() -> Any:
    """Return the account that the surrounding chain or graph was told to be paid from, if any."""
    settings = ensure_config().get("configurable", {}).get("verifier_agent")
    return settings.get("account") if isinstance(settings, Mapping) else None


def ended(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a run that has ended; raise ConfigurationError for one that waits."""
    if "selection" not in state.get("verifier_agent", {}):
        raise ConfigurationError(
            "the run waits for somebody (a verifier or a tool asked for an interrupt), and a chat "
            "model cannot wait: use the graph of create_verifier_agent as a node instead"
        )
    return state


def distinct(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return copies of `messages`; in a graph's state two with one id would be one.

    The state gives an id to a message that has none, and the caller's own are not to be touched.
    """
    seen: set[str] = set()
    copies: list[BaseMessage] = []
    for message in messages:
        twice = message.id is not None and message.id in seen
        copies.append(message.model_copy(update={"id": None} if twice else None))
        seen.add(message.id or "")
    return copies
