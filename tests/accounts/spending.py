"""A program that spends from a shared account, and may die of it.

python -m tests.accounts.spending KIND WHERE SEED: leases, settles, and ends itself without a word
at the end. Prints how many calls it may have spent.
"""

from __future__ import annotations

import os
import random
import sys

from verifier_agent import AccountEmpty, Budget
from verifier_agent.accounts import Account, PostgresAccount, SQLiteAccount
from verifier_agent.budget import Spent

LIMIT = Budget(calls=45)


def opened(kind: str, where: str) -> Account:
    if kind == "sqlite":
        return SQLiteAccount(where, LIMIT)
    return PostgresAccount(where, LIMIT, name="processes")


def main(kind: str, where: str, seed: str) -> None:
    dice = random.Random(seed)
    account, used = opened(kind, where), 0
    for number in range(8):
        try:
            lease = account.lease(f"{seed}-{number}", Budget(calls=dice.randint(1, 6)))
        except AccountEmpty:
            break
        granted = lease.budget.calls or 0
        spent = dice.randint(0, granted)
        if number < 7:
            account.settle(lease, Spent(calls=spent))
        used += spent if number < 7 else granted
    print(used, flush=True)  # noqa: T201
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
