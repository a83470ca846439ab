"""`VerifierMiddleware`: every model call of a langchain agent is generated, verified, selected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Annotated, Any, Literal, NotRequired, cast, get_args

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langgraph.types import Command

from verifier_agent.accounts import Account
from verifier_agent.budget import Budget, Footprint, Price, Remaining, Spent
from verifier_agent.errors import (
    AccountEmpty,
    BudgetTooSmall,
    ConfigurationError,
    GenerationError,
    MissingExtra,
)
from verifier_agent.graph import Run
from verifier_agent.graph.agent import Agent
from verifier_agent.graph.build import (
    DEFAULT_BUDGET,
    assemble,
    default_policy,
    default_selector,
    read_parts,
)
from verifier_agent.graph.settings import read_budget
from verifier_agent.graph.tables import Answerer, caller_of_model, footprint_table, price_table
from verifier_agent.integrations.answered import answered
from verifier_agent.integrations.isolated import MODES, distinct, stream_writer, told
from verifier_agent.integrations.turns import Turns, for_turns
from verifier_agent.search import PolicyLike, read_policy, tuned
from verifier_agent.selection import SelectorFunction, resolve_selector
from verifier_agent.verifiers import VerifierLike, resolve_verifiers

try:
    from langchain.agents.middleware import (
        AgentMiddleware,
        AgentState,
        ExtendedModelResponse,
        ModelRequest,
        ModelResponse,
    )
    from langchain.agents.middleware.types import PrivateStateAttr
except ImportError:
    raise MissingExtra("VerifierMiddleware", "agents") from None

from verifier_agent.integrations.handled import HandledModel, offered

Exit = Literal["end", "error"]
Handler = Callable[[ModelRequest[Any]], ModelResponse[Any]]
AsyncHandler = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]


class VerifierState(AgentState[Any]):
    """What the middleware keeps in the agent's state."""

    verifier_agent: NotRequired[dict[str, Any]]
    """The record of the last model call; `Run.of(result)` reads it."""
    verifier_spent: NotRequired[Annotated[dict[str, Any], PrivateStateAttr]]
    """What this run of the agent has spent so far."""


class VerifierMiddleware(AgentMiddleware[VerifierState, Any, Any]):
    """Make every model call of a `create_agent` agent a run of the verifier agent.

    A run asks the agent's own model as often as its policy wants, through the middleware that
    stands after this one, and the agent goes on with the chosen message: its `usage_metadata` is
    the true total of the run, judges included. Callbacks see each real call once; what is only
    tried is not streamed, and custom events tell of it. Interrupts and other control flow of
    LangGraph pass through.

    Args:
        verifier: as for `create_verifier_agent`, and so are policy, selector, prices, footprints,
            max_tokens, max_retries, seed, answer and account.
        budget: of one whole run of the agent, all of its model calls together; tools are not
            counted. Default: 32 calls.
        share: the part of what remains that one model call may use, so that later ones can be
            paid too; a whole call at least.
        tool_calls: how a turn is handled that calls tools. "pass": the first answer of each turn
            is looked at, and if it calls tools, it is taken as it is. "vote": equal calls are
            counted, and no verifier judges them. "verify": they are judged as any answer, as text.
            Whatever it is, a call that does not fit its tool's schema is proven wrong.
        exit_behavior: once the budget or the account cannot pay for another answer, "end" the
            agent with a message that says so, or raise BudgetTooSmall or AccountEmpty ("error").

    Raises:
        ConfigurationError: a wrong argument; nothing has been spent.
        MissingExtra: langchain is not installed.
    """

    state_schema = VerifierState

    def __init__(
        self,
        *,
        verifier: VerifierLike | Sequence[VerifierLike] = "auto",
        policy: PolicyLike | None = None,
        budget: Budget | Mapping[str, Any] | None = None,
        share: float = 0.5,
        tool_calls: Turns = "pass",
        exit_behavior: Exit = "end",
        selector: str | SelectorFunction | None = None,
        prices: Mapping[str, Price | Mapping[str, float]] | None = None,
        footprints: Mapping[str, Footprint | Mapping[str, Any]] | None = None,
        max_tokens: int | None = None,
        max_retries: int | None = None,
        seed: int | None = None,
        answer: Callable[[str], str | None] | None = None,
        account: Account | None = None,
    ) -> None:
        super().__init__()
        self.tools = []
        if not 0 < share <= 1:
            raise ConfigurationError(f"share={share!r}: a part above 0, and 1 at most")
        for name, value, kind in (
            ("tool_calls", tool_calls, Turns),
            ("exit_behavior", exit_behavior, Exit),
        ):
            if value not in get_args(kind):
                raise ConfigurationError(f"{name}={value!r}: one of {', '.join(get_args(kind))}")
        self.verifier = verifier
        self._learned = tuned(policy)
        self.policy = None if policy is None else read_policy(self._learned or policy)
        self.budget = DEFAULT_BUDGET if budget is None else read_budget(budget)
        self.share = share
        self.tool_calls: Turns = tool_calls
        self.exit_behavior = exit_behavior
        if self._learned is not None:
            selector = selector or self._learned.selector
        self.selector = None if selector is None else resolve_selector(selector)
        self.prices = prices
        self.footprints = footprints
        self.account = account
        self._more: dict[str, Any] = {
            "max_tokens": max_tokens,
            "max_retries": max_retries,
            "seed": seed,
            "answer": answer,
        }

    def before_agent(self, state: VerifierState, runtime: Any) -> dict[str, Any]:
        """Begin to count anew."""
        return {"verifier_spent": {}}

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Handler
    ) -> ExtendedModelResponse[Any]:
        """Answer one turn with a run."""
        model, tell = HandledModel(request=request, handler=handler), stream_writer()
        short: BudgetTooSmall | None = None
        for budget in self._budgets(request):
            state: dict[str, Any] = {}
            try:
                agent = self._agent(model, budget)
                for mode, chunk in agent.stream(
                    _asked(request), _config(budget), stream_mode=MODES
                ):
                    state = told(tell, mode, chunk, state)
                return self._answered(model, state)
            except BudgetTooSmall as error:
                short = error
        return self._exhausted(request, short)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: AsyncHandler
    ) -> ExtendedModelResponse[Any]:
        """Answer one turn with a run."""
        model, tell = HandledModel(request=request, handler=handler), stream_writer()
        short: BudgetTooSmall | None = None
        for budget in self._budgets(request):
            state: dict[str, Any] = {}
            try:
                agent = self._agent(model, budget)
                async for mode, chunk in agent.astream(
                    _asked(request), _config(budget), stream_mode=MODES
                ):
                    state = told(tell, mode, chunk, state)
                return self._answered(model, state)
            except BudgetTooSmall as error:
                short = error
        return self._exhausted(request, short)

    def _budgets(self, request: ModelRequest[Any]) -> list[Budget]:
        """Return what this turn may use: its share of what remains, or else all of it."""
        remaining = Remaining.of(self.budget, _spent(request.state))
        return [
            budget
            for share in (self.share, 1.0)
            if (budget := _part(self.budget, remaining, share)) is not None
        ]

    def _agent(self, model: HandledModel, budget: Budget) -> Agent:
        request = model.request
        judged = resolve_verifiers(self.verifier, model=request.model)
        policy = self.policy or default_policy(judged)
        policy, verifiers = for_turns(self.tool_calls, policy, judged)
        able = Answerer.of(request.model).capabilities
        if self._learned is not None:
            self._learned.check([able.name], [one.name for one in judged])
        asked = [caller_of_model(request.model, able)]
        parts = read_parts(
            model,
            verifier=verifiers,
            policy=policy,
            budget=budget,
            selector=self.selector or default_selector(judged),
            prices=price_table(self.prices, asked),
            footprints=footprint_table(self.footprints, asked),
            **self._more,
        ).bind(offered(request))
        graph = assemble(parts).compile(name="verifier_agent")
        return Agent.of(graph, parts=parts, account=self.account)

    def _answered(
        self, model: HandledModel, state: Mapping[str, Any]
    ) -> ExtendedModelResponse[Any]:
        run = Run.of(state)
        spent = _sum(_spent(model.request.state), run.spent).to_dict()
        # middleware around this one may ask the same request again, after a failure or a success
        cast(dict[str, Any], model.request.state)["verifier_spent"] = spent
        try:
            final = answered(state)
        except GenerationError as error:
            # other middleware knows the model's own errors
            raise (model.failure or error) from None
        response = model.response(cast(AIMessage, state["messages"][-1]), final)
        update = {"verifier_agent": state["verifier_agent"], "verifier_spent": spent}
        return ExtendedModelResponse(model_response=response, command=Command(update=update))

    def _exhausted(
        self, request: ModelRequest[Any], short: BudgetTooSmall | None
    ) -> ExtendedModelResponse[Any]:
        spent = _spent(request.state)
        empty = isinstance(short, AccountEmpty)
        payer = "account" if empty else f"budget of this run ({_limits(self.budget)})"
        said = f"The {payer} cannot pay for another answer."
        if self.exit_behavior == "error":
            kind = AccountEmpty if empty else BudgetTooSmall
            raise kind(f"{said} Spent: {spent.calls} calls, {spent.tokens} tokens.") from short
        return ExtendedModelResponse(model_response=ModelResponse(result=[AIMessage(said)]))


def _asked(request: ModelRequest[Any]) -> dict[str, list[BaseMessage]]:
    system = [] if request.system_message is None else [request.system_message]
    return {"messages": distinct([*system, *request.messages])}


def _config(budget: Budget) -> RunnableConfig:
    """Return the config of the agent's node, with the budget of this turn."""
    configurable = ensure_config().get("configurable", {})
    settings = {**(configurable.get("verifier_agent") or {}), "budget": budget}
    return {"configurable": {**configurable, "verifier_agent": settings}}


def _spent(state: Mapping[str, Any]) -> Spent:
    plain = state.get("verifier_spent")
    return Spent.from_dict(plain) if plain else Spent()


def _sum(one: Spent, other: Spent) -> Spent:
    def add(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else a + b

    return Spent(
        calls=one.calls + other.calls,
        tokens=one.tokens + other.tokens,
        usd=add(one.usd, other.usd),
        joules=add(one.joules, other.joules),
        seconds=one.seconds + other.seconds,
        exact=one.exact and other.exact,
    )


def _part(budget: Budget, remaining: Remaining, share: float) -> Budget | None:
    """Return `share` of what remains in each limited unit; None if some unit has nothing left."""
    limits: dict[str, Any] = {}
    for one in fields(budget):
        if getattr(budget, one.name) is None:
            continue
        left = getattr(remaining, one.name)
        if left <= 0:
            return None
        whole = one.name in ("calls", "tokens")
        limits[one.name] = max(1, int(left * share)) if whole else left * share
    return replace(budget, **limits)


def _limits(budget: Budget) -> str:
    named = ((one.name, getattr(budget, one.name)) for one in fields(budget))
    return ", ".join(f"{limit:g} {name}" for name, limit in named if limit is not None)
