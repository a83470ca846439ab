"""Two thousand random runs with faults on the wire: no budget is overrun, by the server's count."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest

from verifier_agent import Budget, BudgetTooSmall, Footprint, Price, Run, create_verifier_agent
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import (
    Policy,
    agree,
    beam,
    best_of,
    hopeless,
    passed,
    revise,
    sample,
    until,
)
from verifier_agent.testing import Fault, ModelServer, Reply, Request
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers import Judge

RUNS = 2000
CHUNKS = 8
FOOTPRINTS = {
    "loopback": Footprint(parameters=5e8, joules_per_flop=(1e-10, 1e-9)),
    "judge": Footprint(joules_per_token=(0.5, 2.0)),
}
PRICES = {"loopback": Price(input=1000.0, output=4000.0), "judge": Price(input=500.0, output=500.0)}


@dataclass
class Plan:
    """One random run."""

    name: str
    policy: Policy
    budget: Budget
    verifier: Any
    faults: float
    usage: bool
    native_n: bool
    max_tokens: int | None
    dice: random.Random


def plan(number: int) -> Plan:
    dice = random.Random(number)
    limits: dict[str, Any] = {
        "calls": dice.randint(1, 40),
        "tokens": dice.randint(30, 8000),
        "usd": dice.uniform(0.05, 10.0),
        "joules": dice.uniform(100.0, 5000.0),
        "seconds": dice.uniform(0.1, 1.0),
    }
    kept = dice.sample(sorted(limits), dice.randint(1, 5))
    if kept == ["seconds"]:
        kept.append("calls")
    policies = [
        best_of(dice.randint(1, 10)),
        sample(dice.randint(1, 16), dice.randint(1, 5)),
        until(sample(16), agree(0.95) | passed(0.9) | hopeless(4, 0.2)),
        revise(dice.randint(1, 4), dice.randint(1, 3)),
        beam(2, 2, dice.choice([1, 2]), depth=4),
    ]
    return Plan(
        name=f"run-{number}",
        policy=dice.choice(policies),
        budget=Budget(**{unit: limits[unit] for unit in kept}),
        verifier=dice.choice(["agreement", coin, "judge"]),
        faults=dice.choice([0.0, 0.1, 0.5]),
        usage=dice.random() < 0.8,
        native_n=dice.random() < 0.3,
        max_tokens=dice.choice([None, 8, 40]),
        dice=dice,
    )


def coin(task: Task, candidate: Candidate) -> float:
    return random.Random(candidate.text).random()


def script(plans: dict[str, Plan]) -> Any:
    def say(request: Request) -> Reply | Fault:
        text = str(request.messages)
        mine = plans[next(name for name in plans if f"{name}." in text)]
        dice = random.Random(f"{mine.name}{request.index}")
        words = " ".join(["word"] * dice.randint(0, 30))
        stepping = request.body.get("stop")
        answer = f"{words}\nAnswer: {dice.randint(1, 3)}" if not stepping else f"{words}\nmore"
        reply = Reply(answer, usage="counted" if mine.usage else None)
        if dice.random() < mine.faults:
            return dice.choice(
                [
                    Fault("status", status=429, retry_after=0.0),
                    Fault("status", status=503, retry_after=0.01),
                    Fault("status", status=400),
                    Fault("drop", reply=reply),
                    Fault("truncate", reply=reply),
                    Fault("malformed", reply=reply),
                    Fault("empty", reply=reply),
                    Fault("hang", reply=reply, seconds=0.4),
                ]
            )
        return reply

    return say


@dataclass
class Models:
    """One client for each kind of model, as an application has it."""

    url: str
    made: dict[tuple[str, bool], OpenAIChatModel] = field(default_factory=dict)

    def get(self, name: str, native_n: bool = False) -> OpenAIChatModel:
        settings: Any = {"base_url": self.url, "timeout": 0.3, "prefix": "trailing"}
        key = (name, native_n)
        if key not in self.made:
            self.made[key] = OpenAIChatModel(model=name, native_n=native_n, **settings)
        return self.made[key]


@dataclass
class Done:
    """One run, and how late the event loop was, all in all, while it took place."""

    plan: Plan
    run: Run | None
    lag: float


async def perform(one: Plan, models: Models) -> Done:
    judge = Judge(models.get("judge"), max_tokens=30)
    agent = create_verifier_agent(
        models.get("loopback", one.native_n),
        policy=one.policy,
        verifier=judge if one.verifier == "judge" else one.verifier,
        budget=one.budget,
        prices=PRICES,
        footprints=FOOTPRINTS,
        max_tokens=one.max_tokens,
        seed=1,
    )
    question = {"messages": [("user", f"This is {one.name}. What is it?")]}
    lags: list[float] = []
    watch = asyncio.create_task(watch_the_loop(lags))
    try:
        return Done(one, Run.of(await agent.ainvoke(question)), sum(lags))
    except BudgetTooSmall:
        return Done(one, None, 0.0)
    finally:
        watch.cancel()


async def watch_the_loop(lags: list[float], nap: float = 0.005) -> None:
    """Note how much later than asked this task is woken: no deadline can be met earlier."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(nap)
        lags.append(time.perf_counter() - start - nap)


@pytest.mark.parametrize("chunk", range(CHUNKS))
async def test_no_random_run_overruns_its_budget_in_any_unit(chunk: int) -> None:
    plans = {p.name: p for p in map(plan, range(chunk, RUNS, CHUNKS))}
    timed = [one for one in plans.values() if one.budget.seconds is not None]
    untimed = [one for one in plans.values() if one.budget.seconds is None]
    with ModelServer(script(plans)) as server:
        models = Models(server.url)
        results = await side_by_side(untimed, models, 16)
        results += await side_by_side(timed, models, 2)
        assert server.settle()
        counted = count(server, plans)
    overruns = [found for done in results for found in check(done, counted[done.plan.name])]
    assert overruns == []
    assert sum(done.run is not None for done in results) > len(plans) / 2, "too few took place"


async def side_by_side(plans: list[Plan], models: Models, most: int) -> list[Done]:
    gate = asyncio.Semaphore(most)

    async def guarded(one: Plan) -> Done:
        async with gate:
            return await perform(one, models)

    return await asyncio.gather(*(guarded(one) for one in plans))


@dataclass
class Counted:
    """What the server says of one run."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    joules: float = 0.0


def count(server: ModelServer, plans: dict[str, Plan]) -> dict[str, Counted]:
    counted: dict[str, Counted] = defaultdict(Counted)
    for served in server.served:
        text = str(served.request.messages)
        mine = counted[next(name for name in plans if f"{name}." in text)]
        price = PRICES[served.request.body["model"]]
        mine.calls += 1
        mine.tokens += served.input_tokens + served.output_tokens
        mine.usd += (served.input_tokens * price.input + served.output_tokens * price.output) / 1e6
        if served.request.body["model"] == "judge":
            mine.joules += 2.0 * served.output_tokens
        else:
            mine.joules += 2 * 5e8 * 1e-9 * (served.input_tokens + served.output_tokens)
    return counted


def check(done: Done, server: Counted) -> list[str]:
    one, run, found = done.plan, done.run, []
    if run is None:
        return [f"{one.name}: refused, yet {server.calls} calls"] if server.calls else []
    limits = (one.max_tokens, one.budget.tokens, one.budget.usd, one.budget.joules)
    capped = any(limit is not None for limit in limits)
    for unit in ("calls", "tokens", "usd", "joules"):
        real, said, limit = (getattr(x, unit) for x in (server, run.spent, one.budget))
        # of a lost reply without any cap nobody knows the length: that much is marked as inexact
        known = unit == "calls" or capped or run.spent.exact
        if known and said < real * (1 - 1e-9):
            found.append(f"{one.name}: {unit} {said} reported, {real} counted by the server")
        if limit is not None and said > limit * (1 + 1e-9):
            found.append(f"{one.name}: {unit} {said} spent of {limit}: {one.policy!r}")
    limit = one.budget.seconds
    if limit is not None and run.spent.seconds > limit + done.lag:
        found.append(f"{one.name}: {run.spent.seconds} of {limit} seconds, lag {done.lag}")
    return found
