"""A small world for tests of langchain's agents: a tool, a question, a model that uses the tool."""

from __future__ import annotations

import itertools
import json
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.outputs import LLMResult
from langchain_core.tools import tool

from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import Choice, ModelServer, Reply, Request, Script


@tool
def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"rain in {city}"


QUESTION: Any = {"messages": [("user", "What is the weather in Turku?")]}


def model(server: ModelServer, **options: Any) -> OpenAIChatModel:
    return OpenAIChatModel(model="loopback", base_url=server.url, **options)


def forecaster(*answers: str, cities: tuple[str, ...] = ("Turku",)) -> Script:
    """Call the tool first; once its result is there, give the next of `answers`."""
    turn, place = itertools.cycle(answers), itertools.cycle(cities)

    def script(request: Request) -> Reply:
        if any(message["role"] == "tool" for message in request.messages):
            return Reply(next(turn))
        return Reply(Choice(tool_calls=(("weather", json.dumps({"city": next(place)})),)))

    return script


class Counted(BaseCallbackHandler):
    """Counts what callbacks see: model runs that end, and their tokens."""

    def __init__(self) -> None:
        self.runs = 0
        self.tokens = 0
        self.events: list[str] = []

    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        self.runs += 1
        for generations in response.generations:
            usage = getattr(generations[0], "message").usage_metadata  # noqa: B009
            self.tokens += usage["total_tokens"]

    def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
        self.events.append(data["verifier_agent"])


def billed(server: ModelServer) -> int:
    return server.input_tokens + server.output_tokens
