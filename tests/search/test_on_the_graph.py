"""Every policy on the embedded models through the real graph: sync, async, checkpointed twice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.embedded import EmbeddedChatModel, example

PROBLEM = example(level=2, seed=5)
ASK = {"messages": [("user", PROBLEM.question)]}
CALLS = 30
POLICIES = [
    "chains(2, 3)",
    "revise(3, margin=0.05)",
    "thompson(6, 2)",
    "beam(2, 2, lookahead=1)",
    "beam(4, 2, 2)",
    "rebase(4)",
    "particles(3)",
    "particles(2, 2)",
    "mcts(5, 2)",
    "wider_or_deeper(6)",
    "wider_or_deeper(6, 2, models=('small', 'large'), prior='beta')",
    "forced(1, 2, text='Zoe has')",
    "selective(6, 2)",
    "bandit(('small', 'large'), 6, 2)",
    "cascade(('small', 'large'), agree(0.95), 3)",
    "then(best_of(3), revise(2))",
    "until(route(agreement(3), easy=best_of(3), hard=rebase(3)), passed(0.99, 3))",
]


def agent(policy: str, saver: Any, calls: int | None = CALLS) -> Any:
    return create_verifier_agent(
        {"small": EmbeddedChatModel(), "large": EmbeddedChatModel(temperature=0.5)},
        verifier="embedded-prm",
        policy=policy,
        seed=3,
        budget=Budget(calls=calls),
        checkpointer=saver,
    )


def record(run: Run) -> dict[str, Any]:
    """What a run decided and got, without its clock."""
    decisions = json.loads(json.dumps(list(run.decisions)))
    said = {key: verdict["score"] for key, verdict in run.plain["verdicts"].items()}
    made = [(c.id, c.text, c.answer, c.mark, c.model, c.error) for c in run.candidates]
    return {"decisions": decisions, "made": made, "said": said, "chosen": run.selection}


@pytest.mark.parametrize("policy", POLICIES)
async def test_it_is_the_same_run_on_every_path_and_keeps_to_its_budget(
    policy: str, tmp_path: Path
) -> None:
    here: Any = {"configurable": {"thread_id": "a"}}
    with SqliteSaver.from_conn_string(str(tmp_path / "sync.db")) as saver:
        built = agent(policy, saver)
        sync = Run.of(await asyncio.to_thread(built.invoke, ASK, here, durability="sync"))
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "async.db")) as kept:
        later = Run.of(await agent(policy, kept).ainvoke(ASK, here, durability="sync"))
    memory = Run.of(await agent(policy, InMemorySaver()).ainvoke(ASK, here))
    assert record(sync) == record(later) == record(memory)
    assert 1 < sync.spent.calls <= CALLS
    assert sync.selection.candidate in {c.id for c in sync.candidates}
    assert all(c.error is None for c in sync.candidates)


@pytest.mark.parametrize("policy", ["rebase(3)", "particles(2, 2)", "mcts(4, 2)", "chains(2, 3)"])
def test_a_run_resumed_from_any_checkpoint_ends_the_same(policy: str) -> None:
    built = agent(policy, InMemorySaver(), calls=40)
    here: Any = {"configurable": {"thread_id": "a"}}
    whole = record(Run.of(built.invoke(ASK, here, durability="sync")))
    history = [s for s in built.get_state_history(here) if s.next and s.next != ("__start__",)]
    assert len(history) >= 3
    for snapshot in history[:: max(1, len(history) // 4)]:
        assert record(Run.of(built.invoke(None, snapshot.config, durability="sync"))) == whole
