"""What the checker of form objects to, and what it lets by."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.messages.tool import tool_call
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from verifier_agent.errors import MissingExtra
from verifier_agent.verifiers import Form


class Lookup(BaseModel):
    """Look something up."""

    key: str
    limit: int = 3


OPENAI = convert_to_openai_tool(Lookup)
RESPONSES = {"type": "function", **OPENAI["function"]}
ANTHROPIC = {"name": "Lookup", "input_schema": OPENAI["function"]["parameters"]}
SEARCH = {"type": "web_search"}


def calls(name: str = "Lookup", **arguments: Any) -> AIMessage:
    return AIMessage("", tool_calls=[tool_call(name=name, args=arguments, id="1")])


@pytest.mark.parametrize(
    "tool", [OPENAI, RESPONSES, ANTHROPIC], ids=["chat", "responses", "blocks"]
)
def test_arguments_are_held_against_the_schema_in_each_spelling_of_a_tool(tool: Any) -> None:
    form = Form.of({"tools": [tool]})
    assert form.objection(calls(key="a")) is None
    assert "is not of type 'integer'" in str(form.objection(calls(key="a", limit="many")))
    assert "There is no tool Search" in str(form.objection(calls("Search")))
    assert form.objection(AIMessage("no need")) is None


def test_beside_a_tool_of_the_server_any_name_may_be_called() -> None:
    form = Form.of({"tools": [OPENAI, SEARCH]})
    assert form.objection(calls("web_search", query="x")) is None
    assert form.objection(calls(limit=1)) is not None


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        "any",
        {"type": "any"},
        "Lookup",
        {"type": "function", "function": {"name": "Lookup"}},
        {"type": "tool", "name": "Lookup"},
    ],
    ids=str,
)
def test_a_forced_call_has_to_be_made(choice: Any) -> None:
    other = {**ANTHROPIC, "name": "Other"}
    form = Form.of({"tools": [ANTHROPIC, other], "tool_choice": choice})
    assert form.objection(calls(key="a")) is None
    assert "required" in str(form.objection(AIMessage("I know it")))
    named = "Lookup" in str(choice)
    assert (form.objection(calls("Other", key="a")) is not None) == named


@pytest.mark.parametrize("choice", ["auto", "none", None, {"type": "auto"}], ids=str)
def test_a_free_choice_forces_nothing(choice: Any) -> None:
    assert Form.of({"tools": [OPENAI], "tool_choice": choice}).objection(AIMessage("x")) is None


def test_json_that_was_asked_for_is_held_against_its_schema() -> None:
    schema = {"properties": {"a": {"type": "array", "items": {"type": "number"}}}}
    form = Form.of({"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}})
    assert form.objection(AIMessage('{"a": [1, 2.5]}')) is None
    assert "['a'][1]: 'x' is not of type 'number'" in str(
        form.objection(AIMessage('{"a": [1, "x"]}'))
    )
    assert "no JSON" in str(form.objection(AIMessage("a is 1")))
    plain = Form.of({"response_format": {"type": "json_object"}})
    assert plain.objection(AIMessage('{"b": 1}')) is None
    assert plain.objection(AIMessage("[1]")) is not None


@pytest.mark.parametrize(
    "schema", [{"type": "nonsense"}, {"$ref": "http://127.0.0.1:9/schema.json"}], ids=str
)
def test_a_schema_that_cannot_be_applied_proves_nothing_and_fetches_nothing(schema: Any) -> None:
    form = Form.of({"tools": [{"name": "f", "input_schema": schema}]})
    assert form.objection(calls("f", x=1)) is None


def test_without_tools_or_a_format_nothing_is_asked() -> None:
    assert not Form.of({"temperature": 0, "stop": ["x"]}).asked
    assert Form.of({"tools": [OPENAI]}).asked


def test_without_jsonschema_a_schema_is_refused_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    for options in ({"tools": [OPENAI]}, {"response_format": json_schema({"type": "array"})}):
        with pytest.raises(MissingExtra, match=r"pip install 'verifier-agent\[tools\]'"):
            Form.of(options)
    named = Form(tools={"Lookup": None}, closed=True)
    assert "There is no tool Search" in str(named.objection(calls("Search")))


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "it", "schema": schema}}


def test_what_needs_no_jsonschema_is_checked_without_it_and_the_rest_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.warns(UserWarning, match="not held to schemas"):
        form = Form.checkable({"tools": [OPENAI], "tool_choice": "required"})
    assert form.objection(calls(limit="many")) is None
    assert "There is no tool Search" in str(form.objection(calls("Search")))
    assert "required" in str(form.objection(AIMessage("I know it")))
    for schema, fits in (({"type": "array"}, True), ({"type": "object"}, False)):
        schema = {**schema, "description": "a form"}
        with pytest.warns(UserWarning, match="not held to schemas"):
            form = Form.checkable({"response_format": json_schema(schema)})
        assert (form.objection(AIMessage("[1]")) is None) == fits
        assert "no JSON" in str(form.objection(AIMessage("one")))


@pytest.mark.filterwarnings("error")
def test_where_no_schema_is_asked_for_nothing_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    form = Form.checkable({"tools": [SEARCH], "response_format": {"type": "json_object"}})
    assert form.objection(AIMessage("[1]")) is not None
    assert form.objection(AIMessage("{}")) is None


def test_jsonschema_is_imported_only_to_check_a_schema() -> None:
    code = (
        "import sys; from verifier_agent import create_verifier_agent; "
        "from verifier_agent.models import OpenAIChatModel; "
        "model = OpenAIChatModel(model='m', base_url='http://127.0.0.1:9/v1'); "
        f"create_verifier_agent(model.bind_tools([{OPENAI!r}])); "
        "assert 'jsonschema' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
