"""A program to be killed: runs or resumes one agent on a loopback server and a SQLite file.

python -m tests.graph.crashing URL DB MODE START|RESUME
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.models import OpenAIChatModel
from verifier_agent.search import sample

CONFIG = {"configurable": {"thread_id": "crash"}}
QUESTION = {"messages": [("user", "What is it?")]}
BUDGET = Budget(calls=64, tokens=100_000)


def agent(url: str, saver: Any) -> Any:
    model = OpenAIChatModel(model="loopback", base_url=url)
    return create_verifier_agent(
        model, verifier="agreement", policy=sample(12, batch=6), budget=BUDGET, seed=5,
        max_tokens=20, checkpointer=saver,
    )  # fmt: skip


def run_sync(url: str, db: str, question: Any) -> Any:
    with SqliteSaver.from_conn_string(db) as saver:
        return agent(url, saver).invoke(question, CONFIG, durability="sync")


async def run_async(url: str, db: str, question: Any) -> Any:
    async with AsyncSqliteSaver.from_conn_string(db) as saver:
        return await agent(url, saver).ainvoke(question, CONFIG, durability="sync")


def main(url: str, db: str, mode: str, action: str) -> None:
    question = QUESTION if action == "START" else None
    if mode == "sync":
        result = run_sync(url, db, question)
    else:
        result = asyncio.run(run_async(url, db, question))
    run = Run.of(result)
    out = {
        "answers": {c.id: c.answer for c in run.candidates},
        "errors": [c.error for c in run.candidates if c.error],
        "selection": run.selection.to_dict(),
        "spent": run.spent.to_dict(),
        "messages": len(result["messages"]),
    }
    sys.stdout.write(json.dumps(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
