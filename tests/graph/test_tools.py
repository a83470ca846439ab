"""Models with tools and with a form of the answer: calls are kept, voted on, checked and judged."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from verifier_agent import (
    Budget,
    Candidate,
    ConfigurationError,
    Generate,
    Run,
    Select,
    Task,
    create_verifier_agent,
)
from verifier_agent.budget import Remaining
from verifier_agent.models import OpenAIChatModel, input_bound
from verifier_agent.testing import Choice, ModelServer, Reply, Request, Script, characters, cycle
from verifier_agent.tree import Tree
from verifier_agent.verifiers import Form


@tool
def weather(city: str, days: int = 1) -> str:
    """Tell the weather in a city."""
    return f"{city}: rain for {days} days"


def call(**arguments: Any) -> Choice:
    return Choice(tool_calls=(("weather", json.dumps(arguments)),))


def in_turn(*choices: str | Choice) -> Script:
    return lambda request: Reply(choices[request.index % len(choices)])


def model(server: ModelServer, **options: Any) -> OpenAIChatModel:
    return OpenAIChatModel(model="loopback", base_url=server.url, **options)


QUESTION = {"messages": [("user", "What is the weather in Turku?")]}


def test_the_most_frequent_call_wins_whatever_the_order_and_spelling_of_its_arguments() -> None:
    script = in_turn(
        call(city="Turku", days=2),
        call(city="Oslo", days=2),
        Choice(text="Let me see.", tool_calls=(("weather", '{"days": 2.0, "city": "Turku"}'),)),
    )
    with ModelServer(script) as server:
        agent = create_verifier_agent(
            model(server).bind_tools([weather]), verifier="agreement", policy="best_of(3)"
        )
        result = agent.invoke(QUESTION)
        assert server.calls == 3
    answer, run = result["messages"][-1], Run.of(result)
    assert [c["name"] for c in answer.tool_calls] == ["weather"]
    assert answer.tool_calls[0]["args"] == {"city": "Turku", "days": 2}
    assert run.selection.confidence == pytest.approx(2 / 3)
    assert max(run.selection.support.values()) == pytest.approx(2 / 3)


@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
async def test_what_is_bound_reaches_every_request_and_no_judge(how: str) -> None:
    def script(request: Request) -> Reply:
        if "calls weather(" in str(request.messages):
            assert "tool_choice" not in request.body
            assert 'calls weather({"city": "Turku"})' in request.messages[-1]["content"]
            return Reply('{"reasoning": "yes", "score": 9}')
        assert request.body["tool_choice"] == "required"
        assert [t["function"]["name"] for t in request.body["tools"]] == ["weather"]
        assert request.body["stop"] == ["END"]
        return Reply(call(city="Turku"))

    with ModelServer(script) as server:
        bound = model(server).bind_tools([weather], tool_choice="any").bind(stop=["END"])
        agent = create_verifier_agent(bound, verifier="judge", policy="best_of(2)")
        result = agent.invoke(QUESTION) if how == "invoke" else await agent.ainvoke(QUESTION)
    assert Run.of(result).selection.confidence == pytest.approx(1.0)
    assert result["messages"][-1].tool_calls[0]["args"] == {"city": "Turku"}


def test_a_call_that_breaks_its_schema_has_no_vote_and_is_proven_wrong() -> None:
    script = in_turn(call(town="Turku"), call(town="Turku"), call(city="Turku"))
    with ModelServer(script) as server:
        bound = model(server).bind_tools([weather])
        agent = create_verifier_agent(bound, verifier="agreement", policy="best_of(3)")
        result = agent.invoke(QUESTION)
    run = Run.of(result)
    assert result["messages"][-1].tool_calls[0]["args"] == {"city": "Turku"}
    assert sorted(j.score or 0.0 for j in run.tree.finished) == [0.0, 0.0, 1.0]
    wrong = [v for v in run.tree.verdicts if v.verifier == "form" and v.hard]
    assert len(wrong) == 2
    assert "'city' is a required property" in wrong[0].feedback


def test_without_jsonschema_a_call_of_no_tool_is_still_proven_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    none = Choice(tool_calls=(("forecast", '{"city": "Turku"}'),))
    with ModelServer(in_turn(none, none, call(town="Turku"))) as server:
        bound = model(server).bind_tools([weather])
        with pytest.warns(UserWarning, match=r"verifier-agent\[tools\]"):
            agent = create_verifier_agent(bound, verifier="agreement", policy="best_of(3)")
        result = agent.invoke(QUESTION)
    assert result["messages"][-1].tool_calls[0]["args"] == {"town": "Turku"}
    assert sum(v.hard for v in Run.of(result).tree.verdicts) == 2


def test_where_all_calls_keep_their_form_nothing_is_said_of_it() -> None:
    with ModelServer(in_turn(call(city="Turku"))) as server:
        bound = model(server).bind_tools([weather])
        agent = create_verifier_agent(bound, verifier=lambda task, candidate: 0.4)
        run = Run.of(agent.invoke(QUESTION))
    assert {v.verifier for v in run.tree.verdicts} == {"function"}
    assert {j.score for j in run.tree.finished} == {0.4}


def test_a_revision_is_told_what_is_wrong_with_a_call_and_calls_again() -> None:
    def script(request: Request) -> Reply:
        if len(request.messages) == 1:
            return Reply(call(city=7))
        assert request.messages[-2]["content"] == 'calls weather({"city": 7})'
        assert "7 is not of type 'string'" in request.messages[-1]["content"]
        assert "as real tool calls" in request.messages[-1]["content"]
        return Reply(call(city="Turku"))

    with ModelServer(script) as server:
        bound = model(server).bind_tools([weather])
        agent = create_verifier_agent(
            bound, verifier=lambda task, candidate: 0.5, policy="revise(1)", selector="best"
        )
        result = agent.invoke(QUESTION)
        assert server.calls == 2
    assert result["messages"][-1].tool_calls[0]["args"] == {"city": "Turku"}


def test_arguments_that_are_no_json_are_an_answer_of_bad_form_and_not_an_empty_one() -> None:
    broken = Choice(tool_calls=(("weather", '{"city": '),))
    with ModelServer(in_turn(broken, call(city="Turku"))) as server:
        bound = model(server).bind_tools([weather])
        run = Run.of(create_verifier_agent(bound, policy="best_of(2)").invoke(QUESTION))
    assert [c.error for c in run.candidates] == [None, None]
    assert {c.answer is None for c in run.candidates} == {True, False}
    assert sum(v.hard for v in run.tree.verdicts) == 1


def test_each_of_several_models_is_held_to_what_it_was_asked_for_itself() -> None:
    with (
        ModelServer(in_turn(call(town="Turku"))) as calling,
        ModelServer(cycle(["Answer: rain"])) as talking,
    ):
        models = {
            "calls": model(calling).bind_tools([weather], tool_choice="any"),
            "talks": model(talking),
        }

        def both(tree: Tree, remaining: Remaining) -> list[Generate] | list[Select]:
            return [Select()] if len(tree) else [Generate(model=name) for name in models]

        agent = create_verifier_agent(models, verifier="agreement", policy=both)
        run = Run.of(agent.invoke(QUESTION))
    said = {c.model: c for c in run.candidates}
    assert said["calls"].answer is None
    assert run.selection.candidate == said["talks"].id
    assert {v.candidate for v in run.tree.verdicts if v.hard} == {said["calls"].id}


def test_a_checker_of_form_that_was_given_stands_in_place_of_the_agents_own() -> None:
    with ModelServer(in_turn(call(city="Turku"), call(city="Oslo"))) as server:
        bound = model(server).bind_tools([weather])
        own = Form(tools={"weather": {"properties": {"city": {"const": "Turku"}}}})
        agent = create_verifier_agent(bound, verifier=own, policy="best_of(2)", selector="best")
        result = agent.invoke(QUESTION)
    assert result["messages"][-1].tool_calls[0]["args"] == {"city": "Turku"}
    assert [v.verifier for v in Run.of(result).tree.verdicts] == ["form", "form"]


def test_structured_output_votes_by_value_and_drops_what_is_none() -> None:
    form = {
        "type": "json_schema",
        "json_schema": {
            "name": "sum",
            "schema": {
                "type": "object",
                "properties": {"sum": {"type": "integer"}},
                "required": ["sum"],
            },
        },
    }
    script = cycle(['{"sum": 4}', '{"total": 4}', '{"total": 4}', '{ "sum":4 }'])
    with ModelServer(script) as server:
        agent = create_verifier_agent(
            model(server).bind(response_format=form), verifier="agreement", policy="best_of(4)"
        )
        run = Run.of(agent.invoke({"messages": [("user", "2 + 2?")]}))
    assert run.selection.answer == '{"sum": 4}'
    assert sum(c.answer == '{"sum": 4}' for c in run.candidates) == 2


def test_a_budget_in_tokens_counts_the_tools_before_the_first_call() -> None:
    with ModelServer(in_turn(call(city="Turku")), tokenize=characters) as server:
        plain = model(server, max_tokens=20)
        messages = [HumanMessage("What is the weather in Turku?")]
        without = (input_bound(messages) or 0) + 20
        budget = Budget(tokens=without + 100)
        agent = create_verifier_agent(
            plain.bind_tools([weather]), verifier="agreement", policy="best_of(1)", budget=budget
        )
        with pytest.raises(ConfigurationError, match="cannot pay for one answer"):
            agent.invoke(QUESTION)
        assert server.calls == 0
        enough = Budget(tokens=without + 3000)
        agent = create_verifier_agent(
            plain.bind_tools([weather]), verifier="agreement", policy="best_of(4)", budget=enough
        )
        run = Run.of(agent.invoke(QUESTION))
        assert server.calls == run.spent.calls >= 1
        assert server.input_tokens + server.output_tokens == run.spent.tokens <= without + 3000


def test_an_agent_with_tools_and_a_tool_node_make_the_usual_loop() -> None:
    def script(request: Request) -> Reply:
        if request.messages[-1]["role"] == "tool":
            return Reply(f"It says: {request.messages[-1]['content']}.\nAnswer: rain")
        return Reply(call(city="Turku"))

    with ModelServer(script) as server:
        agent = create_verifier_agent(
            model(server).bind_tools([weather]), verifier="agreement", policy="best_of(2)"
        )
        graph = StateGraph(MessagesState)
        graph.add_node("solve", agent)
        graph.add_node("tools", ToolNode([weather]))
        graph.add_edge(START, "solve")
        graph.add_conditional_edges("solve", tools_condition, ["tools", END])
        graph.add_edge("tools", "solve")
        messages = graph.compile().invoke(QUESTION)["messages"]
        assert server.calls == 4
    assert [type(m) for m in messages] == [HumanMessage, AIMessage, ToolMessage, AIMessage]
    assert messages[-1].text.endswith("Answer: rain")


def test_a_verifier_of_your_own_reads_calls_as_text_and_as_a_message() -> None:
    seen: list[Candidate] = []

    def judge(task: Task, candidate: Candidate) -> float:
        seen.append(candidate)
        return 0.5

    said = Choice(text="I look it up.", tool_calls=(("weather", '{"city": "Åbo"}'),))
    with ModelServer(in_turn(said)) as server:
        bound = model(server).bind_tools([weather])
        result = create_verifier_agent(bound, verifier=judge, policy="best_of(1)").invoke(QUESTION)
    assert seen[0].text == 'I look it up.\ncalls weather({"city": "Åbo"})'
    assert seen[0].message["data"]["tool_calls"][0]["args"] == {"city": "Åbo"}
    assert result["messages"][-1].text == "I look it up."


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda m: m.bind(n=3), "said by the policy"),
        (lambda m: m.with_config(tags=["x"]), "belongs to a run"),
        (lambda m: RunnableLambda(lambda x: x), "a chat model or a name is needed"),
    ],
)
def test_what_cannot_be_bound_is_refused_before_anything_is_spent(bad: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        create_verifier_agent(bad(OpenAIChatModel(model="m", base_url="http://127.0.0.1:9/v1")))


def test_a_cap_that_is_bound_counts_under_any_of_its_names() -> None:
    with ModelServer(cycle(["one two three four five six"])) as server:
        bound = model(server).bind(max_completion_tokens=2)
        agent = create_verifier_agent(bound, verifier="agreement", policy="best_of(1)")
        run = Run.of(agent.invoke(QUESTION))
        assert server.output_tokens == 2
    assert run.candidates[0].text == "one two"
