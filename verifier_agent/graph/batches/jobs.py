"""What is done for one question of a batch at a time: a round of its run, or its end.

A piece of work is a generator of calls to the agent, so that one logic serves threads and event
loops.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from verifier_agent.accounts.held import Held
from verifier_agent.graph.merging import Plain
from verifier_agent.graph.pausing import PAUSE
from verifier_agent.graph.state import Run
from verifier_agent.graph.tenancy import RUN

STEPS = 10_000
"""LangGraph's own limit must not end a run: the budget and the policy do."""


@dataclass(frozen=True, slots=True)
class Call:
    """A method of the agent to be called; its async form has an "a" before the name."""

    method: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


Work = Generator[Call, Any, Run]
Graph = CompiledStateGraph[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A piece of work on one question, and the lease that pays for it."""

    place: int
    work: Work
    held: Held
    begun: float
    """The seconds that the batch had worked by then."""


class BrokenOff(Exception):
    """A round ended with an exception."""

    def __init__(self, error: Exception, run: Run | None) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.run = run


def coordinates(thread: str) -> RunnableConfig:
    """Return the config that says which run is meant; checkpoints made with it say so too.

    Its state is updated outside of a step, though this may be a step of another graph.
    """
    where = {"thread_id": thread, RUN: thread}
    return {"configurable": where, "metadata": {"langgraph_step": None}}


def config(thread: str, held: Held, settings: Plain) -> Plain:
    """Return the config of an invocation that is paid for by `held`."""
    own = {**settings, "run_id": thread, "account": held, "budget": held.granted.budget}
    where = {"thread_id": thread, "verifier_agent": own}
    return {"recursion_limit": STEPS, "configurable": where}


def invoked(given: Plain | None, where: Plain) -> Work:
    """Begin a run with what is `given`, or let it go on, up to the end of its round.

    Raises BrokenOff, with what there is of the run by then.
    """
    options = {"interrupt_after": PAUSE, "durability": "sync"}
    try:
        return Run.of((yield Call("invoke", (given, where), options)))
    except Exception as error:
        thread = coordinates(where["configurable"]["thread_id"])
        values = (yield Call("get_state", (thread,))).values
        raise BrokenOff(error, Run.of(values) if values.get("verifier_agent") else None) from error


def told(update: Plain, where: Plain) -> Work:
    """Tell a paused run how it goes on, and let it."""
    thread = coordinates(where["configurable"]["thread_id"])
    yield Call("update_state", (thread, update), {"as_node": PAUSE[0]})
    return (yield from invoked(None, where))


def do(agent: Graph, work: Work) -> Run:
    """Do a piece of work in this thread."""
    try:
        call = next(work)
        while True:
            try:
                given = getattr(agent, call.method)(*call.arguments, **call.options)
            except Exception as error:
                call = work.throw(error)
            else:
                call = work.send(given)
    except StopIteration as end:
        run: Run = end.value
        return run


async def ado(agent: Graph, work: Work) -> Run:
    """Do a piece of work in this event loop."""
    try:
        call = next(work)
        while True:
            try:
                given = await getattr(agent, f"a{call.method}")(*call.arguments, **call.options)
            except Exception as error:
                call = work.throw(error)
            else:
                call = work.send(given)
    except StopIteration as end:
        run: Run = end.value
        return run
