"""A provider to try tools and structured output on, offline: OpenAI's API on loopback.

Behind it works the embedded generator, which knows word problems about who has how many and makes
real mistakes in them. It reads neither schemas nor tools, so this file puts its words into the form
that a request asks for, and now and then into a wrong one, as small models do.
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from verifier_agent.embedded import EmbeddedChatModel
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import Choice, ModelServer, Reply, Request

generator = EmbeddedChatModel()


def provider() -> ModelServer:
    """Start a provider, which counts its calls and tokens; it ends with this process."""
    return ModelServer(say).__enter__()


def model(server: ModelServer) -> OpenAIChatModel:
    """Return a chat model that asks `server`, as it would any provider."""
    return OpenAIChatModel(model="stand-in", base_url=server.url, api_key="none")


def say(request: Request) -> Reply:
    """Look up with a tool whom the question is about; then solve it, in the form asked for."""
    read = [message["content"] for message in request.messages if message["role"] == "tool"]
    question = " ".join([*read, request.question])
    dice = Random(f"{request.seed}:{question}")
    tools = [tool["function"] for tool in request.body.get("tools", ())]
    if tools and not read:
        person = re.findall(r"does (\w+) have", question)[-1]
        argument = "person" if dice.random() < 0.75 else "who"
        return Reply(Choice(tool_calls=((tools[0]["name"], json.dumps({argument: person})),)))
    text = generator.invoke(question, seed=dice.randrange(2**31)).text
    if form := request.body.get("response_format"):
        values = filled(form["json_schema"]["schema"], text)
        if dice.random() < 0.25:
            values.popitem()
        text = json.dumps(values)
    return Reply(text)


def filled(schema: dict[str, Any], text: str) -> dict[str, Any]:
    """Put a solution into an object: its lines into a list, its result into a number."""
    *steps, last = text.splitlines()
    values = {"array": steps, "integer": int(re.sub(r"\D", "", last) or 0)}
    return {name: values[part["type"]] for name, part in schema["properties"].items()}
