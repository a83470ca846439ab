"""The compiled graph, which leases what it may spend where there is an account to lease it from.

Edges can do no I/O and the first of them needs the budget, so the lease is taken out around the
graph: in the two methods that every way of running it goes through, as a node of another too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Self

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from verifier_agent.accounts import Account
from verifier_agent.accounts.renewal import renewed
from verifier_agent.budget import Budget
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.batches import working
from verifier_agent.graph.batches.batch import ONE_BY_ONE, Batch, Order, Tell
from verifier_agent.graph.batches.questions import QuestionLike
from verifier_agent.graph.settings import Parts
from verifier_agent.graph.tenancy import NEVER, Saved, Tenancy, latest
from verifier_agent.search import PolicyFunction

COORDINATES = ("thread_id", "checkpoint_ns", "checkpoint_id", "checkpoint_map")
"""A call whose config names one of these inherits nothing from the graph it is made in."""

Plain = dict[str, Any]


class Agent(CompiledStateGraph[Any, Any, Any, Any]):
    """The agent: a compiled graph over `messages`."""

    def __init__(self, *, parts: Parts, account: Account | None = None, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.parts = parts
        self.account = account

    @classmethod
    def of(cls, graph: CompiledStateGraph[Any, Any, Any, Any], **own: Any) -> Self:
        """Return `graph` as an agent: a copy, made as `Pregel.copy` makes one."""
        attributes = {k: v for k, v in vars(graph).items() if k != "__orig_class__"}
        return cls(**attributes, **own)

    def stream(
        self,
        input: Any,  # noqa: A002
        config: RunnableConfig | None = None,
        **options: Any,
    ) -> Iterator[Any]:
        """Stream the run as LangGraph does, paid from its account if it has one."""
        account, configurable = self._paid_from(config)
        if account is None:
            yield from super().stream(input, config, **options)
            return
        saved = self._saved(configurable) if _may_go_on(input, configurable) else NEVER
        tenancy = Tenancy.of(account, configurable, self.parts.budget, saved)
        lease = account.lease(tenancy.run, tenancy.wanted, resumed=tenancy.resumed)
        try:
            with renewed(account, lease):
                yield from super().stream(input, tenancy.config(config, lease), **options)
        finally:
            account.settle(lease, tenancy.meter.spent)

    async def astream(
        self,
        input: Any,  # noqa: A002
        config: RunnableConfig | None = None,
        **options: Any,
    ) -> AsyncIterator[Any]:
        """Stream the run as LangGraph does, paid from its account if it has one."""
        account, configurable = self._paid_from(config)
        if account is None:
            async for chunk in super().astream(input, config, **options):
                yield chunk
            return
        saved = await self._asaved(configurable) if _may_go_on(input, configurable) else NEVER
        tenancy = Tenancy.of(account, configurable, self.parts.budget, saved)
        lease = await account.alease(tenancy.run, tenancy.wanted, resumed=tenancy.resumed)
        try:
            with renewed(account, lease):
                async for chunk in super().astream(input, tenancy.config(config, lease), **options):
                    yield chunk
        finally:
            await account.asettle(lease, tenancy.meter.spent)

    def solve_many(
        self,
        questions: Sequence[QuestionLike],
        *,
        budget: Budget | Mapping[str, Any],
        policy: str | PolicyFunction | None = ONE_BY_ONE,
        seed: int | None = None,
        price: float = 0.0,
        jobs: int | None = None,
        name: str | None = None,
        tell: Tell | None = None,
    ) -> Batch:
        """Answer many questions under one budget, which is spent where it gains most.

        Every question is a run that pauses between rounds; the one whose next answer is expected
        to gain most per cost goes on (docs/batches.md). A question that fails leaves the others
        alone. What is proven right ends at once, what looks hopeless is given no more.

        Args:
            questions: Texts; messages; or dicts with "question" or "messages", and with "id" and
                "context" if wanted.
            budget: Of all questions together. Seconds are those in the nodes; of questions that are
                worked on side by side they count once.
            policy: How each question grows. Default: one answer at a time, up to 64. None: the
                agent's own. Rounds of one answer leave the most to be decided.
            seed: Of every run, in place of the agent's.
            price: What another answer must gain at least, in right answers, for instance 0.003.
                With 0 the budget is spent as long as anything can be gained.
            jobs: Questions in flight. Default: 8; 1 for models that compute in this process.
            name: With a checkpointer of the agent's own: the name by which a batch that was broken
                off goes on, with the same questions. Default: another one each time.
            tell: Called in this thread whenever a round has ended.

        Raises:
            ConfigurationError: Wrong arguments or questions, and a budget that is too small for
                any answer; nothing has been spent.
        """
        order = Order.of(
            self.parts, questions, budget=budget, policy=policy, seed=seed, price=price,
            jobs=jobs, name=name, tell=tell,
        )  # fmt: skip
        return working.solve(self, self.parts, self._paid_from(None)[0], order)

    async def asolve_many(
        self,
        questions: Sequence[QuestionLike],
        *,
        budget: Budget | Mapping[str, Any],
        policy: str | PolicyFunction | None = ONE_BY_ONE,
        seed: int | None = None,
        price: float = 0.0,
        jobs: int | None = None,
        name: str | None = None,
        tell: Tell | None = None,
    ) -> Batch:
        """Do as `solve_many`, in this event loop; cancelling it cancels the requests under way."""
        order = Order.of(
            self.parts, questions, budget=budget, policy=policy, seed=seed, price=price,
            jobs=jobs, name=name, tell=tell,
        )  # fmt: skip
        return await working.asolve(self, self.parts, self._paid_from(None)[0], order)

    def _paid_from(self, config: RunnableConfig | None) -> tuple[Account | None, Plain]:
        """Return the account that a call is paid from, and all that its nodes would be told."""
        given: Plain = {}
        for one in (self.config, config):
            given |= (one or {}).get("configurable", {})
        if not any(given.get(name) for name in COORDINATES):
            given = {**ensure_config().get("configurable", {}), **given}
        settings = given.get("verifier_agent")
        account = settings.get("account") if isinstance(settings, Mapping) else None
        account = self.account if account is None else account
        if account is not None and not isinstance(account, Account):
            raise ConfigurationError(
                f"account={account!r}: give an account, such as MemoryAccount(Budget(usd=1.0))"
            )
        return account, given

    def _saved(self, configurable: Plain) -> Saved:
        try:
            here = self.get_state({"configurable": configurable})
            if configurable.get("checkpoint_id"):
                return Saved(here, self.get_state({"configurable": latest(configurable)}))
        except ValueError:  # there is no checkpointer
            return NEVER
        return Saved(here, here)

    async def _asaved(self, configurable: Plain) -> Saved:
        try:
            here = await self.aget_state({"configurable": configurable})
            if configurable.get("checkpoint_id"):
                return Saved(here, await self.aget_state({"configurable": latest(configurable)}))
        except ValueError:
            return NEVER
        return Saved(here, here)


def _may_go_on(input: Any, configurable: Plain) -> bool:  # noqa: A002
    """Return True if this may be a run that goes on: one told to, or one inside another graph."""
    return input is None or isinstance(input, Command) or bool(configurable.get("checkpoint_ns"))
