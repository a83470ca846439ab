"""`create_verifier_agent`: the parts checked, and the graph assembled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore
from langgraph.types import Checkpointer

from verifier_agent.accounts import Account
from verifier_agent.budget import Budget, Footprint, Price
from verifier_agent.calibration import Calibration
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.agent import Agent
from verifier_agent.graph.controller import ATTEMPTS
from verifier_agent.graph.edge import Controller
from verifier_agent.graph.merging import Plain
from verifier_agent.graph.nodes import Nodes
from verifier_agent.graph.settings import (
    Parts,
    check_numbers,
    check_retries,
    read_budget,
    with_form,
)
from verifier_agent.graph.state import Answer, Question, State
from verifier_agent.graph.tables import (
    Answerer,
    callers,
    footprint_table,
    price_table,
)
from verifier_agent.models import ModelLike
from verifier_agent.search import (
    PolicyFunction,
    PolicyLike,
    adaptive,
    agree,
    agreement,
    best_of,
    passed,
    read_policy,
    route,
    sample,
    tuned,
    until,
)
from verifier_agent.selection import SelectorFunction, resolve_selector, vote, weighted_vote
from verifier_agent.values import Verifier
from verifier_agent.verifiers import VerifierLike, resolve_verifiers

DEFAULT_BUDGET = Budget(calls=32)
"""Sixteen answers, each with up to one judge call: small enough to be safe."""


def default_policy(verifiers: Sequence[Verifier]) -> PolicyFunction:
    """Return the policy used when none is named.

    Where votes decide, `adaptive`: up to 16 answers, while another is worth its price; it never
    ends before three. Where a verifier judges how good answers are, up to 8, fewer when they agree
    or, where none compares them, when two score at least 0.95: `adaptive` would take scores for
    chances, which those of an unknown verifier are not (docs/decisions/0014). So where a judge
    comes in for answers that cannot be compared ("auto"), and none of the first three can be, 8.
    """
    if _by_votes(verifiers):
        votes = adaptive(16, first=3)
        if not any(hasattr(verifier, "applies") for verifier in verifiers):
            return votes
        # with any answer that can be compared, the agreement of three is 2/3 or easier
        return route(agreement(3), votes, best_of(8), above=0.9)
    grow = sample(8, batch=4)
    if any(_compares(verifier) for verifier in verifiers):
        return until(grow, agree(0.95))
    return until(grow, agree(0.95) | passed(0.95, count=2))


def default_selector(verifiers: Sequence[Verifier]) -> SelectorFunction:
    """Return the selector used when none is named: `vote`, or `weighted_vote` where there is more.

    Where answers are only compared with each other ("agreement", and "auto", whose judge reads
    what cannot be compared) a score is a vote share already: to weigh votes by it would count
    every vote twice. Any other verifier has something of its own to say, and is heard.
    """
    return vote() if _by_votes(verifiers) else weighted_vote()


def _by_votes(verifiers: Sequence[Verifier]) -> bool:
    """Return True if none says how good an answer is: they compare, refute, or help out."""
    return all(
        _compares(v) or hasattr(v, "applies") or getattr(v, "refutes", False) for v in verifiers
    )


def _compares(verifier: Verifier) -> bool:
    return bool(getattr(verifier, "relational", False))


def create_verifier_agent(
    model: ModelLike | Mapping[str, ModelLike],
    *,
    verifier: VerifierLike | Sequence[VerifierLike] = "auto",
    policy: PolicyLike | None = None,
    budget: Budget | Mapping[str, Any] | None = None,
    selector: str | SelectorFunction | None = None,
    prices: Mapping[str, Price | Mapping[str, float]] | None = None,
    footprints: Mapping[str, Footprint | Mapping[str, Any]] | None = None,
    max_tokens: int | None = None,
    max_retries: int | None = None,
    seed: int | None = None,
    answer: Callable[[str], str | None] | None = None,
    calibration: Calibration | Mapping[str, Any] | Path | str | None = None,
    risk: float | None = None,
    checkpointer: Checkpointer = None,
    store: BaseStore | None = None,
    account: Account | None = None,
    name: str = "verifier_agent",
) -> Agent:
    """Build the agent: a compiled LangGraph graph over `messages`.

    The result of `invoke` holds `messages`, with the answer appended, and `verifier_agent` with
    the selection and the whole record; `Run.of(result)` reads it. Settings of a single call go
    into `config={"configurable": {"verifier_agent": {"budget": …, "policy": …, "seed": …}}}`;
    known are account, budget, context, max_tokens, policy, run_id, seed and selector.

    Args:
        model: A LangChain chat model, one with tools or other arguments bound to it, or a name:
            "embedded", "openai:NAME", "PROVIDER:NAME"; or several of them by names that a
            policy's actions can ask for, the first by default.
        verifier: What judges candidates: a name ("auto", "agreement", "arithmetic", "judge",
            "embedded-prm"), a `Verifier`, a plain function `(task, candidate) -> bool | float |
            Verdict`, or several of them. "auto" is agreement, with a judge over the same model
            until more than half of the answers can be compared.
        policy: Where compute goes: a policy, its text, a pure function `(tree, remaining) ->
            actions`, or the file that `verifier-agent tune` writes ("policy.json"), which is
            refused for other models or verifiers than its own. Default: `adaptive(16, first=3)`
            where votes decide; else up to 8 answers, fewer when they agree or, where no verifier
            compares answers, when two score at least 0.95. With "auto" 8 where none of the first
            three answers can be compared.
        budget: The limits of one run. Default: 32 calls.
        selector: How the answer is chosen among all finished candidates. Default: that of a tuned
            policy; else "vote" where
            the verifiers only compare answers, else "weighted_vote".
        prices: Dollars per million tokens by model name. What is not in it is looked up in
            genai-prices (extra `cost`); a limit in dollars needs all prices.
        footprints: Size and energy by model name, or by verifier name where it has no model. The
            embedded models know theirs; what is not in it is looked up in EcoLogits (extra
            `impact`). A limit in joules needs all of them.
        max_tokens: Cap on generated tokens per request. Default: the model's own.
        max_retries: Further requests per candidate after transient errors, as far as the budget
            allows. Default: 2.
        seed: Makes runs repeatable, as far as the model is. Default: another one each run.
        answer: From an answer's text to the key that votes are counted by, or None. Default:
            `verifier_agent.answers.answer_key`.
        calibration: What scores and votes are worth, fitted on a labelled pool: the file that
            `verifier-agent calibrate` writes, or a `Calibration`. Scores and confidences that it
            knows are then P(correct).
        risk: How often an answer may be wrong, for instance 0.05: an answer whose P(correct) is
            too low for that ends as "gave_up". Needs a calibration for this selector, these
            verifiers and this policy. Default: answers are not held back.
        checkpointer: As in LangGraph; then every paid call is recorded and paid for once. Pass
            `durability="sync"` to `invoke` for the full promise.
        store: As in LangGraph.
        account: Where runs lease what they may spend, up to `budget` each. One given per call in
            the config ("account", beside "budget") comes first; a parent's config reaches the
            agents inside it.
        name: The graph's name.

    Raises:
        ConfigurationError: A wrong argument; nothing has been spent.
    """
    parts = read_parts(
        model,
        verifier=verifier,
        policy=policy,
        budget=budget,
        selector=selector,
        prices=prices,
        footprints=footprints,
        max_tokens=max_tokens,
        max_retries=max_retries,
        seed=seed,
        answer=answer,
        calibration=calibration,
        risk=risk,
    )
    graph = assemble(parts).compile(checkpointer=checkpointer, store=store, name=name)
    return Agent.of(graph, parts=parts, account=account)


def read_parts(
    model: ModelLike | Mapping[str, ModelLike],
    *,
    verifier: VerifierLike | Sequence[VerifierLike],
    policy: PolicyLike | None,
    budget: Budget | Mapping[str, Any] | None,
    selector: str | SelectorFunction | None,
    prices: Mapping[str, Price | Mapping[str, float]] | None,
    footprints: Mapping[str, Footprint | Mapping[str, Any]] | None,
    max_tokens: int | None,
    max_retries: int | None,
    seed: int | None,
    answer: Callable[[str], str | None] | None,
    calibration: Calibration | Mapping[str, Any] | Path | str | None = None,
    risk: float | None = None,
) -> Parts:
    """Return what an agent is made of, checked: the arguments of `create_verifier_agent`."""
    models = read_models(model)
    first = next(iter(models.values())).model
    if answer is None:
        from verifier_agent.answers import answer_key as answer  # its patterns take a while
    if not callable(answer):
        raise ConfigurationError(f"answer={answer!r}: give a function from text to a key or None")
    check_numbers(seed, max_tokens)
    check_retries(max_retries)
    verifiers = resolve_verifiers(verifier, model=first)
    if learned := tuned(policy):
        learned.check(list(models), [one.name for one in verifiers])
        selector = selector or learned.selector
    paid = callers(models.values(), verifiers)
    parts = Parts(
        models=models,
        verifiers=with_form(verifiers, models),
        policy=default_policy(verifiers) if policy is None else read_policy(policy),
        selector=default_selector(verifiers) if selector is None else resolve_selector(selector),
        budget=DEFAULT_BUDGET if budget is None else read_budget(budget),
        prices=price_table(prices, paid),
        footprints=footprint_table(footprints, paid),
        max_tokens=max_tokens,
        seed=seed,
        answer=answer,
        attempts=ATTEMPTS if max_retries is None else 1 + max_retries,
        calibration=None if calibration is None else Calibration.read(calibration),
        risk=risk,
    )
    parts.check()
    return parts


def read_models(given: ModelLike | Mapping[str, ModelLike]) -> dict[str, Answerer]:
    """Return the models by name: one alone goes by its own."""
    if not isinstance(given, Mapping):
        alone = Answerer.of(given)
        return {alone.capabilities.name: alone}
    if not given:
        raise ConfigurationError("model={}: at least one model is needed")
    return {str(name): Answerer.of(one) for name, one in given.items()}


class Both(Runnable[Plain, Plain]):
    """A node with a sync and an async form. The host traces it; nothing is traced twice."""

    def __init__(
        self,
        function: Callable[[Plain, RunnableConfig], Plain],
        afunction: Callable[[Plain, RunnableConfig], Awaitable[Plain]],
    ) -> None:
        self.function = function
        self.afunction = afunction

    def invoke(self, input: Plain, config: RunnableConfig | None = None, **_: Any) -> Plain:  # noqa: A002
        """Do it in this thread."""
        return self.function(input, config or {})

    async def ainvoke(  # noqa: D102
        self,
        input: Plain,  # noqa: A002
        config: RunnableConfig | None = None,
        **_: Any,
    ) -> Plain:
        return await self.afunction(input, config or {})


def assemble(parts: Parts) -> StateGraph[Any, Any, Any, Any]:
    """Return the uncompiled graph: four nodes and the controller edge."""
    nodes, controller = Nodes(parts), Controller(parts)
    graph = StateGraph(State, input_schema=Question, output_schema=Answer)
    # what a node is sent is its own business, not the state's, hence the loose type
    actions: dict[str, Any] = {
        "generate": Both(nodes.generate, nodes.agenerate),
        "revise": Both(nodes.revise, nodes.arevise),
        "verify": Both(nodes.verify, nodes.averify),
        "select": nodes.select,
    }
    for name, action in actions.items():
        graph.add_node(name, action)
    targets = list(actions)
    graph.add_conditional_edges(START, controller.begin, targets)
    graph.add_edge("generate", "verify")
    graph.add_edge("revise", "verify")
    graph.add_conditional_edges("verify", controller.go_on, [*targets, END])
    graph.add_edge("select", END)
    return graph
