"""`VerifiedChatModel` where chat models go: chains, agents, caches, threads, event loops."""

from __future__ import annotations

import asyncio
import copy
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.tracers import BaseTracer
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, SecretStr

from tests.integrations.agents import QUESTION, Counted, billed, model, weather
from verifier_agent import (
    AccountEmpty,
    Budget,
    ConfigurationError,
    GenerationError,
    VerifiedChatModel,
)
from verifier_agent.accounts import MemoryAccount
from verifier_agent.models import OpenAIChatModel
from verifier_agent.testing import Choice, Fault, ModelServer, Reply, Request, cycle

VOTES = ["Answer: 4", "Answer: 4", "Answer: 5"]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(cycle(VOTES)) as running:
        yield running


def verified(server: ModelServer, **options: Any) -> VerifiedChatModel:
    return VerifiedChatModel(
        model(server), **{"verifier": "agreement", "policy": "best_of(3)", **options}
    )


@pytest.mark.parametrize("how", ["invoke", "ainvoke", "stream", "astream", "batch", "abatch"])
async def test_usage_is_the_true_total_once_however_it_is_called(
    server: ModelServer, how: str
) -> None:
    chain = ChatPromptTemplate.from_messages([("user", "{q}")]) | verified(server)
    seen, given = Counted(), {"q": "2 + 2?"}
    config: Any = {"callbacks": [seen]}
    with get_usage_metadata_callback() as usage:
        if how == "invoke":
            answers = [await asyncio.to_thread(chain.invoke, given, config)]
        elif how == "ainvoke":
            answers = [await chain.ainvoke(given, config)]
        elif how == "batch":
            answers = await asyncio.to_thread(chain.batch, [given, given], config)
        elif how == "abatch":
            answers = await chain.abatch([given, given], config)
        else:
            if how == "stream":
                pieces = await asyncio.to_thread(lambda: list(chain.stream(given, config)))
            else:
                pieces = [piece async for piece in chain.astream(given, config)]
            whole = pieces[0]
            for piece in pieces[1:]:
                whole = whole + piece
            answers = [whole]
    assert all(answer.text.startswith("Answer: ") for answer in answers)
    assert server.calls == 3 * len(answers)
    assert seen.runs == len(answers)
    reported = sum(answer.usage_metadata["total_tokens"] for answer in answers)
    assert reported == seen.tokens == billed(server)
    assert sum(one["total_tokens"] for one in usage.usage_metadata.values()) == billed(server)


def test_the_answer_says_how_it_was_found(server: ModelServer) -> None:
    found = verified(server).invoke("2 + 2?").response_metadata["verifier_agent"]
    assert found["confidence"] == pytest.approx(2 / 3)
    assert (found["answer"], found["calls"], found["outcome"]) == ("4", 3, "completed")


MODES: Any = ["messages", "custom"]


def collected(graph: Any, config: Any) -> list[Any]:
    return list(graph.stream(QUESTION, config, stream_mode=MODES))


async def test_a_surrounding_graph_streams_the_answer_and_the_progress_but_no_inner_token(
    server: ModelServer,
) -> None:
    chat = verified(server)

    def answer(state: MessagesState) -> Any:
        return {"messages": chat.invoke(state["messages"])}

    async def aanswer(state: MessagesState) -> Any:
        return {"messages": await chat.ainvoke(state["messages"])}

    for node in (answer, aanswer):
        builder = StateGraph(MessagesState)
        builder.add_node("answer", node)
        builder.add_edge(START, "answer")
        graph = builder.compile(checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": node.__name__}}
        if node is answer:
            told = await asyncio.to_thread(collected, graph, config)
        else:
            told = [one async for one in graph.astream(QUESTION, config, stream_mode=MODES)]
        said = "".join(chunk[0].text for mode, chunk in told if mode == "messages")
        assert said in VOTES
        events = [chunk["verifier_agent"] for mode, chunk in told if mode == "custom"]
        assert events[0] == "decision"
        assert events[-1] == "selection"
        assert events.count("candidate") == 3


async def test_progress_reaches_callbacks_and_the_answer_event_streams(server: ModelServer) -> None:
    seen = Counted()
    verified(server).invoke("2 + 2?", {"callbacks": [seen]})
    assert seen.events.count("candidate") == 3
    events = [e async for e in verified(server).astream_events("2 + 2?", version="v2")]
    streamed = [e["data"]["chunk"].text for e in events if e["event"] == "on_chat_model_stream"]
    assert "".join(streamed) in VOTES


def test_tracers_see_the_inner_runs_below_the_outer_one(server: ModelServer) -> None:
    class Tracer(BaseTracer):
        roots: list[Any] = []  # noqa: RUF012

        def _persist_run(self, run: Any) -> None:
            self.roots.append(run)

    verified(server).invoke("2 + 2?", {"callbacks": [Tracer()]})
    (root,) = Tracer.roots
    assert root.run_type == "llm"
    assert "loopback" not in [child.run_type for child in root.child_runs]
    below: list[Any] = list(root.child_runs)
    for run in below:
        below += run.child_runs
    assert sum(run.run_type == "llm" for run in below) == 3


def test_system_prompts_history_and_images_pass_through_untouched() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    given = [
        SystemMessage("Be brief."),
        HumanMessage("first"),
        AIMessage("second", id="same"),
        HumanMessage([{"type": "text", "text": "third"}, image], id="same"),
    ]
    before = copy.deepcopy(given)
    bodies: list[Any] = []

    def script(request: Request) -> Reply:
        bodies.append(request.messages)
        return Reply(Choice(text="Answer: 4", reasoning="let me see"))

    with ModelServer(script) as server:
        answer = verified(server, policy="best_of(1)").invoke(given)
        model(server).invoke(given)
    assert bodies[0] == bodies[1]
    assert given == before
    assert answer.additional_kwargs["reasoning_content"] == "let me see"


class City(BaseModel):
    """A city."""

    name: str


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
@pytest.mark.parametrize("raw", [False, True])
def test_structured_output_is_that_of_the_selected_answer(method: Any, raw: bool) -> None:
    names = ["Turku", "Oslo", "Turku"]

    def script(request: Request) -> Reply:
        body = f'{{"name": "{names[request.index]}"}}'
        if request.body.get("tools"):
            return Reply(Choice(tool_calls=(("City", body),)))
        return Reply(body)

    with ModelServer(script) as server:
        chain = verified(server).with_structured_output(City, method=method, include_raw=raw)
        result = chain.invoke("Which city, in JSON?")
        assert server.calls == 3
    if raw:
        assert result["raw"].response_metadata["verifier_agent"]["calls"] == 3
        result = result["parsed"]
    assert result == City(name="Turku")


def test_what_is_given_per_call_reaches_the_inner_model_or_the_run(server: ModelServer) -> None:
    bodies: list[Any] = []

    def script(request: Request) -> Reply:
        bodies.append(request.body)
        return Reply("Answer: 4")

    with ModelServer(script) as spoken:
        chat = verified(spoken, temperature=0.3, stop=["END"], max_tokens=50)
        bound = chat.bind_tools([weather], tool_choice="weather").bind(top_p=0.5)
        bound.invoke("q", stop=["STOP"], max_tokens=7, policy="best_of(1)", seed=3)
        chat.bind(budget=Budget(calls=2)).invoke("q")
    first, *others = bodies
    assert len(others) == 2
    assert first["tool_choice"]["function"]["name"] == "weather"
    assert (first["top_p"], first["stop"], first["max_tokens"]) == (0.5, ["STOP"], 7)
    assert (others[0]["temperature"], others[0]["stop"]) == (0.3, ["END"])
    assert others[0]["max_tokens"] == 50


def test_a_context_reaches_the_verifiers(server: ModelServer) -> None:
    def right(task: Any, candidate: Any) -> bool:
        return candidate.answer == task.context["reference"]

    chat = verified(server, verifier=right)
    assert chat.invoke("2 + 2?", context={"reference": "5"}).text == "Answer: 5"


@pytest.mark.parametrize("calls", range(1, 7))
def test_a_budget_of_so_many_calls_causes_at_most_that_many_requests(calls: int) -> None:
    flaky = [
        Fault("status", status=503),
        Reply("Answer: 4"),
        Reply('{"reasoning": "", "score": 5}'),
    ]
    with ModelServer(lambda request: flaky[request.index % 3]) as server:
        chat = verified(server, verifier="judge", budget=Budget(calls=calls))
        try:
            answer = chat.invoke("q")
        except GenerationError:
            assert calls < 3
        else:
            assert answer.response_metadata["verifier_agent"]["calls"] == server.calls
        assert 1 <= server.calls <= calls


def test_many_threads_share_one_model(server: ModelServer) -> None:
    chat = verified(server)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(chat.invoke, ["2 + 2?"] * 32))
    assert server.calls == 96
    assert sum(a.usage_metadata["total_tokens"] for a in answers if a.usage_metadata) == billed(
        server
    )


@pytest.mark.parametrize("kind", ["ours", "langchain"])
def test_one_event_loop_after_the_other(server: ModelServer, kind: str) -> None:
    inner: Any = OpenAIChatModel(model="loopback", base_url=server.url)
    if kind == "langchain":
        inner = ChatOpenAI(
            model="loopback", base_url=server.url, api_key=SecretStr("none"), max_retries=0
        )
    chat = VerifiedChatModel(inner, verifier="agreement", policy="best_of(2)")
    for _ in range(4):
        assert asyncio.run(chat.ainvoke("2 + 2?")).text in VOTES


def test_cancelling_the_call_cancels_what_is_under_way() -> None:
    with ModelServer(lambda request: Reply("late", delay=30.0)) as server:

        async def impatient() -> None:
            async with asyncio.timeout(0.5):
                await verified(server).ainvoke("q")

        with pytest.raises(TimeoutError):
            asyncio.run(impatient())


def test_copies_pickles_caches_and_rate_limiters(server: ModelServer) -> None:
    chat = verified(server, cache=InMemoryCache(), seed=1)
    first = chat.invoke("2 + 2?")
    assert chat.invoke("2 + 2?").text == first.text
    assert server.calls == 3
    for other in (copy.deepcopy(verified(server)), pickle.loads(pickle.dumps(verified(server)))):
        assert other.invoke("2 + 2?").text in VOTES
    assert server.calls == 9
    limiter = InMemoryRateLimiter(requests_per_second=1000, check_every_n_seconds=0.001)
    assert verified(server, rate_limiter=limiter).invoke("2 + 2?").text in VOTES
    assert verified(server, seed=2)._get_llm_string() != chat._get_llm_string()


def test_a_cache_tells_verifiers_of_one_name_apart(server: ModelServer) -> None:
    cache = InMemoryCache()
    for wanted in ("4", "5", "4"):

        def right(task: Any, candidate: Any, wanted: str = wanted) -> bool:
            return candidate.answer == wanted

        chat = verified(server, verifier=right, cache=cache, seed=1)
        assert chat.invoke("2 + 2?").text == f"Answer: {wanted}"
    by_name = [verified(server, cache=cache, seed=1)._get_llm_string() for _ in range(2)]
    assert by_name[0] == by_name[1]


def test_retries_and_fallbacks_see_a_failed_run_as_an_error(server: ModelServer) -> None:
    with ModelServer(lambda request: Fault("status", status=401)) as broken:
        failing = verified(broken, policy="best_of(1)")
        with pytest.raises(GenerationError, match="401"):
            failing.invoke("2 + 2?")
        chain = failing.with_fallbacks([verified(server)]) | StrOutputParser()
        assert chain.invoke("2 + 2?") in VOTES


def test_an_account_pays_for_all_calls_together(server: ModelServer) -> None:
    account = MemoryAccount(Budget(calls=4))
    chat = verified(server, account=account)
    for _ in range(2):
        chat.invoke("2 + 2?")
    with pytest.raises(AccountEmpty):
        chat.invoke("2 + 2?")
    assert server.calls == 4


def test_one_that_waits_for_a_person_is_refused_with_the_remedy(server: ModelServer) -> None:
    def person(task: Any, candidate: Any) -> bool:
        return bool(interrupt("good?"))

    with pytest.raises(ConfigurationError, match="as a node"):
        verified(server, verifier=person).invoke("2 + 2?")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"polcy": "best_of(2)"}, "polcy: no arguments"),
        ({"policy": "best_off(2)"}, "best_of"),
        ({"verifier": "jugde"}, "judge"),
        ({"max_retries": -1}, "max_retries=-1"),
        ({"budget": {"call": 3}}, "calls"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_at_once(server: ModelServer, wrong: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        verified(server, **wrong)


def test_the_chat_model_is_imported_only_when_it_is_asked_for() -> None:
    code = (
        "import sys, verifier_agent; name = 'verifier_agent.integrations.chat_model'; "
        "assert name not in sys.modules; verifier_agent.VerifiedChatModel; "
        "assert name in sys.modules; assert 'langchain' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
