"""A loopback model that gives langchain's own suites what they ask for."""

from __future__ import annotations

import json
from typing import Any

from verifier_agent.testing import Choice, Reply, Request, Usage

VALUES = {
    "input": 3,
    "answer_style": "pirate",
    "customer_name": "你好啊集团 こんにちは",
    "location": "San Francisco",
}


def example(schema: dict[str, Any]) -> dict[str, Any]:
    """Fill the required properties of a schema with something that fits."""
    kinds = {"string": "text", "integer": 1, "number": 1.0, "boolean": True}
    properties = schema.get("properties", {})
    return {
        name: VALUES.get(name, kinds.get(properties[name].get("type"), "text"))
        for name in schema.get("required", properties)
    }


def assistant(request: Request) -> Reply:
    """Answer like a model: a forced or fitting tool call, JSON where asked for, else words."""
    form = request.body.get("response_format") or {}
    if form.get("type") == "json_schema":
        return Reply(json.dumps(example(form["json_schema"]["schema"])))
    if form.get("type") == "json_object":
        return Reply(json.dumps({"setup": "why?", "punchline": "because"}))
    tools = {tool["function"]["name"]: tool["function"] for tool in request.body.get("tools", [])}
    answered = request.messages[-1]["role"] == "tool"
    if tools and not answered:
        choice = request.body.get("tool_choice", "auto")
        name = choice["function"]["name"] if isinstance(choice, dict) else next(iter(tools))
        arguments = json.dumps(example(tools[name].get("parameters", {})), ensure_ascii=False)
        return Reply(Choice(tool_calls=((name, arguments),)))
    if request.question == "reason":
        return Reply(Choice(text="so it is", reasoning="let me see"))
    if request.question == "cached":
        usage = Usage(input_tokens=9, output_tokens=2, cached_tokens=4)
        return Reply("again", usage=usage)
    return Reply("Hello to you, and a good day.")
