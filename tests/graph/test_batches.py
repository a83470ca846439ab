"""Many questions under one budget: it holds in every unit, and nothing is lost or paid twice."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from verifier_agent import (
    AccountEmpty,
    Budget,
    BudgetTooSmall,
    Candidate,
    ConfigurationError,
    Price,
    Select,
    Task,
    create_verifier_agent,
)
from verifier_agent.accounts import MemoryAccount
from verifier_agent.graph import Batch, Standing
from verifier_agent.graph.batches.batch import Order
from verifier_agent.graph.batches.jobs import do
from verifier_agent.graph.batches.recalling import Line
from verifier_agent.graph.batches.scheduling import Schedule
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import policy, sample
from verifier_agent.testing import Fault, ModelServer, Reply, Request

QUESTIONS = [f"question {i}" for i in range(6)]
PRICES = {"loopback": Price(input=1.0, output=10.0)}


def agent_on(server: ModelServer, **more: Any) -> Any:
    model = OpenAIChatModel(model="loopback", base_url=server.url)
    given: dict[str, Any] = {
        "verifier": "agreement", "seed": 0, "prices": PRICES, "max_tokens": 20, "max_retries": 0,
    }  # fmt: skip
    return create_verifier_agent(model, **{**given, **more})


def split(request: Request) -> Reply:
    """Agree on the even questions; on the odd ones two answers come as often."""
    number = int(request.question.split()[1])
    coin = random.Random(f"{request.question}{request.seed}").randint(8, 9)
    return Reply(f"Answer: {coin if number % 2 else 7}")


@pytest.fixture(params=["sync", "async"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def solve(agent: Any, mode: str, questions: Sequence[Any] = QUESTIONS, **options: Any) -> Batch:
    if mode == "sync":
        return agent.solve_many(questions, **options)
    return asyncio.run(agent.asolve_many(questions, **options))


def test_all_of_the_budget_goes_where_it_gains_most(mode: str) -> None:
    with ModelServer(split) as server:
        batch = solve(agent_on(server), mode, budget=Budget(calls=30))
        assert server.calls == batch.spent.calls == 30
    used = [result.spent.calls for result in batch.results]
    assert sum(used) == 30
    assert sum(used[1::2]) >= 19, "the split ones"
    assert [result.id for result in batch.results] == ["1", "2", "3", "4", "5", "6"]
    assert [r.selection.answer for r in batch.results][::2] == ["7"] * 3
    assert all(r.run is not None and r.run.spent == r.spent for r in batch.results)
    assert {r.selection.outcome for r in batch.results} == {"budget"}
    assert "another answer was worth +0" in batch.results[1].selection.reason


def test_one_job_at_a_time_gives_the_same_batch_in_threads_and_in_a_loop() -> None:
    with ModelServer(split) as server:
        agent = agent_on(server)
        batches = [solve(agent, m, budget=Budget(calls=20), jobs=1) for m in ("sync", "async")]
    used = [[result.spent.calls for result in batch.results] for batch in batches]
    answers = [[result.selection.answer for result in batch.results] for batch in batches]
    assert used[0] == used[1]
    assert answers[0] == answers[1]


def test_no_more_questions_are_in_flight_than_jobs_and_as_many_as_there_can_be(mode: str) -> None:
    lock, full, now, most = threading.Lock(), threading.Event(), 0, 0

    def counted(request: Request) -> Reply:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now == 3:
                full.set()
        full.wait(20)
        with lock:
            now -= 1
        return split(request)

    with ModelServer(counted) as server:
        solve(agent_on(server), mode, budget=Budget(calls=18), jobs=3)
    assert most == 3


def exact(task: Task, candidate: Candidate) -> bool:
    return candidate.answer == task.context["reference"]


def test_what_is_proven_ends_at_once_and_its_share_goes_to_the_others(mode: str) -> None:
    questions = [
        {"id": f"q{i}", "question": q, "context": {"reference": "7"}}
        for i, q in enumerate(QUESTIONS)
    ]
    with ModelServer(split) as server:
        agent = agent_on(server, verifier=exact)
        batch = solve(agent, mode, questions, budget=Budget(calls=30))
    easy, hard = batch.results[::2], batch.results[1::2]
    assert [(r.spent.calls, r.selection.outcome) for r in easy] == [(1, "verified")] * 3
    assert sum(r.spent.calls for r in hard) == 27
    assert [r.id for r in batch.results] == [f"q{i}" for i in range(6)]


def test_what_is_proven_ends_next_however_many_others_are_in_flight() -> None:
    questions = [{"question": "question 0", "context": {"reference": "7"}}] * 16
    with ModelServer(split) as server:
        agent = agent_on(server, verifier=exact, checkpointer=InMemorySaver())
        order = Order.of(
            agent.parts, questions, budget=Budget(calls=40), policy="sample(64, batch=1)",
            seed=0, price=0.0, jobs=8, name=None, tell=None,
        )  # fmt: skip
        schedule = Schedule(agent.parts, order.terms, [Line(q) for q in order.questions])
        first, *others = [job for _ in range(8) if (job := schedule.next()) is not None]
        assert len(others) == 7
        schedule.take(first, do(agent, first.work))
        end = schedule.next()
        assert end is not None
        assert end.place == first.place
        schedule.take(end, do(agent, end.work))
    assert schedule.tally.ended == 1


def test_a_price_gives_up_the_hopeless_and_keeps_the_rest_of_the_budget(mode: str) -> None:
    questions = [{"question": q, "context": {"reference": "never"}} for q in QUESTIONS]
    with ModelServer(split) as server:
        agent = agent_on(server, verifier=exact)
        batch = solve(agent, mode, questions, budget=Budget(calls=200), price=0.05)
    assert batch.spent.calls < 100
    assert {r.selection.outcome for r in batch.results} == {"gave_up"}


def test_a_question_that_fails_leaves_the_others_alone(mode: str) -> None:
    def faulty(request: Request) -> Reply | Fault:
        return Fault("status", status=400) if request.question == QUESTIONS[1] else split(request)

    @policy
    def failing_at_two(tree: Any, remaining: Any) -> Any:
        if tree.task.question == QUESTIONS[2] and len(tree):
            return [Select(), Select(), "nothing of the kind"]
        return sample(64, batch=1)(tree, remaining)

    with ModelServer(faulty) as server:
        batch = solve(agent_on(server), mode, budget=Budget(calls=30), policy=failing_at_two())
    results = batch.results
    assert results[1].selection.outcome == "failed"
    assert results[1].error is None, "its calls failed, its run did not"
    assert results[1].spent.calls == 3
    assert results[2].error is not None
    assert "no action" in results[2].error
    assert (results[2].selection.outcome, results[2].spent.calls) == ("failed", 1)
    assert results[2].selection.answer == "7", "it ends with what it had"
    assert all(r.selection.answer for r in (results[0], *results[3:]))
    assert batch.spent.calls == 30


def test_a_budget_too_small_for_all_answers_the_first(mode: str) -> None:
    with ModelServer(split) as server:
        batch = solve(agent_on(server), mode, budget=Budget(calls=2))
    assert [r.selection.candidate is not None for r in batch.results] == [True] * 2 + [False] * 4
    assert {r.selection.outcome for r in batch.results} == {"budget"}
    assert batch.results[5].run is None


limits = st.fixed_dictionaries(
    {},
    optional={
        "calls": st.integers(1, 25),
        "tokens": st.integers(200, 4000),
        "usd": st.floats(2e-4, 1e-2),
        "seconds": st.floats(0.3, 5.0),
    },
).filter(bool)


@settings(max_examples=12)
@given(limits, st.integers(1, 5), st.integers(0, 99), st.booleans(), st.booleans())
def test_the_budget_holds_in_every_unit_whatever_fails(
    given_limits: dict[str, float], jobs: int, seed: int, judged: bool, in_loop: bool
) -> None:
    dice = random.Random(seed)

    def unreliable(request: Request) -> Reply | Fault:
        if dice.random() < 0.2:
            return Fault("status", status=dice.choice([400, 500]))
        return Reply(f"Answer: {dice.randint(1, 3)}", delay=dice.random() * 0.01)

    budget = Budget(**given_limits)  # type: ignore[arg-type]
    with ModelServer(unreliable) as server:
        agent = agent_on(server, verifier="judge" if judged else "agreement", max_retries=1)
        try:
            batch = solve(
                agent, "async" if in_loop else "sync", budget=budget, jobs=jobs, policy=sample(6, 2)
            )
        except BudgetTooSmall:
            assert server.calls == 0
            return
        # a call that the time was over for may not have reached the server
        assert batch.spent.calls >= server.calls
        assert batch.spent.calls == server.calls or budget.seconds is not None
    for unit in ("calls", "tokens", "usd"):  # seconds are as exact as the machine is idle
        limit = getattr(budget, unit)
        if limit is not None:
            assert getattr(batch.spent, unit) <= limit * (1 + 1e-9) + 1e-9, unit
    assert len(batch.results) == len(QUESTIONS)
    assert batch.spent.calls == sum(r.spent.calls for r in batch.results)


def interrupted_at(answers: int) -> Callable[[Standing], None]:
    def tell(standing: Standing) -> None:
        if standing.answers >= answers:
            raise KeyboardInterrupt

    return tell


def test_an_interrupted_batch_goes_on_under_its_name(mode: str) -> None:
    with ModelServer(split) as server:
        agent = agent_on(server, checkpointer=InMemorySaver())
        for answers in (4, 13):
            with pytest.raises(KeyboardInterrupt):
                solve(agent, mode, budget=Budget(calls=30), name="b", tell=interrupted_at(answers))
        batch = solve(agent, mode, budget=Budget(calls=30), name="b")
        assert 13 < server.calls <= 30
        before = server.calls
        again = solve(agent, mode, budget=Budget(calls=30), name="b")
        assert server.calls == before
    assert batch.spent.calls == sum(r.spent.calls for r in batch.results) <= 30
    assert [r.selection for r in again.results] == [r.selection for r in batch.results]
    # threads end their round first; requests of a loop are cancelled, and charged with the retries
    # they had, which may be all that the budget had left for a question
    assert mode == "async" or (
        server.calls == 30 and all(r.selection.candidate for r in batch.results)
    )


def test_a_batch_that_is_finished_is_not_begun_again_under_a_larger_budget(mode: str) -> None:
    with ModelServer(split) as server:
        agent = agent_on(server, checkpointer=InMemorySaver())
        solve(agent, mode, budget=Budget(calls=12), name="b")
        batch = solve(agent, mode, budget=Budget(calls=100), name="b")
        assert server.calls == 12
    assert batch.spent.calls == 12


def test_a_smaller_budget_ends_what_was_interrupted_with_what_it_has(mode: str) -> None:
    with ModelServer(split) as server:
        agent = agent_on(server, checkpointer=InMemorySaver())
        with pytest.raises(KeyboardInterrupt):
            solve(agent, mode, budget=Budget(calls=60), name="b", tell=interrupted_at(20), jobs=1)
        batch = solve(agent, mode, budget=Budget(calls=5), name="b")
        assert server.calls == 20
    assert all(r.selection.candidate for r in batch.results)


async def test_a_smaller_budget_ends_what_was_broken_off_in_a_round_with_what_it_has() -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(request: Request) -> Reply:
        if request.index < len(QUESTIONS):
            return split(request)
        loop.call_soon_threadsafe(arrived.set)
        return Reply("Answer: 7", delay=30.0)

    with ModelServer(slow) as server:
        agent = agent_on(server, checkpointer=InMemorySaver())
        whole = agent.asolve_many(QUESTIONS, budget=Budget(calls=30), name="b", jobs=1)
        work = asyncio.create_task(whole)
        await arrived.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        batch = await agent.asolve_many(QUESTIONS, budget=Budget(calls=2), name="b")
        assert server.calls == len(QUESTIONS) + 1
    assert all(r.selection.candidate for r in batch.results)


async def test_first_answers_that_were_broken_off_leave_each_other_what_they_need() -> None:
    questions, arrived = QUESTIONS[:2], asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(request: Request) -> Reply:
        if request.index >= len(questions):
            return split(request)
        if request.index == 1:
            loop.call_soon_threadsafe(arrived.set)
        return Reply("Answer: 7", delay=30.0)

    with ModelServer(slow) as server:
        agent = agent_on(server, checkpointer=InMemorySaver(), max_retries=2)
        work = asyncio.create_task(
            agent.asolve_many(questions, budget=Budget(calls=6), name="b", jobs=8)
        )
        await arrived.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        batch = await agent.asolve_many(questions, budget=Budget(calls=6), name="b", jobs=8)
    assert [result.error for result in batch.results] == [None, None]
    assert all(result.selection.candidate for result in batch.results)
    assert batch.spent.calls <= 6


def test_seconds_go_on_after_an_interrupt(mode: str) -> None:
    def slow(request: Request) -> Reply:
        return Reply(f"Answer: {1000 + request.index}", delay=0.1)

    budget = Budget(calls=18, seconds=300)
    with ModelServer(slow) as server:
        agent = agent_on(server, checkpointer=InMemorySaver())
        with pytest.raises(KeyboardInterrupt):
            solve(agent, mode, budget=budget, name="b", tell=interrupted_at(9), jobs=2)
        first = server.calls
        batch = solve(agent, mode, budget=budget, name="b", jobs=2)
    assert first < server.calls
    # first answers two at a time, the others one after the other
    assert batch.spent.seconds > 1.0


def test_a_batch_is_paid_from_the_account_of_its_agent(mode: str) -> None:
    account = MemoryAccount(Budget(calls=20))
    with ModelServer(split) as server:
        agent = agent_on(server, account=account)
        assert solve(agent, mode, budget=Budget(calls=12)).spent.calls == 12
        assert account.remaining().calls == 8
        assert solve(agent, mode, budget=Budget(calls=12)).spent.calls == 8
        with pytest.raises(AccountEmpty):
            solve(agent, mode, budget=Budget(calls=12))
        assert server.calls == 20


@pytest.mark.parametrize("saved", [False, True])
def test_a_batch_inside_a_node_of_another_graph_is_paid_by_its_account(
    mode: str, saved: bool
) -> None:
    account = MemoryAccount(Budget(calls=12))
    found: list[Batch] = []

    def node(state: Any) -> Any:
        found.append(agent.solve_many(QUESTIONS, budget=Budget(calls=30)))

    async def anode(state: Any) -> Any:
        found.append(await agent.asolve_many(QUESTIONS, budget=Budget(calls=30)))

    graph = StateGraph(MessagesState)
    graph.add_node("node", node if mode == "sync" else anode)
    graph.add_edge(START, "node")
    app = graph.compile(checkpointer=InMemorySaver() if saved else None)
    config: Any = {"configurable": {"thread_id": "t", "verifier_agent": {"account": account}}}
    with ModelServer(split) as server:
        agent = agent_on(server)
        if mode == "sync":
            app.invoke({"messages": [("user", "go")]}, config)
        else:
            asyncio.run(app.ainvoke({"messages": [("user", "go")]}, config))
        assert server.calls == 12
    assert account.remaining().calls == 0
    assert {r.selection.outcome for r in found[0].results} == {"budget"}


def test_an_interrupt_charges_the_account_with_what_was_spent(mode: str) -> None:
    account = MemoryAccount(Budget(calls=100))
    with ModelServer(split) as server:
        agent = agent_on(server, account=account)
        with pytest.raises(KeyboardInterrupt):
            solve(agent, mode, budget=Budget(calls=50), tell=interrupted_at(10))
        server.settle()
        assert 100 - account.remaining().calls >= server.calls


def test_a_round_that_ends_the_process_is_charged_to_the_account_too() -> None:
    @policy
    def leaving(tree: Any, remaining: Any) -> Any:
        if len(tree):
            raise SystemExit
        return sample(64, batch=1)(tree, remaining)

    account = MemoryAccount(Budget(calls=100))
    with ModelServer(split) as server:
        agent = agent_on(server, account=account)
        with pytest.raises(SystemExit):
            solve(agent, "sync", budget=Budget(calls=50), policy=leaving(), jobs=1)
        assert 100 - account.remaining().calls == server.calls == 1


def test_messages_and_conversations_are_questions_too(mode: str) -> None:
    questions = [
        HumanMessage("question 2"),
        [("system", "Be brief."), ("user", "question 4")],
        {"messages": [("user", "question 0")], "id": 0},
    ]
    with ModelServer(split) as server:
        batch = solve(agent_on(server), mode, questions, budget=Budget(calls=3))
        assert server.served[0].request.messages[0]["role"] in ("user", "system")
    assert [(r.id, r.selection.answer) for r in batch.results] == [
        ("1", "7"),
        ("2", "7"),
        ("0", "7"),
    ]


@pytest.mark.parametrize(
    ("questions", "options", "fault"),
    [
        ([], {}, "no question"),
        ("one question", {}, "a list of questions"),
        (["a", " "], {}, "question '2'"),
        ([{"id": "a", "question": "x"}, {"id": "a", "question": "y"}], {}, "have the id 'a'"),
        ([{"text": "x"}], {}, 'under "question"'),
        ([{"question": "x", "context": {"f": exact}}], {}, "stored as JSON"),
        (["a"], {"budget": {"cals": 3}}, "cals"),
        (["a"], {"budget": {"tokens": 5}}, "cannot pay for one answer"),
        (["a"], {"price": -1}, "price=-1"),
        (["a"], {"jobs": 0}, "jobs=0"),
        (["a"], {"name": ""}, "name=''"),
        (["a"], {"seed": "x"}, "seed='x'"),
        (["a"], {"policy": "sampel(3)"}, "sample"),
        (["a"], {"policy": lambda tree, remaining: []}, "a named one"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_spent(
    questions: Any, options: dict[str, Any], fault: str
) -> None:
    with ModelServer(split) as server:
        with pytest.raises(ConfigurationError, match=fault):
            solve(agent_on(server), "sync", questions, **{"budget": Budget(calls=9), **options})
        assert server.calls == 0


def test_a_name_belongs_to_its_questions() -> None:
    with ModelServer(split) as server:
        agent = agent_on(server, checkpointer=InMemorySaver())
        solve(agent, "sync", ["question 0"], budget=Budget(calls=2), name="b")
        with pytest.raises(ConfigurationError, match="another one"):
            solve(agent, "sync", ["question 1"], budget=Budget(calls=2), name="b")
        grown = solve(agent, "sync", ["question 0", "question 1"], budget=Budget(calls=4), name="b")
        assert server.calls == 4
    assert [r.spent.calls for r in grown.results] == [2, 2]
