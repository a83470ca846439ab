"""One question put to an agent: run, watched, and ended in words whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from langchain_core.messages import HumanMessage
from langgraph.graph.state import CompiledStateGraph

from verifier_agent.errors import ConfigurationError, VerifierAgentError
from verifier_agent.graph import Run
from verifier_agent.integrations.cli.shown import cost, count, gist, one_line, printable
from verifier_agent.integrations.cli.watching import Progress, Watched

NO_ANSWER, BAD_INPUT, INTERRUPTED = 1, 2, 130
"""Exit codes; 130 is what a shell reports for Ctrl-C."""
STEPS = 10_000
"""LangGraph's own limit must not end a run: the budget and the policy do."""

Agent = CompiledStateGraph[Any, Any, Any, Any]


def ask(agent: Agent, question: str, watched: Watched, progress: Progress) -> Run:
    """Run `agent` on `question` to its end, showing progress on the way.

    Ctrl-C cancels the requests under way, says what was spent, and ends the command.
    """
    try:
        with progress:
            # the process is ours here, so a loop of our own cancels at once what is under way,
            # where threads would have to be waited for
            return asyncio.run(_follow(agent, question, watched, progress))
    except KeyboardInterrupt:
        say(interrupted(watched))
        raise typer.Exit(INTERRUPTED) from None


async def _follow(agent: Agent, question: str, watched: Watched, progress: Progress) -> Run:
    state: Any = None
    stream = agent.astream(
        {"messages": [HumanMessage(question)]},
        {"recursion_limit": STEPS},
        stream_mode=["custom", "values"],
    )
    told: Any  # (mode, chunk): the events as they happen, and the state after every step
    async for told in stream:
        mode, chunk = told
        if mode == "custom":
            watched.see(chunk)
            progress.show(watched)
        else:
            state = chunk
    return Run.of(state)


def interrupted(watched: Watched) -> str:
    """Say what an interrupted run has spent and found."""
    words = f"Interrupted. Spent so far: {cost(watched.spent)}"
    if watched.under_way:
        words += f"; {count(watched.under_way, 'more candidate')} had been asked for"
    incumbent = watched.tree.incumbent
    if incumbent is not None:
        score = "" if incumbent.score is None else f", score {incumbent.score:.2f}"
        words += f". Best so far: {gist(incumbent.candidate)} ({incumbent.candidate.id}{score})"
    return f"{words}."


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Turn this package's errors, and Ctrl-C at any moment, into a line on stderr and a code."""
    try:
        yield
    except KeyboardInterrupt:  # before there is a run, or once more while one is being ended
        say("Interrupted.")
        raise typer.Exit(INTERRUPTED) from None
    except VerifierAgentError as error:
        say(f"Error: {error}")
        code = BAD_INPUT if isinstance(error, ConfigurationError) else NO_ANSWER
        raise typer.Exit(code) from None


def say(text: str) -> None:
    """Write one line to stderr."""
    typer.echo(printable(one_line(text)), err=True)
