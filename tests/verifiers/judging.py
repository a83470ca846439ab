"""What the tests of the judge share: its reports, a task, and a model that is no OpenAI model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import ModelServer
from verifier_agent.values import Candidate, Task, Verdict
from verifier_agent.verifiers import Judge

TASK = Task(question="What is 3 * 4?")
CANDIDATE = Candidate(id="g0", text="It is 12.")


def report(score: Any = 8, *, reasoning: str = "checked it", **feedback: str) -> str:
    criteria = [{"name": name, "feedback": said} for name, said in feedback.items()]
    return json.dumps({"reasoning": reasoning, "criteria": criteria, "score": score})


def winner(which: str, **feedback: str) -> str:
    criteria = [{"name": name, "feedback": said} for name, said in feedback.items()]
    return json.dumps({"reasoning": "compared", "criteria": criteria, "winner": which})


def checks(*scores: Any) -> str:
    steps = [{"step": i, "check": f"check {i}", "score": s} for i, s in enumerate(scores, 1)]
    return json.dumps({"steps": steps})


def judge(server: ModelServer, **settings: Any) -> Judge:
    return Judge(OpenAIChatModel(model="loopback", base_url=server.url), **settings)


def bodies(server: ModelServer) -> list[dict[str, Any]]:
    """Return what the server was asked, in order of arrival."""
    assert server.settle()
    return [s.request.body for s in sorted(server.served, key=lambda s: s.request.index)]


async def ask(judge: Judge, way: str, *candidates: Candidate, task: Task = TASK) -> list[Verdict]:
    """Ask with an event loop or without one."""
    shown = candidates or (CANDIDATE,)
    if way == "async":
        return list(await judge.verify(task, shown))
    return list(await asyncio.to_thread(judge.verify_sync, task, shown))


class Canned(BaseChatModel):
    """A model of somebody else's, without tools: says what it is given, in turn."""

    says: list[Any]
    seen: list[list[BaseMessage]] = Field(default_factory=list)
    options: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "canned"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = self.says[min(len(self.seen), len(self.says) - 1)]
        self.seen.append(messages)
        self.options.append(kwargs)
        if isinstance(said, Exception):
            raise said
        message = said if isinstance(said, AIMessage) else AIMessage(said)
        return ChatResult(generations=[ChatGeneration(message=message)])


class CannedWithTools(Canned):
    """As `Canned`, but it takes tools."""

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, Any]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)
