"""Work that is paid for once: no record under another key is trusted, and nobody judges twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig

from verifier_agent import Candidate, Run, Task, Verdict, create_verifier_agent
from verifier_agent.budget import Remaining
from verifier_agent.embedded import example
from verifier_agent.graph import once
from verifier_agent.graph.once import Piece
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Select, Verify

RECORDED: RunnableConfig = {"configurable": {"thread_id": "a"}}


def piece(key: str, done: list[str]) -> Piece:
    def work() -> dict[str, Any]:
        done.append(key)
        return {"of": key}

    async def awork() -> dict[str, Any]:
        return work()

    return Piece(key, work, awork)


def moved(key: str, work: Callable[[], Any]) -> Future[list[Any]]:
    """Return the record of the piece that stood here before the order changed."""
    found: Future[list[Any]] = Future()
    found.set_result(["b" if key == "a" else key, {"of": "b" if key == "a" else key}])
    return found


async def amoved(key: str, awork: Callable[[], Awaitable[Any]]) -> list[Any]:
    return moved(key, lambda: None).result()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_record_under_another_key_is_reported_and_its_work_is_done_again(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "_record", moved)
    monkeypatch.setattr(once, "_arecord", amoved)
    done: list[str] = []
    seen: dict[int, Any] = {}
    pieces = [piece(key, done) for key in "abc"]

    def do() -> list[Any]:
        if mode == "sync":
            return once.do_all(pieces, RECORDED, seen.__setitem__)
        return asyncio.run(once.ado_all(pieces, RECORDED, seen.__setitem__))

    with pytest.warns(UserWarning, match="holds 'b' where 'a' was expected"):
        results = do()
    assert done == ["a"]
    assert results == [{"of": key} for key in "abc"] == [seen[place] for place in range(3)]


class Counting:
    """Notes what it is shown."""

    def __init__(self, name: str, **traits: bool) -> None:
        self.name = name
        self.shown: Counter[tuple[str, int]] = Counter()
        vars(self).update(traits)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        self.shown.update((c.id, len(candidates)) for c in candidates)
        return [Verdict(candidate=c.id, verifier=self.name, score=0.5) for c in candidates]


def insistent(tree: Tree, remaining: Remaining) -> Sequence[Action]:
    """Draw two, have all judged again, draw two more, and so on."""
    if len(tree) >= 6:
        return [Select()]
    judged = {verdict.candidate for verdict in tree.verdicts}
    if len(tree) % 4 == 2 and len(judged) == len(tree):
        return [Generate(n=2, judge=False)]
    if len(judged) < len(tree):
        return [Verify(candidates=tuple(c.id for c in tree))]
    return [Generate(n=2)]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_nobody_is_asked_twice_for_a_candidate_unless_it_is_judged_beside_others(mode: str) -> None:
    verifiers = [Counting("plain"), Counting("alone", per_candidate=True)]
    beside = Counting("beside", relational=True)
    agent = create_verifier_agent(
        "embedded", verifier=[*verifiers, beside], policy=insistent, seed=1
    )
    question: Any = {"messages": [("user", example(level=1, seed=1).question)]}
    result = asyncio.run(agent.ainvoke(question)) if mode == "async" else agent.invoke(question)
    run = Run.of(result)
    assert len(run.tree) == 6
    for verifier in verifiers:
        asked = Counter(name for name, _ in verifier.shown.elements())
        assert asked == Counter(c.id for c in run.candidates)
    # among two, four and six others: once each
    assert set(beside.shown.values()) == {1}
    assert {among for _, among in beside.shown} == {2, 4, 6}
