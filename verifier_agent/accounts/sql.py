"""The books as two tables: the SQL that SQLite and PostgreSQL both understand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from verifier_agent.accounts.amounts import NOTHING, Amounts, Limits
from verifier_agent.accounts.books import Entry, check_limits
from verifier_agent.budget import UNITS
from verifier_agent.errors import ConfigurationError

Execute = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs one statement, with a "?" for each parameter, and returns its rows."""


def _names(*prefixes: str) -> str:
    return ", ".join(f"{prefix}_{unit}" for prefix in prefixes for unit in UNITS)


def _columns(prefix: str) -> str:
    return ", ".join(f"{prefix}_{unit} BIGINT" for unit in UNITS)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


WIDTH = len(UNITS)
TABLES = (
    "CREATE TABLE IF NOT EXISTS verifier_agent_accounts (name TEXT PRIMARY KEY, "
    f"{_columns('limit')}, {_columns('charged')})",
    "CREATE TABLE IF NOT EXISTS verifier_agent_leases (account TEXT NOT NULL, run TEXT NOT NULL, "
    f"{_columns('base')}, {_columns('charge')}, number BIGINT NOT NULL, "
    "expires DOUBLE PRECISION, PRIMARY KEY (account, run))",
)
CREATE = (
    f"INSERT INTO verifier_agent_accounts (name, {_names('limit', 'charged')}) "
    f"VALUES ({_marks(1 + 2 * WIDTH)}) ON CONFLICT DO NOTHING"
)
ACCOUNT = f"SELECT {_names('limit', 'charged')} FROM verifier_agent_accounts WHERE name = ?"
ENTRY = (
    f"SELECT {_names('base', 'charge')}, number, expires FROM verifier_agent_leases "
    "WHERE account = ? AND run = ?"
)
WRITE_ENTRY = (
    f"INSERT INTO verifier_agent_leases (account, run, {_names('base', 'charge')}, number, "
    f"expires) VALUES ({_marks(4 + 2 * WIDTH)}) ON CONFLICT (account, run) DO UPDATE SET "
    + ", ".join(
        f"{name} = excluded.{name}"
        for name in (*_names("base", "charge").split(", "), "number", "expires")
    )
)
WRITE_CHARGED = (
    "UPDATE verifier_agent_accounts SET "
    + ", ".join(f"charged_{unit} = ?" for unit in UNITS)
    + " WHERE name = ?"
)


def create(execute: Execute, name: str, limits: Limits | None) -> None:
    """Make the tables and the account where they are missing.

    Raises ConfigurationError if the account exists with other limits, or if it does not exist and
    no limits are given.
    """
    for table in TABLES:
        execute(table, ())
    if limits is not None:
        execute(CREATE, (name, *limits, *NOTHING))
    rows = execute(ACCOUNT, (name,))
    if not rows:
        raise ConfigurationError(f"there is no account {name!r}; give the budget it is to have")
    check_limits(name, rows[0][:WIDTH], limits)


class TablePage:
    """The books of one account in the tables, inside a transaction that holds its row."""

    def __init__(self, execute: Execute, name: str, now: Callable[[], float]) -> None:
        self._execute = execute
        self._name = name
        self.now = now

    def limits(self) -> Limits:
        """Return the limits of the account."""
        return self._execute(ACCOUNT, (self._name,))[0][:WIDTH]

    def charged(self) -> Amounts:
        """Return the sum over all entries."""
        return self._execute(ACCOUNT, (self._name,))[0][WIDTH:]

    def entry(self, run: str) -> Entry:
        """Return the entry of a run; an empty one if there is none."""
        rows = self._execute(ENTRY, (self._name, run))
        if not rows:
            return Entry()
        *amounts, number, expires = rows[0]
        return Entry(
            base=tuple(amounts[:WIDTH]),
            charge=tuple(amounts[WIDTH:]),
            number=number,
            expires=expires,
        )

    def write(self, run: str, entry: Entry, charged: Amounts) -> None:
        """Write an entry, and the sum over all of them."""
        written = (*entry.base, *entry.charge, entry.number, entry.expires)
        self._execute(WRITE_ENTRY, (self._name, run, *written))
        self._execute(WRITE_CHARGED, (*charged, self._name))
