"""A program to be killed: works on a batch, on a loopback server and a SQLite file.

python -m tests.graph.batching URL DB MODE
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from verifier_agent import Budget, create_verifier_agent
from verifier_agent.graph import Batch
from verifier_agent.models import OpenAIChatModel

QUESTIONS = [f"question {i}" for i in range(8)]
CALLS = 40


def agent(url: str, saver: Any) -> Any:
    model = OpenAIChatModel(model="loopback", base_url=url)
    return create_verifier_agent(
        model, verifier="agreement", seed=5, max_tokens=20, max_retries=0, checkpointer=saver
    )


def work_sync(url: str, db: str) -> Batch:
    with SqliteSaver.from_conn_string(db) as saver:
        return agent(url, saver).solve_many(QUESTIONS, budget=Budget(calls=CALLS), name="b", jobs=4)


async def work_async(url: str, db: str) -> Batch:
    async with AsyncSqliteSaver.from_conn_string(db) as saver:
        return await agent(url, saver).asolve_many(
            QUESTIONS, budget=Budget(calls=CALLS), name="b", jobs=4
        )


def main(url: str, db: str, mode: str) -> None:
    batch = work_sync(url, db) if mode == "sync" else asyncio.run(work_async(url, db))
    out = {
        "answers": [result.selection.answer for result in batch.results],
        "errors": [result.error for result in batch.results if result.error],
        "calls": [result.spent.calls for result in batch.results],
        "spent": batch.spent.to_dict(),
    }
    sys.stdout.write(json.dumps(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
