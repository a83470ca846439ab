"""An account in PostgreSQL: for workers on many machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from verifier_agent.accounts.amounts import limits
from verifier_agent.accounts.books import PERIOD, BookedAccount, check_period
from verifier_agent.accounts.sql import Execute, TablePage, create
from verifier_agent.budget import Budget
from verifier_agent.errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    import psycopg

Connect = Callable[[], "AbstractContextManager[psycopg.Connection[Any]]"]

LOCK = "SELECT 1 FROM verifier_agent_accounts WHERE name = ? FOR UPDATE"
"""One transaction at a time for one account; those of other accounts go on."""
CREATING = "SELECT pg_advisory_xact_lock(7021650129164357)"
"""Making tables side by side fails even with IF NOT EXISTS; the number is any, but always this."""
CLOCK = "SELECT extract(epoch FROM clock_timestamp())::double precision"
"""The server's, since those of the workers differ."""


class PostgresAccount(BookedAccount):
    """A budget shared by all workers that reach the same database. Needs the extra `postgres`.

    Args:
        connect: A connection string, or what gives a connection as a context manager, such as
            `psycopg_pool.ConnectionPool(…).connection`.
        budget: What all runs together may spend. None: as the account, which then must exist, has.
        name: Of the account in the database.
        period: Seconds after which a lease that was not renewed expires.

    Raises:
        ConfigurationError: The account exists with another budget, or there is none, or the
            database cannot be reached.
    """

    def __init__(
        self,
        connect: str | Connect,
        budget: Budget | None = None,
        *,
        name: str = "default",
        period: float = PERIOD,
    ) -> None:
        try:
            import psycopg
        except ImportError:
            raise MissingExtra("an account in PostgreSQL", "postgres") from None
        self.period = check_period(period)
        self._name = name
        self._connect: Connect = (
            (lambda: psycopg.connect(connect)) if isinstance(connect, str) else connect
        )
        wanted = None if budget is None else limits(budget)
        try:
            with self._transaction() as execute:
                execute(CREATING, ())
                create(execute, name, wanted)
        except psycopg.Error as error:
            raise ConfigurationError(f"account {name!r} in PostgreSQL: {error}") from None

    @contextmanager
    def _open(self) -> Iterator[TablePage]:
        with self._transaction() as execute:
            execute(LOCK, (self._name,))
            yield TablePage(execute, self._name, lambda: float(execute(CLOCK, ())[0][0]))

    @contextmanager
    def _transaction(self) -> Iterator[Execute]:
        with self._connect() as connection, connection.transaction():

            def execute(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                cursor = connection.execute(sql.replace("?", "%s"), parameters)
                return cursor.fetchall() if cursor.description is not None else []

            yield execute
