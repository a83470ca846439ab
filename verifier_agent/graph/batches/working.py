"""The work on a batch: jobs side by side, in threads or in an event loop, until nothing is left."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from verifier_agent.accounts import Account
from verifier_agent.accounts.renewal import renewed
from verifier_agent.budget import Spent
from verifier_agent.graph.batches.batch import Batch, Order, Solved, Standing
from verifier_agent.graph.batches.jobs import Graph, Job, ado, coordinates, do
from verifier_agent.graph.batches.recalling import Line, Tally, seconds_used
from verifier_agent.graph.batches.scheduling import Schedule
from verifier_agent.graph.settings import Parts
from verifier_agent.graph.state import Run


def solve(agent: Graph, parts: Parts, account: Account | None, order: Order) -> Batch:
    """Work on a batch in threads, paid from `account` if there is one."""
    agent = _recorded(agent)
    saved = [None if order.fresh else agent.get_state(coordinates(t)) for t in order.threads()]
    lines = [Line.of(q, s) for q, s in zip(order.questions, saved, strict=True)]
    if account is None:
        return _work(agent, Progress(parts, order, lines))
    lease = account.lease(order.terms.name, order.terms.budget, resumed=_begun(lines))
    order = order.within(lease.budget)
    try:
        with renewed(account, lease):
            return _work(agent, Progress(parts, order, lines))
    finally:
        account.settle(lease, _spent(order, lines))


async def asolve(agent: Graph, parts: Parts, account: Account | None, order: Order) -> Batch:
    """Work on a batch in this event loop, paid from `account` if there is one."""
    agent = _recorded(agent)
    saved = [
        None if order.fresh else await agent.aget_state(coordinates(t)) for t in order.threads()
    ]
    lines = [Line.of(q, s) for q, s in zip(order.questions, saved, strict=True)]
    if account is None:
        return await _awork(agent, Progress(parts, order, lines))
    lease = await account.alease(order.terms.name, order.terms.budget, resumed=_begun(lines))
    order = order.within(lease.budget)
    try:
        with renewed(account, lease):
            return await _awork(agent, Progress(parts, order, lines))
    finally:
        await account.asettle(lease, _spent(order, lines))


class Progress:
    """One call that works on a batch: its schedule, and who is told of it."""

    def __init__(self, parts: Parts, order: Order, lines: Sequence[Line]) -> None:
        self.schedule = Schedule(parts, order.terms, lines)
        self.jobs = order.terms.jobs
        self._order = order
        self._tell()

    def take(self, job: Job, result: Run | BaseException) -> None:
        """Take in what a job came to; what is no failure of the question is raised."""
        if isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result
        self.schedule.take(job, result)
        self._tell()

    def result(self) -> Batch:
        """Return what the batch has come to."""
        return Batch(
            name=self._order.terms.name,
            results=tuple(
                Solved(id=line.question.id, run=line.run, spent=line.spent, error=line.error)
                for line in self.schedule.lines
            ),
            budget=self._order.terms.budget,
            spent=self.schedule.spent,
        )

    def _tell(self) -> None:
        if self._order.tell is None:
            return
        tally = self.schedule.tally
        self._order.tell(
            Standing(
                questions=len(self.schedule.lines),
                begun=tally.begun,
                ended=tally.ended,
                under_way=self.schedule.under_way,
                answers=tally.answers,
                budget=self._order.terms.budget,
                spent=self.schedule.spent,
            )
        )


def _work(agent: Graph, progress: Progress) -> Batch:
    flying: dict[Future[Run], Job] = {}
    try:
        with ThreadPoolExecutor(progress.jobs) as pool:  # left only when every thread has ended
            while True:
                while (job := progress.schedule.next()) is not None:
                    context = contextvars.copy_context()
                    flying[pool.submit(context.run, do, agent, job.work)] = job
                if not flying:
                    return progress.result()
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    progress.take(flying[future], future.exception() or future.result())
                    del flying[future]
    finally:
        for job in flying.values():
            progress.schedule.charge(job)


async def _awork(agent: Graph, progress: Progress) -> Batch:
    flying: dict[asyncio.Task[Run], Job] = {}
    try:
        while True:
            while (job := progress.schedule.next()) is not None:
                flying[asyncio.create_task(ado(agent, job.work))] = job
            if not flying:
                return progress.result()
            for task in (await asyncio.wait(flying, return_when=FIRST_COMPLETED))[0]:
                progress.take(flying[task], task.exception() or task.result())
                del flying[task]
    finally:
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        for job in flying.values():
            progress.schedule.charge(job)


def _recorded(agent: Graph) -> Graph:
    """Return the agent with a checkpointer, which runs that pause need; its own if it has one."""
    if isinstance(agent.checkpointer, BaseCheckpointSaver):
        return agent
    return agent.copy({"checkpointer": InMemorySaver()})


def _begun(lines: Sequence[Line]) -> bool:
    return any(line.run is not None or line.broken for line in lines)


def _spent(order: Order, lines: Sequence[Line]) -> Spent:
    """Return what the batch has used, by its records alone."""
    return replace(Tally.of(lines).spent, seconds=seconds_used(order.terms.budget, lines))
