"""What a user of the graph sees: answers, records, turns, streams, nesting, repeatability."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph

from verifier_agent import Budget, ConfigurationError, Run, create_verifier_agent
from verifier_agent.embedded import example
from verifier_agent.search import agree, beam, best_of, revise, sample, until

EASY, HARD = example(level=1, seed=3), example(level=4, seed=3)
POLICIES = [
    best_of(4),
    until(sample(8, batch=2), agree(0.9)),
    revise(2),
    beam(2, 2),
    beam(2, 2, groups=2),
]


def ask(question: str) -> dict[str, Any]:
    return {"messages": [("user", question)]}


def plain(run: Run) -> dict[str, Any]:
    """The record without what no seed can repeat: the run's id, the clock, message ids."""
    kept = {key: run.plain[key] for key in ("decisions", "verdicts", "selection")}
    candidates = [(c.id, c.text, c.answer, c.logprob, c.cost, c.error) for c in run.candidates]
    decisions = json.loads(json.dumps(kept["decisions"]))
    for decision in decisions.values():
        decision["remaining"].pop("seconds", None)
    return {**kept, "decisions": decisions, "candidates": candidates}


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
async def test_sync_and_async_give_the_same_run_for_the_same_seed(policy: Any) -> None:
    agent = create_verifier_agent("embedded", verifier="embedded-prm", policy=policy, seed=7)
    first = Run.of(await asyncio.to_thread(agent.invoke, ask(HARD.question)))
    second = Run.of(await agent.ainvoke(ask(HARD.question)))
    assert plain(first) == plain(second)
    assert first.id != second.id


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_every_run_selects_once_and_answers_with_the_selected_candidate(policy: Any) -> None:
    agent = create_verifier_agent("embedded", verifier="embedded-prm", policy=policy, seed=1)
    result = agent.invoke(ask(EASY.question))
    run = Run.of(result)
    endings = [d for d in run.decisions if d["actions"][0]["action"]["kind"] == "select"]
    assert len(endings) == 1
    assert [type(m) for m in result["messages"]] == [HumanMessage, AIMessage]
    chosen = run.tree[str(run.selection.candidate)]
    assert result["messages"][-1].text == chosen.text
    assert run.selection.answer == chosen.answer


def test_the_record_is_plain_json_and_reads_back() -> None:
    agent = create_verifier_agent("embedded", verifier="embedded-prm", policy=beam(2, 2), seed=1)
    result = agent.invoke(ask(EASY.question))
    again = {"verifier_agent": json.loads(json.dumps(result["verifier_agent"]))}
    assert Run.of(again).selection == Run.of(result).selection
    assert Run.of(again).candidates == Run.of(result).candidates


def test_a_result_that_came_over_a_wire_reads_back_too() -> None:
    result = create_verifier_agent("embedded", policy=best_of(2), seed=1).invoke(ask(EASY.question))
    wired = {**result, "messages": [message.model_dump() for message in result["messages"]]}
    again = Run.of(json.loads(json.dumps(wired)))
    assert again.task.question == EASY.question
    assert again.candidates == Run.of(result).candidates


def test_an_easy_question_costs_less_than_a_hard_one() -> None:
    policy = until(sample(16, batch=4), agree(0.95))
    agent = create_verifier_agent("embedded", policy=policy, seed=0, budget=Budget(calls=64))
    spent = {1: 0, 5: 0}
    for level in spent:
        for seed in range(5):
            run = Run.of(agent.invoke(ask(example(level=level, seed=seed).question)))
            spent[level] += len(run.candidates)
    assert spent[1] < spent[5]


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        yield InMemorySaver()
    else:
        with SqliteSaver.from_conn_string(":memory:") as sqlite:
            yield sqlite


def test_three_turns_on_one_thread_are_three_runs(saver: Any) -> None:
    agent = create_verifier_agent("embedded", policy=best_of(3), seed=2, checkpointer=saver)
    config = {"configurable": {"thread_id": "a"}}
    ids, questions = set(), [example(level=1, seed=seed) for seed in (1, 2, 3)]
    for turn, problem in enumerate(questions, start=1):
        result = agent.invoke(ask(problem.question), config, durability="sync")
        run = Run.of(result)
        ids.add(run.id)
        assert run.plain["turn"] == turn
        assert len(run.candidates) == 3, "the tree of an earlier turn is not part of this one"
        assert run.task.question == problem.question
        assert run.spent.calls <= 3
        assert len(result["messages"]) == 2 * turn
    assert len(ids) == 3


async def test_turns_on_an_async_sqlite_thread(tmp_path: Any) -> None:
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "a.db")) as saver:
        agent = create_verifier_agent("embedded", policy=revise(2), seed=2, checkpointer=saver)
        config = {"configurable": {"thread_id": "a"}}
        for turn in (1, 2):
            result = await agent.ainvoke(ask(EASY.question), config, durability="sync")
            assert Run.of(result).plain["turn"] == turn


def test_a_checkpointed_run_equals_one_without_a_checkpointer(saver: Any) -> None:
    for policy in POLICIES:
        config = {"configurable": {"thread_id": repr(policy)}}
        bare = create_verifier_agent("embedded", verifier="embedded-prm", policy=policy, seed=4)
        kept = create_verifier_agent(
            "embedded", verifier="embedded-prm", policy=policy, seed=4, checkpointer=saver
        )
        first = Run.of(bare.invoke(ask(HARD.question)))
        second = Run.of(kept.invoke(ask(HARD.question), config, durability="sync"))
        assert plain(first) == plain(second)


def test_resuming_from_any_checkpoint_gives_the_uninterrupted_result() -> None:
    saver = InMemorySaver()
    agent = create_verifier_agent(
        "embedded", verifier="embedded-prm", policy=beam(2, 2), seed=4, checkpointer=saver
    )
    config: Any = {"configurable": {"thread_id": "a"}}
    whole = Run.of(agent.invoke(ask(EASY.question), config, durability="sync"))
    history = [s for s in agent.get_state_history(config) if s.next and s.next != ("__start__",)]
    assert len(history) >= 4
    for snapshot in history:
        resumed = Run.of(agent.invoke(None, snapshot.config, durability="sync"))
        assert plain(resumed) == plain(whole)


def nested(limit: int) -> dict[str, Any]:
    agent = create_verifier_agent("embedded", policy=sample(40, batch=1), seed=2)
    parent = StateGraph(MessagesState)
    parent.add_node("solve", agent)
    parent.add_edge(START, "solve")
    parent.add_edge("solve", END)
    return parent.compile().invoke(ask(EASY.question), {"recursion_limit": limit})


@pytest.mark.parametrize("limit", [4, 5, 6, 7, 8, 25])
def test_nested_in_a_parent_it_keeps_enough_steps_to_select(limit: int) -> None:
    assert isinstance(nested(limit)["messages"][-1], AIMessage)


def test_a_recursion_limit_too_low_for_one_round_is_refused_before_anything_is_spent() -> None:
    with pytest.raises(ConfigurationError, match="recursion_limit leaves 3 steps"):
        nested(3)


def test_a_recursion_limit_ends_the_run_with_outcome_steps() -> None:
    agent = create_verifier_agent("embedded", policy=sample(40, batch=1), seed=2)
    run = Run.of(agent.invoke(ask(HARD.question), {"recursion_limit": 25}))
    assert run.selection.outcome == "steps"
    assert run.selection.candidate is not None
    assert len(run.candidates) >= 10


def test_settings_of_one_call_do_not_touch_the_next() -> None:
    agent = create_verifier_agent("embedded", policy=best_of(4), seed=1)
    given = {"policy": "best_of(2)", "budget": {"calls": 9}, "seed": 5, "run_id": "mine"}
    run = Run.of(agent.invoke(ask(EASY.question), {"configurable": {"verifier_agent": given}}))
    assert (len(run.candidates), run.budget, run.seed, run.id) == (2, Budget(calls=9), 5, "mine")
    assert len(Run.of(agent.invoke(ask(EASY.question))).candidates) == 4


def test_more_calls_with_the_same_seed_keep_the_earlier_tree() -> None:
    agent = create_verifier_agent("embedded", policy=sample(16, batch=4), seed=3)
    trees = []
    for calls in (1, 3, 5, 10, 40):
        settings = {"verifier_agent": {"budget": {"calls": calls}}}
        run = Run.of(agent.invoke(ask(HARD.question), {"configurable": settings}))
        trees.append({c.id: c.text for c in run.candidates})
    for small, large in itertools.pairwise(trees):
        assert small.items() <= large.items()


async def test_decisions_candidates_verdicts_and_the_selection_stream_as_they_happen() -> None:
    agent = create_verifier_agent("embedded", verifier="embedded-prm", policy=revise(1), seed=1)
    seen = [
        e["verifier_agent"] async for e in agent.astream(ask(HARD.question), stream_mode="custom")
    ]
    assert seen[:3] == ["decision", "candidate", "verdict"]
    assert seen[-2:] == ["decision", "selection"]
    assert seen == [
        e["verifier_agent"] for e in agent.stream(ask(HARD.question), stream_mode="custom")
    ]


def test_tokens_of_inner_calls_do_not_leak_into_the_message_stream() -> None:
    agent = create_verifier_agent("embedded", policy=best_of(4), seed=1)
    parts = list(agent.stream(ask(EASY.question), stream_mode="messages"))
    assert {type(message) for message, _ in parts} <= {AIMessage}
    assert {metadata["langgraph_node"] for _, metadata in parts} == {"select"}


def test_a_system_message_and_earlier_turns_reach_the_task() -> None:
    agent = create_verifier_agent("embedded", policy=best_of(1), seed=1)
    messages = [SystemMessage("Be brief."), *ask(EASY.question)["messages"]]
    run = Run.of(agent.invoke({"messages": messages}))
    assert [m["type"] for m in run.task.messages[:2]] == ["system", "human"]
    assert run.task.question == EASY.question


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "no question"),
        ([("ai", "hello")], "no question"),
        ([("user", "")], "empty"),
        ([("user", " \n")], "empty"),
    ],
)
def test_a_missing_question_is_refused(messages: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        create_verifier_agent("embedded").invoke({"messages": messages})


@pytest.mark.parametrize("places", [None, 1, 2, 3])
async def test_nested_under_a_checkpointer_with_few_places_it_neither_waits_nor_loses(
    places: int | None,
) -> None:
    agent = create_verifier_agent("embedded", policy=until(sample(6, 2), agree(0.99)), seed=2)
    parent = StateGraph(MessagesState)
    parent.add_node("solve", agent)
    parent.add_edge(START, "solve")
    parent.add_edge("solve", END)
    graph = parent.compile(checkpointer=InMemorySaver())
    for thread, ask_it in (("sync", False), ("async", True)):
        config: Any = {"configurable": {"thread_id": thread}, "max_concurrency": places}
        if ask_it:
            result = await asyncio.wait_for(graph.ainvoke(ask(EASY.question), config), 30)
        else:
            result = await asyncio.wait_for(
                asyncio.to_thread(graph.invoke, ask(EASY.question), config), 30
            )
        assert isinstance(result["messages"][-1], AIMessage)
