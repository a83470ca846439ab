"""Runs that are paid from an account: leased before they begin, settled however they end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt

from verifier_agent import (
    AccountEmpty,
    Budget,
    Candidate,
    ConfigurationError,
    Run,
    RunBusy,
    Task,
    create_verifier_agent,
)
from verifier_agent.accounts import MemoryAccount, SQLiteAccount
from verifier_agent.budget import Spent
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import best_of, sample
from verifier_agent.testing import ModelServer, Reply, Request

QUESTION: dict[str, Any] = {"messages": [("user", "What is it?")]}


def agent_on(server: ModelServer, **more: Any) -> Any:
    model = OpenAIChatModel(model="loopback", base_url=server.url)
    given: dict[str, Any] = {
        "verifier": "agreement", "policy": best_of(3), "budget": Budget(calls=8), "seed": 0,
    }  # fmt: skip
    return create_verifier_agent(model, **{**given, **more})


def answer(request: Request) -> Reply:
    return Reply("Answer: 3")


@pytest.fixture(params=["sync", "async"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ask(agent: Any, mode: str, config: Any = None, question: Any = QUESTION) -> Any:
    if mode == "sync":
        return agent.invoke(question, config)
    return asyncio.run(agent.ainvoke(question, config))


def test_a_run_is_charged_what_it_spent(mode: str) -> None:
    account = MemoryAccount(Budget(calls=20, tokens=50_000))
    with ModelServer(answer) as server:
        agent = agent_on(server, account=account, budget=Budget(calls=8, tokens=20_000))
        runs = [Run.of(ask(agent, mode)) for _ in range(2)]
        assert account.remaining().calls == 20 - server.calls == 14
        tokens = server.input_tokens + server.output_tokens
    assert (
        account.remaining().tokens == 50_000 - tokens == 50_000 - sum(r.spent.tokens for r in runs)
    )
    assert runs[0].budget == Budget(calls=8, tokens=20_000)


def test_a_run_gets_what_is_left_and_none_begins_with_nothing(mode: str) -> None:
    account = MemoryAccount(Budget(calls=5))
    with ModelServer(answer) as server:
        agent = agent_on(server)
        config = {"configurable": {"verifier_agent": {"account": account}}}
        ask(agent, mode, config)
        last = Run.of(ask(agent, mode, config))
        assert last.budget == Budget(calls=2)
        assert len(last.candidates) == 2
        with pytest.raises(AccountEmpty):
            ask(agent, mode, config)
        assert server.calls == 5


def test_the_account_of_a_call_comes_before_the_agents_own(mode: str) -> None:
    own, given = MemoryAccount(Budget(calls=9)), MemoryAccount(Budget(calls=9))
    with ModelServer(answer) as server:
        agent = agent_on(server, account=own)
        ask(agent, mode, {"configurable": {"verifier_agent": {"account": given}}})
        ask(agent.with_config({"tags": ["a copy"]}), mode)
    assert (own.remaining().calls, given.remaining().calls) == (6, 6)


def test_what_is_no_account_is_refused(mode: str) -> None:
    with ModelServer(answer) as server:
        with pytest.raises(ConfigurationError, match="MemoryAccount"):
            ask(agent_on(server), mode, {"configurable": {"verifier_agent": {"account": 5.0}}})
        assert server.calls == 0


def test_one_run_on_two_workers_is_refused(mode: str) -> None:
    account = MemoryAccount(Budget(calls=9))
    config = {"configurable": {"verifier_agent": {"account": account, "run_id": "a"}}}
    with ModelServer(answer) as server:
        agent = agent_on(server)
        lease = account.lease("a", Budget(calls=1))
        with pytest.raises(RunBusy):
            ask(agent, mode, config)
        assert server.calls == 0
        account.settle(lease, Spent())
        ask(agent, mode, config)
        assert account.remaining().calls == 9 - server.calls == 6


def test_the_agents_inside_a_graph_are_paid_from_its_account(mode: str) -> None:
    account = MemoryAccount(Budget(calls=20))
    with ModelServer(answer) as server:
        agent = agent_on(server)

        def by_hand(state: MessagesState) -> Any:
            return {"messages": agent.invoke({"messages": state["messages"]})["messages"]}

        graph = StateGraph(MessagesState)
        graph.add_node("first", agent)
        graph.add_node("second", by_hand)
        graph.add_edge(START, "first")
        graph.add_edge("first", "second")
        graph.add_edge("second", END)
        config = {"configurable": {"verifier_agent": {"account": account}}}
        ask(graph.compile(), mode, config)
        assert server.calls == 6
    assert account.remaining().calls == 14


def test_a_run_that_fails_is_charged_what_it_spent(mode: str) -> None:
    account = MemoryAccount(Budget(calls=20))

    def broken(tree: Any, remaining: Any) -> Any:
        return best_of(2)(tree, remaining) if not len(tree) else 1 / 0

    with ModelServer(answer) as server:
        with pytest.raises(ZeroDivisionError):
            ask(agent_on(server, account=account, policy=broken), mode)
        assert account.remaining().calls == 20 - server.calls == 18


async def test_a_cancelled_run_is_charged_at_most_what_was_under_way() -> None:
    account = MemoryAccount(Budget(calls=20, tokens=100_000))
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(request: Request) -> Reply:
        loop.call_soon_threadsafe(arrived.set)
        return Reply("Answer: 3", delay=0.5)

    with ModelServer(slow) as server:
        budget = Budget(calls=8, tokens=9000)
        agent = agent_on(server, account=account, budget=budget, max_tokens=20)
        job = asyncio.create_task(agent.ainvoke(QUESTION))
        await arrived.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        server.settle()
        left = account.remaining()
        assert 20 - 8 <= left.calls <= 20 - server.calls
        used = 100_000 - left.tokens
        assert server.input_tokens + server.output_tokens <= used <= 9000


def test_a_stream_that_is_left_is_charged(mode: str) -> None:
    account = MemoryAccount(Budget(calls=20))

    async def leave(agent: Any) -> None:
        stream = agent.astream(QUESTION, stream_mode="updates")
        async for _ in stream:
            break
        await stream.aclose()

    with ModelServer(answer) as server:
        agent = agent_on(server, account=account, policy=sample(4, batch=2))
        if mode == "sync":
            stream = agent.stream(QUESTION, stream_mode="updates")
            next(stream)
            stream.close()
        else:
            asyncio.run(leave(agent))
        server.settle()
        assert 12 <= account.remaining().calls <= 20 - server.calls <= 18
    account.lease("another", Budget(calls=12))


def by_hand(task: Task, candidate: Candidate) -> bool:
    return bool(interrupt({"right?": candidate.text}))


def test_a_paused_run_holds_nothing_and_goes_on_as_it_was_begun(mode: str) -> None:
    account = MemoryAccount(Budget(calls=9))
    config: Any = {"configurable": {"thread_id": "a", "verifier_agent": {"account": account}}}
    with ModelServer(answer) as server:
        agent = agent_on(server, verifier=by_hand, policy=best_of(1), checkpointer=InMemorySaver())
        ask(agent, mode, config)
        assert account.remaining().calls == 8
        rest = account.lease("another", Budget(calls=8))
        with pytest.raises(AccountEmpty, match="1 of 8 calls"):
            ask(agent, mode, config, Command(resume=True))
        assert account.remaining().calls == 0
        account.settle(rest, Spent(calls=1))
        run = Run.of(ask(agent, mode, config, Command(resume=True)))
        assert run.selection.answer == "3"
        assert run.budget == Budget(calls=8)
        assert server.calls == 1
    assert account.remaining().calls == 7


def test_a_nested_run_that_was_paused_goes_on_under_its_own_lease(mode: str) -> None:
    account = MemoryAccount(Budget(calls=9))
    config: Any = {"configurable": {"thread_id": "a", "verifier_agent": {"account": account}}}
    with ModelServer(answer) as server:
        graph = StateGraph(MessagesState)
        graph.add_node("agent", agent_on(server, verifier=by_hand, policy=best_of(1)))
        graph.add_edge(START, "agent")
        parent = graph.compile(checkpointer=InMemorySaver())
        ask(parent, mode, config)
        assert account.remaining().calls == 8
        ask(parent, mode, config, Command(resume=True))
        assert server.calls == 1
    assert account.remaining().calls == 8


def rounds_of(agent: Any, mode: str, config: Any, number: int) -> None:
    """Do the first rounds of a run, and pause."""
    for given in [QUESTION, *[None] * (number - 1)]:
        if mode == "sync":
            agent.invoke(given, config, interrupt_after=["verify"])
        else:
            asyncio.run(agent.ainvoke(given, config, interrupt_after=["verify"]))


def test_what_forks_spend_is_charged_beside_what_the_run_has_spent(mode: str) -> None:
    account = MemoryAccount(Budget(calls=30))
    config: Any = {"configurable": {"thread_id": "a"}}
    with ModelServer(answer) as server:
        agent = agent_on(
            server, account=account, policy=sample(4, batch=1), checkpointer=InMemorySaver()
        )
        ask(agent, mode, config)
        assert account.remaining().calls == 26
        waiting = [s for s in agent.get_state_history(config) if s.next == ("generate",)]
        fork = Run.of(ask(agent, mode, waiting[1].config, None))
        assert (fork.spent.calls, server.calls) == (4, 6)
        # what it begins with is charged once more, as each fork has it in its own spend
        assert account.remaining().calls == 30 - 4 - fork.spent.calls
        ask(agent, mode, waiting[0].config, None)
        assert account.remaining().calls == 30 - 3 * 4 <= 30 - server.calls


def test_a_fork_goes_on_as_the_run_was_begun_or_not_at_all(mode: str) -> None:
    account = MemoryAccount(Budget(calls=11))
    config: Any = {"configurable": {"thread_id": "a"}}
    with ModelServer(answer) as server:
        agent = agent_on(
            server, account=account, policy=sample(4, batch=1), checkpointer=InMemorySaver()
        )
        ask(agent, mode, config)
        waiting = [s for s in agent.get_state_history(config) if s.next == ("generate",)]
        with pytest.raises(AccountEmpty, match="7 of 8 calls"):
            ask(agent, mode, waiting[1].config, None)
        assert server.calls == 4


def test_a_paused_run_whose_state_was_updated_is_still_charged(mode: str) -> None:
    account = MemoryAccount(Budget(calls=20))
    config: Any = {"configurable": {"thread_id": "a"}}
    with ModelServer(answer) as server:
        agent = agent_on(
            server, account=account, policy=sample(4, batch=1), checkpointer=InMemorySaver()
        )
        rounds_of(agent, mode, config, 2)
        assert account.remaining().calls == 18
        agent.update_state(config, {"messages": []}, as_node="verify")
        run = Run.of(ask(agent, mode, config, None))
        assert run.spent.calls == server.calls == 4
    assert account.remaining().calls == 16


class Killed(BaseException):
    """What no handler catches: the process is gone."""


def test_a_run_that_was_killed_in_its_first_round_goes_on_under_its_lease(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = SQLiteAccount(tmp_path / "a.db", Budget(calls=9), period=0.2)
    config: Any = {"configurable": {"thread_id": "a", "verifier_agent": {"account": account}}}
    killed = True

    def dying(task: Task, candidate: Candidate) -> bool:
        if killed:
            raise Killed
        return True

    with ModelServer(answer) as server, monkeypatch.context() as patch:
        agent = agent_on(server, verifier=dying, checkpointer=InMemorySaver())
        for name in ("settle", "renew"):  # a dead process does neither
            patch.setattr(SQLiteAccount, name, lambda *_: None)
        with pytest.raises(Killed):
            ask(agent, mode, config)
        assert account.remaining().calls == 1
        killed = False
        patch.undo()
        while True:
            try:
                run = Run.of(ask(agent, mode, config, None))
                break
            except RunBusy:
                continue
        assert run.budget == Budget(calls=8)
        assert account.remaining().calls == 9 - run.spent.calls
        assert run.spent.calls >= server.calls == 3
