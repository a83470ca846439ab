"""The compiled graph, which leases what it may spend where there is an account to lease it from.

Edges can do no I/O and the first of them needs the budget, so the lease is taken out around the
graph: in the two methods that every way of running it goes through, as a node of another too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Self

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot

from verifier_agent.accounts import Account
from verifier_agent.accounts.renewal import renewed
from verifier_agent.budget import Budget
from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.tenancy import Tenancy

COORDINATES = ("thread_id", "checkpoint_ns", "checkpoint_id", "checkpoint_map")
"""A call whose config names one of these inherits nothing from the graph it is made in."""

Plain = dict[str, Any]


class Agent(CompiledStateGraph[Any, Any, Any, Any]):
    """The agent: a compiled graph over `messages`."""

    def __init__(
        self, *, budget: Budget, account: Account | None = None, **attributes: Any
    ) -> None:
        super().__init__(**attributes)
        self.budget = budget
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
        saved = self._saved(configurable) if _may_go_on(input, configurable) else None
        tenancy = Tenancy.of(account, configurable, self.budget, saved)
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
        saved = await self._asaved(configurable) if _may_go_on(input, configurable) else None
        tenancy = Tenancy.of(account, configurable, self.budget, saved)
        lease = await account.alease(tenancy.run, tenancy.wanted, resumed=tenancy.resumed)
        try:
            with renewed(account, lease):
                async for chunk in super().astream(input, tenancy.config(config, lease), **options):
                    yield chunk
        finally:
            await account.asettle(lease, tenancy.meter.spent)

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

    def _saved(self, configurable: Plain) -> StateSnapshot | None:
        try:
            return self.get_state({"configurable": configurable})
        except ValueError:  # there is no checkpointer
            return None

    async def _asaved(self, configurable: Plain) -> StateSnapshot | None:
        try:
            return await self.aget_state({"configurable": configurable})
        except ValueError:
            return None


def _may_go_on(input: Any, configurable: Plain) -> bool:  # noqa: A002
    """Return True if this may be a run that goes on: one told to, or one inside another graph."""
    return input is None or isinstance(input, Command) or bool(configurable.get("checkpoint_ns"))
