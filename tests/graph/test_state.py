from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from verifier_agent.budget import Budget
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.merging import fold, merge
from verifier_agent.graph.state import SCHEMA, Run, read_task
from verifier_agent.values import Candidate, Cost, Selection, Verdict

leaves = st.none() | st.booleans() | st.integers(2, 5) | st.sampled_from(["a", "b", 0.5])
entries = st.dictionaries(st.sampled_from(["id", "text", "score"]), leaves, max_size=3)
keyed = st.dictionaries(st.sampled_from(["g0", "g1", "g0|v|0", "1", "2"]), entries, max_size=3)
# no 0 and 1: they equal False and True, and no field of ours holds both
updates = st.just({}) | st.fixed_dictionaries(
    {"schema": st.integers(1, 2), "turn": st.integers(1, 3)},
    optional=dict.fromkeys(["decisions", "candidates", "verdicts", "clock", "grants"], keyed)
    | dict.fromkeys(["run", "ending", "selection", "spent"], entries),
)


def plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@settings(max_examples=500)
@given(updates, updates, updates)
def test_merging_is_associative_commutative_and_idempotent(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    before = copy.deepcopy((one, two, three))
    assert plain(merge(one, two)) == plain(merge(two, one))
    assert plain(merge(merge(one, two), three)) == plain(merge(one, merge(two, three)))
    assert plain(merge(one, one)) == plain(one)
    assert plain(merge(one, {})) == plain(one)
    assert before == (one, two, three), "merging changed its arguments"


@given(updates, st.lists(updates, max_size=4), st.lists(updates, max_size=4))
def test_updates_may_be_merged_in_any_portions(
    base: dict[str, Any], some: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    assert plain(fold(fold(base, some), more)) == plain(fold(base, [*some, *more]))


@given(updates, updates)
def test_a_later_turn_replaces_an_earlier_one_whole(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    if one and two and one["turn"] < two["turn"]:
        assert merge(one, two) == two


def test_parallel_nodes_add_to_each_other() -> None:
    base = {"schema": 1, "turn": 1, "run": {"id": "r"}}
    one = {**base, "candidates": {"g0": {"id": "g0"}}, "clock": {"1:generate": {"seconds": 1}}}
    two = {**base, "candidates": {"g1": {"id": "g1"}}, "verdicts": {"g0|v|0": {"score": 1}}}
    assert merge(one, two) == {
        **base,
        "candidates": {"g0": {"id": "g0"}, "g1": {"id": "g1"}},
        "verdicts": {"g0|v|0": {"score": 1}},
        "clock": {"1:generate": {"seconds": 1}},
    }


def test_two_selections_are_never_mixed() -> None:
    one = {"schema": 1, "turn": 1, "selection": {"candidate": "g0", "answer": "9"}}
    two = {"schema": 1, "turn": 1, "selection": {"candidate": "g1", "answer": "5"}}
    assert merge(one, two)["selection"] in (one["selection"], two["selection"])


def state(**more: Any) -> dict[str, Any]:
    """Return a state as the graph leaves it behind, with the dicts of a real run."""
    candidates = [
        Candidate(id="g10", answer="5", cost=Cost(calls=1, input_tokens=7, output_tokens=3)),
        Candidate(id="g2", answer="7", cost=Cost(calls=2, output_tokens=10, usd=0.5)),
    ]
    verdict = Verdict(candidate="g2", verifier="v", score=0.5, cost=Cost(calls=1, usd=0.25))
    own = {
        "schema": SCHEMA,
        "turn": 1,
        "run": {
            "id": "run-1",
            "seed": 3,
            "budget": Budget(calls=10, seconds=60).to_dict(),
            "context": {"reference": "7"},
        },
        "candidates": {c.id: c.to_dict() for c in candidates},
        "verdicts": {verdict.key: verdict.to_dict()},
        **more,
    }
    return {"messages": [HumanMessage("what is 3+4?")], "verifier_agent": own}


def test_a_run_is_read_from_plain_state() -> None:
    run = Run.of(json_copy(state()))
    assert (run.id, run.seed, run.budget) == ("run-1", 3, Budget(calls=10, seconds=60))
    assert [c.id for c in run.candidates] == ["g2", "g10"]
    assert run.tree.seed == 3
    assert run.tree.score("g2") == 0.5
    assert (run.task.question, run.task.context) == ("what is 3+4?", {"reference": "7"})


def json_copy(state: dict[str, Any]) -> dict[str, Any]:
    """Return `state` as a checkpoint gives it back: what is ours went through JSON."""
    own = json.loads(json.dumps(state["verifier_agent"], allow_nan=False))
    return {**state, "verifier_agent": own}


def test_spent_is_the_sum_over_candidates_and_verdicts() -> None:
    run = Run.of(state(clock={"1:generate": {"seconds": 1.5, "process": "p"}}))
    assert (run.spent.calls, run.spent.tokens, run.spent.usd) == (4, 20, 0.75)
    assert run.remaining.calls == 6
    assert run.remaining.seconds == 58.5
    assert run.tree.spent == run.spent


def test_three_thousand_verdicts_that_were_read_once_are_not_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verdicts = [Verdict(candidate="g2", verifier="v", score=0.5, version=n) for n in range(3000)]
    given = state(verdicts={verdict.key: verdict.to_dict() for verdict in verdicts})
    read = 0

    def counted(plain: Any) -> Verdict:
        nonlocal read
        read += 1
        return Verdict(**{**plain, "cost": Cost(**plain["cost"])})

    monkeypatch.setattr(Verdict, "from_dict", counted)
    for _ in range(3):
        assert len(Run.of(given).tree.verdicts) == 3000
    assert read == 3000


def test_nodes_side_by_side_count_their_longest_and_rounds_add_up() -> None:
    seconds = {
        "1:generate": 1.0,
        "1:revise": 4.0,
        "1:verify": 0.25,
        "2:generate": 2.0,
        "2:verify": 0.5,
        "10:revise": 8.0,
    }
    clock = {key: {"seconds": value, "process": "p"} for key, value in seconds.items()}
    assert Run.of(state(clock=clock)).seconds == 4.0 + 0.25 + 2.0 + 0.5 + 8.0


def test_decisions_come_in_the_order_of_their_rounds() -> None:
    decisions = {str(n): {"round": n} for n in (10, 9, 1, 11, *range(2, 9))}
    assert [d["round"] for d in Run.of(state(decisions=decisions)).decisions] == [*range(1, 12)]


def test_a_run_without_a_selection_has_not_ended() -> None:
    with pytest.raises(ConfigurationError, match="not ended"):
        _ = Run.of(state()).selection
    selection = Selection(candidate="g2", answer="7", outcome="agreed")
    assert Run.of(state(selection=selection.to_dict())).selection == selection


@pytest.mark.parametrize("empty", [{}, {"verifier_agent": {}}, {"verifier_agent": None}])
def test_a_state_without_a_run_is_refused(empty: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="holds no run"):
        Run.of(empty)


@pytest.mark.parametrize("schema", [0, SCHEMA + 1, None])
def test_a_run_of_another_schema_is_refused(schema: int | None) -> None:
    with pytest.raises(ConfigurationError, match=f"schema {schema}"):
        Run.of(state(schema=schema))
    without = state()
    del without["verifier_agent"]["schema"]
    with pytest.raises(ConfigurationError, match="schema None"):
        Run.of(without)


def test_the_question_is_the_last_human_message() -> None:
    messages = [
        SystemMessage("be brief"),
        HumanMessage("first"),
        AIMessage("one"),
        HumanMessage("second"),
        AIMessage("not a question"),
    ]
    task = read_task(messages, {"k": 1})
    assert task.question == "second"
    assert [m["type"] for m in task.messages] == ["system", "human", "ai", "human", "ai"]
    assert task.context == {"k": 1}


def test_a_question_may_be_an_image_alone() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    assert read_task([HumanMessage([image])], {}).question == ""  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([], "no human message"),
        ([AIMessage("hello")], "no human message"),
        ([HumanMessage("")], "empty"),
        ([HumanMessage(" \n ")], "empty"),
    ],
)
def test_no_question_is_refused(messages: list[Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read_task(messages, {})
