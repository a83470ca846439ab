"""The agent for a LangGraph server: name `agent` in langgraph.json, and set it by environment.

```json
{
  "dependencies": ["."],
  "graphs": {"verifier_agent": "verifier_agent.integrations.langgraph_server:agent"},
  "env": {"VERIFIER_AGENT_MODEL": "embedded", "VERIFIER_AGENT_BUDGET": "{\\"calls\\": 24}"}
}
```

Whoever needs more of `create_verifier_agent` than text can say (functions as verifiers, prices, an
account) names an agent of their own there: `"./my_file.py:agent"`.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import Any

from typing_extensions import TypedDict  # pydantic describes that of `typing` from Python 3.12 on

from verifier_agent.errors import ConfigurationError
from verifier_agent.graph.agent import Agent
from verifier_agent.graph.build import create_verifier_agent

PREFIX = "VERIFIER_AGENT_"
SETTINGS = ("model", "verifier", "policy", "selector", "budget")
"""What `PREFIX` and these names in capitals say; each as `create_verifier_agent` takes it.

A model or a verifier is a name, several verifiers are a JSON array of names (a comma may be part of
one: "mean:arithmetic,agreement"), a budget is a JSON object.
"""


class RunSettings(TypedDict, total=False):
    """What one assistant, or one run, may set differently."""

    policy: str
    selector: str
    budget: dict[str, float]
    max_tokens: int
    seed: int
    context: dict[str, Any]


class Context(TypedDict, total=False):
    """The context of an assistant or a run; the server hands it to the agent's config."""

    verifier_agent: RunSettings


def agent() -> Agent:
    """Return the agent that the environment describes; without a word there it works offline.

    Checkpoints and threads are the server's. Settings of a run come as context or config of an
    assistant or a run: `context={"verifier_agent": {"policy": "best_of(4)"}}`. The server calls
    this for every request, so the agent is kept until the environment says something else.

    Raises:
        ConfigurationError: A variable holds what cannot be read; its name is in the message.
    """
    return _agent(tuple(os.environ.get(PREFIX + name.upper(), "") for name in SETTINGS))


@lru_cache(maxsize=1)
def _agent(texts: tuple[str, ...]) -> Agent:
    said = {name: text for name, text in zip(SETTINGS, texts, strict=True) if text.strip()}
    given: dict[str, Any] = {**said}
    if given.get("verifier", "").lstrip().startswith("["):
        given["verifier"] = _json("verifier", said["verifier"], '["arithmetic", "judge"]')
    if "budget" in said:
        given["budget"] = _json("budget", said["budget"], '{"calls": 24}')
    made = create_verifier_agent(given.pop("model", "embedded"), **given)
    made.context_schema = made.builder.context_schema = Context
    return made


def _json(name: str, text: str, example: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{PREFIX}{name.upper()}={text!r}: give JSON, such as {example} ({error})"
        ) from None
