"""What an agent is promised of any chat model: the real integrations, each on its own wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from openai import OpenAI
from pydantic import BaseModel

from verifier_agent import Budget, Run, create_verifier_agent
from verifier_agent.graph.agent import Agent
from verifier_agent.models import OpenAIChatModel, capabilities
from verifier_agent.testing import Choice, Fault, ModelServer, Reply, Request

ROLES = {"human": "user", "ai": "assistant", "system": "system"}


class Bare(BaseChatModel):
    """A user's own class: one method, no setting, no usage, no stream."""

    base_url: str

    @property
    def _llm_type(self) -> str:
        return "bare"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        assert not kwargs, "nothing that the class does not know may be passed to it"
        asked: Any = [{"role": ROLES[m.type], "content": str(m.text)} for m in messages]
        client = OpenAI(api_key="k", base_url=self.base_url, max_retries=0)
        said = client.chat.completions.create(model="m", messages=asked)
        message = AIMessage(content=said.choices[0].message.content or "")
        return ChatResult(generations=[ChatGeneration(message=message)])


def own(server: ModelServer, **more: Any) -> BaseChatModel:
    return OpenAIChatModel(model="m", base_url=server.url, **more)


def openai(server: ModelServer, **more: Any) -> BaseChatModel:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="m", api_key="k", base_url=server.url, max_retries=0, **more)


def anthropic(server: ModelServer, **more: Any) -> BaseChatModel:
    langchain_anthropic = pytest.importorskip("langchain_anthropic")
    given = {"model": "claude-haiku-4-5", "api_key": "k", "max_tokens": 512, **more}
    return langchain_anthropic.ChatAnthropic(base_url=server.root, max_retries=0, **given)


def ollama(server: ModelServer, **more: Any) -> BaseChatModel:
    langchain_ollama = pytest.importorskip("langchain_ollama")
    return langchain_ollama.ChatOllama(model="m", base_url=server.root, **more)


def bare(server: ModelServer, **more: Any) -> BaseChatModel:
    return Bare(base_url=server.url)


@dataclass(frozen=True)
class Provider:
    """A chat model, and what its wire is known to carry."""

    build: Callable[..., BaseChatModel]
    seeded: bool = True
    usage: bool = True
    capped: bool = True
    tools: bool = True
    warm: bool = True
    """Takes a temperature."""


PROVIDERS = {
    "own": Provider(own),
    "openai": Provider(openai),
    "anthropic": Provider(anthropic, seeded=False),
    "ollama": Provider(ollama),
    "bare": Provider(bare, seeded=False, usage=False, capped=False, tools=False, warm=False),
}


@pytest.fixture(params=list(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Provider:
    return PROVIDERS[request.param]


@pytest.fixture(params=[name for name, one in PROVIDERS.items() if one.tools])
def tooled(request: pytest.FixtureRequest) -> Provider:
    return PROVIDERS[request.param]


def votes(request: Request) -> Reply:
    """Two of three say four."""
    return Reply(f"The answer is {5 if request.index % 3 == 1 else 4}.")


QUESTION = {"messages": [("user", "2 + 2?")]}
Ask = Callable[[Agent], Run]
WAYS: dict[str, Ask] = {
    "sync": lambda agent: Run.of(agent.invoke(QUESTION)),
    "async": lambda agent: Run.of(asyncio.run(agent.ainvoke(QUESTION))),
}


@pytest.fixture(params=list(WAYS))
def solve(request: pytest.FixtureRequest) -> Ask:
    return WAYS[request.param]


def paid(run: Run) -> tuple[int, int]:
    """Tokens read and generated, as the run was charged for them."""
    costs = [one.cost for one in run.candidates]
    return sum(c.input_tokens for c in costs), sum(c.output_tokens for c in costs)


def test_a_vote_costs_what_the_server_billed(provider: Provider, solve: Ask) -> None:
    with ModelServer(votes) as server:
        run = solve(create_verifier_agent(provider.build(server), policy="best_of(6)", seed=3))
        assert run.selection.answer == "4"
        assert run.spent.calls == server.calls == 6
        if provider.usage:
            assert paid(run) == (server.input_tokens, server.output_tokens)
            assert run.spent.exact


def test_a_budget_of_calls_is_the_most_requests(provider: Provider, solve: Ask) -> None:
    with ModelServer(votes) as server:
        agent = create_verifier_agent(
            provider.build(server), policy="best_of(9)", budget=Budget(calls=4), seed=3
        )
        assert solve(agent).spent.calls == server.calls == 4


def test_a_budget_of_tokens_holds_by_the_servers_count(provider: Provider, solve: Ask) -> None:
    long = Reply("word " * 400)
    with ModelServer(lambda request: long) as server:
        agent: Callable[[], Agent] = lambda: create_verifier_agent(  # noqa: E731
            provider.build(server), policy="best_of(9)", budget=Budget(tokens=6000), seed=3
        )
        if not provider.capped:
            with pytest.raises(Exception, match="no way is known to cap"):
                agent()
            return
        run = solve(agent())
        assert server.calls >= 1
        assert server.input_tokens + server.output_tokens <= 6000
        assert run.spent.tokens == server.input_tokens + server.output_tokens


def test_settings_reach_the_wire_or_are_not_sent(provider: Provider) -> None:
    with ModelServer(lambda request: Reply("The answer is 4.")) as server:
        model = provider.build(server)
        policy = "best_of(2, temperature=0.7)"
        create_verifier_agent(model, policy=policy, seed=3, max_tokens=77).invoke(QUESTION)
        assert server.settle()
        bodies = [served.request.body for served in server.served]
    assert len(bodies) == 2
    for body in bodies:
        assert body.get("temperature") == (0.7 if provider.warm else None)
        cap = body.get("max_tokens") or body.get("max_completion_tokens")
        assert cap == (77 if provider.capped else None)
    seeds = {body.get("seed") for body in bodies}
    assert len(seeds - {None}) == (2 if provider.seeded else 0)


@pytest.mark.parametrize("path", ["/v1/messages", "/api/chat"])
def test_the_loopback_heeds_no_cap_by_another_providers_name(path: str) -> None:
    asked = {"messages": [{"role": "user", "content": "2 + 2?"}], "model": "m", "stream": False}
    named = {
        "/v1/messages": {"max_tokens": 90, "max_completion_tokens": 1},
        "/api/chat": {"max_tokens": 1, "max_completion_tokens": 1},
    }
    with ModelServer(lambda request: Reply("one two three")) as server:
        body = json.dumps(asked | named[path]).encode()
        with urlopen(HttpRequest(server.root + path, body)) as response:
            response.read()
    assert server.output_tokens == 3


def test_what_the_model_was_built_with_stays_where_a_call_says_nothing_of_it() -> None:
    with ModelServer(lambda request: Reply("The answer is 4.")) as server:
        model = ollama(server, temperature=0.3, num_ctx=4096, num_predict=50, stop=["END"])
        create_verifier_agent(model, policy="best_of(1)", seed=3).invoke(QUESTION)
        assert server.settle()
        body = server.served[0].request.body
    assert body["options"] == {
        "temperature": 0.3,
        "num_ctx": 4096,
        "num_predict": 50,
        "stop": ["END"],
        "seed": body["seed"],
    }


def test_options_bound_to_an_ollama_model_stand_in_place_of_its_own() -> None:
    with ModelServer(lambda request: Reply("The answer is 4.")) as server:
        model = ollama(server, temperature=0.3).bind(options={"num_ctx": 64, "num_predict": 9})
        create_verifier_agent(model, policy="best_of(1)", seed=3).invoke(QUESTION)
        assert server.settle()
        body = server.served[0].request.body
    assert body["options"] == {"num_ctx": 64, "num_predict": 9, "seed": body["seed"]}


def test_token_probabilities_are_read_from_every_wire_that_has_them() -> None:
    from verifier_agent.graph.calls import Call, send

    said = Choice(text="The answer", logprobs=(-0.25, -0.5))
    with ModelServer(lambda request: Reply(said)) as server:
        for build in (own, openai, ollama):
            model = build(server)
            assert capabilities(model).logprobs
            call = Call(messages=[HumanMessage("2 + 2?")], options={"logprobs": True})
            assert send(model, call).logprobs == (-0.75,)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def test_tool_calls_are_voted_on_by_name_and_arguments(tooled: Provider, solve: Ask) -> None:
    def script(request: Request) -> Reply:
        assert request.body["tools"][0]["function"]["name"] == "add"
        a, b = (2, 3) if request.index == 1 else (2, 2)
        return Reply(Choice(tool_calls=(("add", json.dumps({"b": b, "a": a})),)))

    with ModelServer(script) as server:
        model = tooled.build(server).bind_tools([add])
        run = solve(create_verifier_agent(model, policy="best_of(3)", seed=3))
        assert paid(run) == (server.input_tokens, server.output_tokens)
    (call,) = run.messages[-1].tool_calls
    assert (call["name"], call["args"]) == ("add", {"a": 2, "b": 2})


class Sum(BaseModel):
    """A sum."""

    total: int


def test_structured_output_through_the_chat_model(tooled: Provider) -> None:
    from verifier_agent import VerifiedChatModel

    def script(request: Request) -> Reply:
        filled = json.dumps({"total": 4})
        if tools := request.body.get("tools"):
            return Reply(Choice(tool_calls=((tools[0]["function"]["name"], filled),)))
        return Reply(filled)

    with ModelServer(script) as server:
        model = VerifiedChatModel(tooled.build(server), policy="best_of(3)")
        assert model.with_structured_output(Sum).invoke("2 + 2?") == Sum(total=4)


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        (Fault("status", status=503), 2),
        (Fault("status", status=429, retry_after=0.0), 2),
        (Fault("drop"), 2),
        (Fault("truncate", reply=Reply("The answer is 4.")), 2),
        (Fault("status", status=400), 1),
        (Fault("status", status=401), 1),
    ],
    ids=lambda each: f"{each.kind}-{each.status}" if isinstance(each, Fault) else None,
)
def test_one_layer_retries_and_every_request_is_counted(
    provider: Provider, solve: Ask, fault: Fault, calls: int
) -> None:
    def script(request: Request) -> Reply | Fault:
        return fault if request.index == 0 else Reply("The answer is 4.")

    with ModelServer(script) as server:
        agent = create_verifier_agent(
            provider.build(server), policy="best_of(1)", max_retries=1, seed=3
        )
        run = solve(agent)
        assert run.spent.calls == server.calls == calls
        if calls == 1:
            assert run.selection.answer is None
            assert str(fault.status) in str(run.candidates[0].error)
        else:
            assert run.selection.answer == "4"


def thinking(provider: str, server: ModelServer) -> BaseChatModel:
    match provider:
        case "anthropic":
            return anthropic(
                server, max_tokens=4096, thinking={"type": "enabled", "budget_tokens": 1024}
            )
        case "ollama":
            return ollama(server, reasoning=True)
        case "openai":
            return openai(server, reasoning_effort="low")
    return own(server)


@pytest.mark.parametrize("name", ["own", "openai", "anthropic", "ollama"])
def test_what_a_model_thinks_is_paid_for_and_is_no_answer(name: str, solve: Ask) -> None:
    said = Choice(text="The answer is 4.", reasoning="perhaps the answer is 5 or so")
    with ModelServer(lambda request: Reply(said)) as server:
        run = solve(create_verifier_agent(thinking(name, server), policy="best_of(2)", seed=3))
        assert run.selection.answer == "4"
        assert paid(run)[1] == server.output_tokens == 2 * (4 + 7)


def test_a_model_that_keeps_its_temperature_is_not_sent_one() -> None:
    def script(request: Request) -> Reply | Fault:
        refused = request.body.get("temperature") is not None
        return Fault("status", status=400) if refused else Reply("The answer is 4.")

    with ModelServer(script) as server:
        reasoning = {"model": "gpt-5-mini"}
        from langchain_openai import ChatOpenAI

        models = [
            thinking("anthropic", server),
            ChatOpenAI(api_key="k", base_url=server.url, max_retries=0, **reasoning),
        ]
        for model in models:
            agent = create_verifier_agent(model, policy="best_of(2, temperature=0.7)", seed=3)
            assert Run.of(agent.invoke(QUESTION)).selection.answer == "4"


def test_steps_are_asked_for_where_a_reply_cannot_be_continued(provider: Provider) -> None:
    def script(request: Request) -> Reply:
        return Reply("First 2 and 2 are taken.") if request.index < 4 else Reply("Answer: 4")

    with ModelServer(script) as server:
        agent = create_verifier_agent(
            provider.build(server),
            verifier=lambda task, candidate: 0.5,
            policy="beam(width=2, expand=2)",
            budget=Budget(calls=12),
            seed=3,
        )
        run = Run.of(agent.invoke(QUESTION))
        assert run.spent.calls == server.calls <= 12
        assert run.candidates


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "OLLAMA_HOST", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
