"""What users write, for every surface: mypy (strict) and pyright accept it. It is not run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, assert_type

from langchain.agents import create_agent
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from pydantic import BaseModel

from verifier_agent import (
    Budget,
    Candidate,
    Generate,
    Judged,
    Price,
    Run,
    Select,
    Selection,
    Task,
    Verdict,
    VerifiedChatModel,
    Verifier,
    VerifierMiddleware,
    create_verifier_agent,
)
from verifier_agent.accounts import Account, MemoryAccount
from verifier_agent.budget import Remaining, Spent
from verifier_agent.calibration import Calibration
from verifier_agent.models import OpenAIChatModel, resolve_model
from verifier_agent.search import agree, best_of, passed, policy, sample, stop_rule, until
from verifier_agent.selection import selector
from verifier_agent.tree import Tree
from verifier_agent.values import Action


@tool
def look_up(town: str) -> str:
    """Look up a town."""
    return town


def show(*values: object) -> None:
    """Stand for whatever a user does with a value."""


# plug points, as plain functions and as a class


def exact(task: Task, candidate: Candidate) -> bool:
    return candidate.answer == str(task.context["reference"])


def graded(task: Task, candidate: Candidate) -> Verdict:
    return Verdict(candidate=candidate.id, verifier="graded", score=0.5, feedback="So so.")


async def asked(task: Task, candidate: Candidate) -> float:
    return 0.5


class Reviewer:
    """A verifier that judges all candidates at once."""

    name = "reviewer"

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> Sequence[Verdict]:
        return [Verdict(candidate=c.id, verifier=self.name, score=0.5) for c in candidates]


@policy
def twice(tree: Tree, remaining: Remaining, n: int = 1) -> Sequence[Action]:
    return [Generate(n=n)] if len(tree) < 2 * n else [Select(reason="enough")]


@selector
def longest(judged: Sequence[Judged], least: int = 0) -> Selection:
    chosen = max(judged, key=lambda one: max(least, len(one.candidate.text)))
    return Selection(candidate=chosen.candidate.id, answer=chosen.candidate.answer)


def first(judged: Sequence[Judged]) -> Selection:
    return Selection(candidate=judged[0].candidate.id)


@stop_rule("completed")
def enough(tree: Tree, most: int) -> bool:
    return len(tree) >= most


reviewer: Verifier = Reviewer()


# the graph, alone and as a node


def graph(model: BaseChatModel) -> None:
    agent = create_verifier_agent(
        model,
        verifier=[exact, graded, asked, reviewer, "judge"],
        policy=until(sample(8, batch=2), agree(0.95) | passed(0.9) & enough(4)),
        selector=longest(least=8),
        budget=Budget(usd=0.05, seconds=30),
        prices={"gpt-5-mini": Price(input=0.25, output=2.0)},
        checkpointer=InMemorySaver(),
    )
    result = agent.invoke({"messages": [("user", "What is 6 times 7?")]})
    run = Run.of(result)
    assert_type(run.selection.answer, str | None)
    assert_type(run.selection.confidence, float | None)
    assert_type(run.spent, Spent)
    assert_type(run.candidates, tuple[Candidate, ...])
    for chunk in agent.stream({"messages": [("user", "?")]}, stream_mode="custom"):
        show(chunk["verifier_agent"])
    drawing: str = agent.get_graph().draw_mermaid()
    show(drawing)


class App(MessagesState):
    verifier_agent: dict[str, Any]


def node() -> CompiledStateGraph[App, None, App, App]:
    app = StateGraph(App)
    app.add_node("solve", create_verifier_agent("embedded", policy=twice(n=2), selector=first))
    app.add_edge(START, "solve")
    app.add_edge("solve", END)
    return app.compile(checkpointer=InMemorySaver())


async def settings_of_a_call(account: Account) -> AsyncIterator[Any]:
    agent = create_verifier_agent({"small": "embedded", "large": "openai:gpt-5"}, account=account)
    settings = {"policy": "best_of(2)", "budget": {"calls": 4}, "account": account}
    await agent.ainvoke(
        {"messages": [("user", "?")]}, {"configurable": {"verifier_agent": settings}}
    )
    async for part in agent.astream({"messages": [("user", "?")]}, stream_mode=["custom"]):
        yield part


# the chat model, in chains


class Count(BaseModel):
    count: int


def chains() -> None:
    chat = VerifiedChatModel("openai:gpt-5-mini", verifier="judge", policy="best_of(4)")
    prompt = ChatPromptTemplate.from_messages([("user", "{question}")])
    text = (prompt | chat | StrOutputParser()).invoke({"question": "?"})
    assert_type(text, str)
    message = (prompt | chat).invoke({"question": "?"}, {"callbacks": [counter]})
    assert_type(message, AIMessage)
    structured = chat.with_structured_output(Count)
    show(structured.invoke("?"), chat.bind_tools([look_up]).invoke("?").tool_calls)
    show(chat.with_retry().batch(["?"]), chat.with_fallbacks([chat]).invoke("?").text)
    show(chat.bind(budget={"calls": 4}).invoke("?").usage_metadata)


counter = UsageMetadataCallbackHandler()


# langchain's agent


def agents() -> None:
    middleware = VerifierMiddleware(
        verifier=exact, policy=best_of(4), budget=Budget(calls=24), tool_calls="vote"
    )
    agent = create_agent(
        resolve_model("openai:gpt-5-mini"),
        [look_up],
        middleware=[middleware],
        checkpointer=InMemorySaver(),
    )
    show(Run.of(agent.invoke({"messages": [{"role": "user", "content": "?"}]})).selection)
    create_agent(VerifiedChatModel(OpenAIChatModel(model="gpt-5-mini")), [look_up])


# one account for all, calibration, the server


def shared(calibration: Calibration) -> None:
    account = MemoryAccount(Budget(usd=2.0, calls=500))
    create_verifier_agent("embedded", account=account, calibration=calibration, risk=0.05)
    VerifiedChatModel("embedded", account=account)
    VerifierMiddleware(account=account)
    assert_type(account.remaining().calls, float)


def served() -> None:
    from verifier_agent.integrations.server import Key, Limits, Served, create_app

    models = {"small": Served(model="embedded", policy="best_of(4)", budget=Budget(calls=8))}
    create_app(models, keys=[Key(name="team", secret="…")], limits=Limits(concurrency=16))


# what is wrong is said before anything runs; an ignored line that were right is an error itself


def wrong() -> None:
    create_verifier_agent(3)  # type: ignore[arg-type]
    create_verifier_agent("embedded", verifier=lambda task: True)  # type: ignore[arg-type]
    create_verifier_agent("embedded", policy=agree(0.95))  # type: ignore[arg-type]
    VerifierMiddleware(tool_calls="sometimes")  # type: ignore[arg-type]
    VerifiedChatModel("embedded", budget=4)  # type: ignore[arg-type]
    Budget(call=4)  # type: ignore[call-arg]
