"""Accounts: one budget shared by many runs, in this process, in a file or in a database."""

from verifier_agent.accounts.account import Account, Lease
from verifier_agent.accounts.memory import MemoryAccount
from verifier_agent.accounts.postgres import PostgresAccount
from verifier_agent.accounts.sqlite import SQLiteAccount

__all__ = ["Account", "Lease", "MemoryAccount", "PostgresAccount", "SQLiteAccount"]
