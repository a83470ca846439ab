"""Inside somebody's app: retrieval, a verified answer, a tool; shared state and another one."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, Send, interrupt

from verifier_agent import Budget, Candidate, Run, Task, create_verifier_agent
from verifier_agent.accounts import MemoryAccount
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer, Reply, Request

FACTS = {"Turku": "Turku has 3 bridges for each of its 4 parks.", "Oslo": "Oslo has 7 bridges."}
QUESTION: Any = {"messages": [("user", "How many bridges does Turku have?")]}


def clerk(request: Request) -> Reply:
    """Answer from what was retrieved, every second time wrongly; without it, know nothing."""
    if "3 bridges for each" in request.question:
        return Reply("3 * 4 = 12\nAnswer: 12" if request.index % 2 else "3 + 4 = 7\nAnswer: 7")
    return Reply("Answer: 7" if "Oslo" in request.question else "I do not know.")


def multiplies(task: Task, candidate: Candidate) -> bool:
    return candidate.answer == "12" or "Oslo has" in task.question


@tool
def report(bridges: int) -> str:
    """Report a count."""
    return f"reported {bridges}"


class Town(MessagesState):
    verifier_agent: dict[str, Any]


def retrieve(state: Town) -> Any:
    asked = state["messages"][-1]
    fact = next(text for town, text in FACTS.items() if town in asked.text)
    return {"messages": [HumanMessage(f"{fact} {asked.text}", id=asked.id)]}


def act(state: Town) -> Any:
    arguments = {"bridges": int(str(Run.of(state).selection.answer))}
    call = {"name": "report", "args": arguments, "id": "1", "type": "tool_call"}
    return {"messages": [AIMessage("", tool_calls=[call])]}


def solver(server: ModelServer, **options: Any) -> Any:
    settings = {"verifier": multiplies, "policy": "best_of(4)", "seed": 1, **options}
    return create_verifier_agent(OpenAIChatModel(model="x", base_url=server.url), **settings)


def app(solve: Any, saver: Any = None, *, state: Any = Town) -> Any:
    graph = StateGraph(state)
    graph.add_node("retrieve", retrieve)
    graph.add_node("solve", solve)
    graph.add_node("act", act)
    graph.add_node("tools", ToolNode([report]))
    graph.add_edge(START, "retrieve")
    graph.add_edge("retrieve", "solve")
    graph.add_edge("solve", "act")
    graph.add_edge("act", "tools")
    graph.add_edge("tools", END)
    return graph.compile(checkpointer=saver)


@contextmanager
def kept(kind: str, folder: Path) -> Iterator[Any]:
    if kind == "memory":
        yield InMemorySaver()
    else:
        with SqliteSaver.from_conn_string(str(folder / "app.sqlite")) as saver:
            yield saver


@asynccontextmanager
async def akept(kind: str, folder: Path) -> AsyncIterator[Any]:
    if kind == "memory":
        yield InMemorySaver()
    else:
        async with AsyncSqliteSaver.from_conn_string(str(folder / "app.sqlite")) as saver:
            yield saver


def check(result: Any, turn: int) -> None:
    run = Run.of(result)
    assert run.selection.answer == "12"
    assert run.plain["turn"] == turn
    assert len(run.candidates) == 4, "an earlier turn's tree is no part of this one"
    assert [type(message) for message in result["messages"][-4:]] == [
        HumanMessage,
        AIMessage,
        AIMessage,
        ToolMessage,
    ]
    assert result["messages"][-1].text == "reported 12"


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_two_turns_of_an_app_with_shared_state(kind: str, tmp_path: Path) -> None:
    config: Any = {"configurable": {"thread_id": "1"}}
    with ModelServer(clerk) as server, kept(kind, tmp_path) as saver:
        for turn in (1, 2):
            check(app(solver(server), saver).invoke(QUESTION, config), turn)
            assert server.calls == 4 * turn


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_two_turns_of_an_app_with_shared_state_in_an_event_loop(
    kind: str, tmp_path: Path
) -> None:
    config: Any = {"configurable": {"thread_id": "1"}}
    with ModelServer(clerk) as server:
        async with akept(kind, tmp_path) as saver:
            for turn in (1, 2):
                check(await app(solver(server), saver).ainvoke(QUESTION, config), turn)
                assert server.calls == 4 * turn


class Survey(TypedDict):
    towns: list[str]
    found: Annotated[list[dict[str, Any]], operator.add]


def survey(solve: Any, account: Any, saver: Any = None) -> Any:
    """Ask about all towns side by side, in a state that knows nothing of messages."""

    def each(state: Survey) -> list[Send]:
        return [Send("count", {"town": town}) for town in state["towns"]]

    def count(state: dict[str, str], config: RunnableConfig) -> Any:
        question = f"{FACTS[state['town']]} How many bridges does {state['town']} have?"
        run = Run.of(solve.invoke({"messages": [("user", question)]}, config))
        return {"found": [{"town": state["town"], "answer": run.selection.answer, "run": run.id}]}

    graph = StateGraph(Survey).add_node("count", count)
    graph.add_conditional_edges(START, each, ["count"])
    paid = {"configurable": {"verifier_agent": {"account": account}}} if account else {}
    return graph.compile(checkpointer=saver).with_config(paid)


def test_agents_side_by_side_in_another_state_share_the_account_of_the_app() -> None:
    account = MemoryAccount(Budget(calls=20))
    with ModelServer(clerk) as server:
        solve = solver(server, budget=Budget(calls=6))
        result = survey(solve, account).invoke({"towns": ["Turku", "Oslo"], "found": []})
        assert server.calls == 8
    assert {(one["town"], one["answer"]) for one in result["found"]} == {
        ("Turku", "12"),
        ("Oslo", "7"),
    }
    assert len({one["run"] for one in result["found"]}) == 2
    assert account.remaining().calls == 12


@pytest.mark.parametrize("calls", [1, 2, 3, 5])
def test_a_budget_of_the_node_or_of_an_account_above_it_holds(calls: int) -> None:
    own = {"budget": Budget(calls=calls)}
    account = MemoryAccount(Budget(calls=calls))
    above: Any = {"configurable": {"verifier_agent": {"account": account}}}
    for options, config in ((own, {}), ({}, above)):
        with ModelServer(clerk) as server:
            result = app(solver(server, **options)).invoke(QUESTION, config)
            assert 1 <= server.calls <= calls
        assert result["messages"][-1].text.startswith("reported")


def test_what_the_node_does_is_told_under_its_name_and_only_the_answer_is_a_message() -> None:
    said: list[tuple[str, str]] = []
    told: list[str] = []
    updated: set[str] = set()
    modes: Any = ["messages", "custom", "updates", "values"]
    with ModelServer(clerk) as server:
        graph = app(solver(server))
        for path, mode, part in graph.stream(QUESTION, stream_mode=modes, subgraphs=True):
            node = path[0].split(":")[0] if path else ""
            if mode == "messages" and isinstance(part[0], AIMessage):
                said.append((node, part[0].text))
            if mode == "custom":
                assert node == "solve"
                told.append(part["verifier_agent"])
            if mode == "updates":
                updated |= {f"{node}/{name}" for name in part}
    assert [one for one in said if one[1]] == [("solve", "3 * 4 = 12\nAnswer: 12")]
    assert told.count("candidate") == told.count("verdict") == 4
    assert {"/retrieve", "/solve", "/tools", "solve/generate", "solve/select"} <= updated


async def test_the_typed_parts_of_the_second_protocol_come_through_too() -> None:
    with ModelServer(clerk) as server:
        parts: list[Any] = [
            part
            async for part in app(solver(server)).astream(
                QUESTION, stream_mode=["custom", "values"], subgraphs=True, version="v2"
            )
        ]
    told = [p["data"]["verifier_agent"] for p in parts if p["type"] == "custom"]
    assert (told[0], told[-1]) == ("decision", "selection")
    final = [p["data"] for p in parts if p["type"] == "values" and not p["ns"]][-1]
    assert final["messages"][-1].text == "reported 12"


def asks_a_person(task: Task, candidate: Candidate) -> bool:
    return bool(interrupt({"is it right?": candidate.text}))


def test_a_person_is_asked_from_inside_and_the_app_goes_on_in_another_process(
    tmp_path: Path,
) -> None:
    config: Any = {"configurable": {"thread_id": "1"}}
    with ModelServer(clerk) as server, kept("sqlite", tmp_path) as saver:

        def build() -> Any:
            return app(solver(server, verifier=asks_a_person, policy="best_of(1)"), saver)

        waiting = build().invoke(QUESTION, config, durability="sync")
        assert waiting["__interrupt__"][0].value == {"is it right?": "3 + 4 = 7\nAnswer: 7"}
        result = build().invoke(Command(resume=True), config, durability="sync")
        assert server.calls == 1, "what was paid before the pause is not paid again"
    assert Run.of(result).tree.verdicts[0].score == 1.0
    assert result["messages"][-1].text == "reported 7"


async def test_a_person_is_asked_from_inside_an_event_loop(tmp_path: Path) -> None:
    config: Any = {"configurable": {"thread_id": "1"}}
    with ModelServer(clerk) as server:
        async with akept("sqlite", tmp_path) as saver:

            def build() -> Any:
                return app(solver(server, verifier=asks_a_person, policy="best_of(1)"), saver)

            assert (await build().ainvoke(QUESTION, config))["__interrupt__"]
            result = await build().ainvoke(Command(resume=False), config)
            assert server.calls == 1
    assert Run.of(result).tree.verdicts[0].score == 0.0


@pytest.mark.parametrize("limit", [6, 8, 12])
def test_under_a_low_limit_of_the_app_the_node_leaves_steps_for_what_follows(limit: int) -> None:
    with ModelServer(clerk) as server:
        endless = solver(server, policy="sample(32, batch=1)")
        result = app(endless).invoke(QUESTION, {"recursion_limit": limit})
    assert Run.of(result).selection.outcome == "steps"
    assert result["messages"][-1].text.startswith("reported")


def test_a_parent_without_the_key_gets_the_answer_alone() -> None:
    def reads_the_message(state: MessagesState) -> Any:
        count = state["messages"][-1].text.rsplit(" ", 1)[-1]
        return {"messages": [AIMessage(f"acted on {count}")]}

    with ModelServer(clerk) as server:
        graph = StateGraph(MessagesState)
        graph.add_node("retrieve", retrieve)
        graph.add_node("solve", solver(server))
        graph.add_node("act", reads_the_message)
        for start, end in ((START, "retrieve"), ("retrieve", "solve"), ("solve", "act")):
            graph.add_edge(start, end)
        result = graph.compile().invoke(QUESTION)
    assert set(result) == {"messages"}
    assert result["messages"][-1].text == "acted on 12"


def test_many_threads_and_many_event_loops_ask_one_app() -> None:
    with ModelServer(clerk) as server:
        graph = app(solver(server, policy="best_of(2)"), InMemorySaver())

        async def from_threads() -> list[Any]:
            return await asyncio.gather(
                *(asyncio.to_thread(graph.invoke, QUESTION, thread(f"sync {n}")) for n in range(8))
            )

        results = asyncio.run(from_threads())
        for n in range(4):  # each in an event loop of its own
            results.append(asyncio.run(graph.ainvoke(QUESTION, thread(f"async {n}"))))
        results += [graph.invoke(QUESTION, thread(f"alone {n}")) for n in range(4)]
        assert server.calls == 32
    assert {len(Run.of(result).candidates) for result in results} == {2}
    assert all(result["messages"][-1].text.startswith("reported") for result in results)


def thread(name: str) -> Any:
    return {"configurable": {"thread_id": name}}
