"""What a run leaves in a checkpointer, by its rounds."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.sqlite import SqliteSaver

from tests.bench.speed import QUESTION, say
from verifier_agent import Budget, create_verifier_agent

SIZE = 40_000
"""Characters of an answer: about 10,000 tokens."""


class Writer(BaseChatModel):
    """Answers at once, at length, with what does not compress."""

    @property
    def _llm_type(self) -> str:
        return "writer"

    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        text = f"{random.randbytes(SIZE // 2).hex()}\nAnswer: 7"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


def stored() -> None:
    """Megabytes of the file of a SqliteSaver after one run, one answer a round."""
    for durability in ("sync", "exit"):
        for answers in (8, 16, 32, 64):
            say(f"{durability}, {answers} rounds: {megabytes(answers, durability):.1f} MB")


def megabytes(answers: int, durability: Any) -> float:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "runs.db"
        with SqliteSaver.from_conn_string(str(file)) as saver:
            agent = create_verifier_agent(
                Writer(), verifier=lambda task, candidate: 0.5, policy=f"sample({answers}, 1)",
                budget=Budget(calls=1000), checkpointer=saver,
            )  # fmt: skip
            config: Any = {"configurable": {"thread_id": "a"}, "recursion_limit": 1000}
            agent.invoke(QUESTION, config, durability=durability)
        return file.stat().st_size / 1e6
