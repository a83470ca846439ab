"""An account in a SQLite file: for the processes of one machine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier_agent.accounts.amounts import limits
from verifier_agent.accounts.books import PERIOD, BookedAccount, check_period
from verifier_agent.accounts.sql import Execute, TablePage, create
from verifier_agent.budget import Budget
from verifier_agent.errors import ConfigurationError

if TYPE_CHECKING:
    import sqlite3

PATIENCE = 30.0
"""Seconds to wait for others who write."""


class SQLiteAccount(BookedAccount):
    """A budget shared by all processes of a machine that open the same file.

    Args:
        path: The file; it is made if it is missing. It may hold other tables and accounts.
        budget: What all runs together may spend. None: as the account, which then must exist, has.
        name: Of the account in the file.
        period: Seconds after which a lease that was not renewed expires.

    Raises:
        ConfigurationError: The account exists with another budget, or there is none, or the file
            cannot be opened.
    """

    def __init__(
        self,
        path: Path | str,
        budget: Budget | None = None,
        *,
        name: str = "default",
        period: float = PERIOD,
    ) -> None:
        if str(path) in ("", ":memory:"):
            raise ConfigurationError(f"path={str(path)!r}: give a file, or use MemoryAccount")
        self.period = check_period(period)
        self._path, self._name = Path(path), name
        wanted = None if budget is None else limits(budget)
        import sqlite3

        try:
            with self._transaction() as execute:
                create(execute, name, wanted)
        except sqlite3.Error as error:
            raise ConfigurationError(f"account {str(path)!r}: {error}") from None

    @contextmanager
    def _open(self) -> Iterator[TablePage]:
        with self._transaction() as execute:
            yield TablePage(execute, self._name, time.time)

    @contextmanager
    def _transaction(self) -> Iterator[Execute]:
        # a connection each time: it may be used by any thread, and after a fork
        with closing(self._connect()) as connection:

            def execute(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
                return connection.execute(sql, parameters).fetchall()

            execute("BEGIN IMMEDIATE", ())
            with connection:  # commits, or rolls back
                yield execute

    def _connect(self) -> sqlite3.Connection:
        import sqlite3  # not every program that imports this package has accounts in files

        return sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
