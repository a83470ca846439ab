"""What a run leaves in its checkpointer: as much as it made, and its states to go back to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver

from verifier_agent import Budget, Candidate, ConfigurationError, Run, Task, create_verifier_agent
from verifier_agent.graph.merging import SNAPSHOT
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer, Reply, Request

CONFIG: Any = {"configurable": {"thread_id": "a"}, "recursion_limit": 1000}
QUESTION = {"messages": [("user", "What is it?")]}
LONG = "so it goes on " * 500


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """Yield a server that never gives one answer twice."""
    numbers = itertools.count()

    def another(request: Request) -> Reply:
        return Reply(f"{LONG}\nAnswer: {next(numbers)}")

    with ModelServer(another) as running:
        yield running


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: Any, tmp_path: Path) -> Iterator[BaseCheckpointSaver[Any]]:
    if request.param == "memory":
        yield InMemorySaver()
    else:
        with SqliteSaver.from_conn_string(str(tmp_path / "a.db")) as sqlite:
            yield sqlite


def agent(server: ModelServer, saver: Any, answers: int, policy: str = "sample({}, 1)") -> Any:
    model = OpenAIChatModel(model="loopback", base_url=server.url)
    return create_verifier_agent(
        model, verifier=half, policy=policy.format(answers), budget=Budget(calls=100), seed=1,
        checkpointer=saver,
    )  # fmt: skip


def half(task: Task, candidate: Candidate) -> float:
    return 0.5 if candidate.text.startswith(LONG) and candidate.message else 1.0


def stored(server: ModelServer, db: Path, answers: int, policy: str) -> int:
    """Return the bytes of all checkpoints and writes of one run."""
    with SqliteSaver.from_conn_string(str(db)) as saver:
        made = agent(server, saver, answers, policy)
        run = Run.of(made.invoke(QUESTION, CONFIG, durability="sync"))
        assert [v.score for v in run.tree.verdicts] == [0.5] * answers
        (checkpoints,) = saver.conn.execute("SELECT sum(length(checkpoint)) FROM checkpoints")
        (writes,) = saver.conn.execute("SELECT sum(length(value)) FROM writes")
    return int(checkpoints[0] + writes[0])


@pytest.mark.parametrize("policy", ["sample({}, 1)", "selective({}, 1)"])
def test_what_a_run_stores_grows_with_its_answers_and_not_with_their_square(
    server: ModelServer, tmp_path: Path, policy: str
) -> None:
    few, many = (stored(server, tmp_path / f"{n}.db", n, policy) for n in (5, 20))
    assert many < 5 * few, "four times the answers"


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_what_is_read_back_is_what_the_run_returned(
    server: ModelServer, saver: Any, durability: Literal["sync", "async", "exit"]
) -> None:
    answers = SNAPSHOT // 2 + 5  # two updates each, so that one checkpoint holds the whole record
    made = agent(server, saver, answers)
    result = made.invoke(QUESTION, CONFIG, durability=durability)
    assert len(Run.of(result).tree) == answers
    assert made.get_state(CONFIG).values["verifier_agent"] == result["verifier_agent"]
    again = made.invoke(QUESTION, CONFIG, durability=durability)
    assert Run.of(again).plain["turn"] == 2
    assert made.get_state(CONFIG).values["verifier_agent"] == again["verifier_agent"]


def test_a_fork_has_what_was_there_and_nothing_of_what_came_after(
    server: ModelServer, saver: Any
) -> None:
    made = agent(server, saver, 6)
    first = Run.of(made.invoke(QUESTION, CONFIG, durability="sync"))
    texts = {c.id: c.text for c in first.candidates}
    middle = [s for s in made.get_state_history(CONFIG) if s.next == ("generate",)]
    for snapshot in middle:
        before = len(snapshot.values["verifier_agent"].get("candidates", {}))
        fork = Run.of(made.invoke(None, snapshot.config, durability="sync"))
        assert len(fork.tree) == fork.spent.calls == 6
        kept = [c.id for c in fork.candidates if c.text == texts[c.id]]
        assert kept == [f"g{n}" for n in range(before)]
        assert made.get_state(CONFIG).values["verifier_agent"] == fork.plain


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_run_whose_earlier_checkpoints_were_deleted_does_not_go_on(
    server: ModelServer, tmp_path: Path, kept: int
) -> None:
    with SqliteSaver.from_conn_string(str(tmp_path / "a.db")) as saver:
        made = agent(server, saver, 6)
        for _ in made.stream(QUESTION, CONFIG, durability="sync", interrupt_after=["verify"]):
            pass
        for _ in range(2):
            made.invoke(None, CONFIG, durability="sync", interrupt_after=["verify"])
        calls = server.calls
        for table in ("checkpoints", "writes"):
            saver.conn.execute(
                f"DELETE FROM {table} WHERE checkpoint_id NOT IN (SELECT checkpoint_id "
                "FROM checkpoints ORDER BY checkpoint_id DESC LIMIT ?)",
                (kept,),
            )
        with pytest.raises(ConfigurationError, match=r"lacks its beginning|holds no run"):
            made.invoke(None, CONFIG, durability="sync")
        assert server.calls <= calls + 1, "but for the round that had been decided already"
