"""`langgraph dev` runs the agent offline, and langgraph's own client drives it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph.state import CompiledStateGraph

from verifier_agent import Budget, ConfigurationError, Run
from verifier_agent.graph.settings import PER_CALL
from verifier_agent.integrations.langgraph_server import PREFIX, SETTINGS, agent

ROOT = Path(__file__).parents[2]
QUESTION: Any = {
    "messages": [
        {
            "role": "user",
            "content": "Mia has 37 apples. Ann has 6 times as many apples as Mia. "
            "How many apples does Ann have?",
        }
    ]
}
PERSON = """
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from verifier_agent import create_verifier_agent


def person(task, candidate):
    return float(interrupt({"judge": candidate.text}))


class State(MessagesState):
    verifier_agent: dict


solve = create_verifier_agent("embedded", verifier=person, policy="best_of(1)", seed=1)
graph = StateGraph(State).add_node("solve", solve).add_edge(START, "solve").compile()
"""


@pytest.fixture(autouse=True)
def _no_word_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_without_a_word_the_agent_works_offline() -> None:
    made = agent()
    assert made is agent(), "the server asks for it on every request"
    assert Run.of(made.invoke(QUESTION)).selection.answer == "222"
    assert isinstance(made, CompiledStateGraph)
    assert made.checkpointer is None


def test_the_environment_describes_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIFIER_AGENT_VERIFIER", '["arithmetic", "embedded-prm"]')
    monkeypatch.setenv("VERIFIER_AGENT_POLICY", "best_of(3)")
    monkeypatch.setenv("VERIFIER_AGENT_SELECTOR", "best")
    monkeypatch.setenv("VERIFIER_AGENT_BUDGET", '{"calls": 9}')
    run = Run.of(agent().invoke(QUESTION))
    assert run.plain["run"]["verifiers"] == ["arithmetic", "embedded-prm"]
    assert (len(run.candidates), run.budget) == (3, Budget(calls=9))
    assert run.plain["run"]["selector"] is not None


def test_an_ensemble_is_one_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERIFIER_AGENT_VERIFIER", "mean:arithmetic,embedded-prm")
    run = Run.of(agent().invoke(QUESTION))
    assert run.plain["run"]["verifiers"] == ["mean:arithmetic,embedded-prm"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("BUDGET", "24", "budget=24"),
        ("BUDGET", "calls=24", "VERIFIER_AGENT_BUDGET='calls=24'"),
        ("POLICY", "best_off(2)", "best_off"),
        ("VERIFIER", "embeded-prm", "embeded-prm"),
        ("VERIFIER", "[arithmetic]", r"VERIFIER_AGENT_VERIFIER='\[arithmetic\]'"),
        ("MODEL", "nobody", "nobody"),
    ],
)
def test_what_cannot_be_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str
) -> None:
    monkeypatch.setenv(f"VERIFIER_AGENT_{name}", text)
    with pytest.raises(ConfigurationError, match=said):
        agent()


def test_studio_is_told_what_goes_in_what_comes_out_and_what_can_be_set() -> None:
    made = agent()
    assert made.get_input_jsonschema()["required"] == ["messages"]
    assert set(made.get_output_jsonschema()["required"]) == {"messages", "verifier_agent"}
    described = made.get_context_jsonschema()
    assert described is not None
    settings = described["$defs"]["RunSettings"]["properties"]
    # an account is an object, and a run's id is the server's to give
    assert set(settings) == set(PER_CALL) - {"account", "run_id"}
    assert {node.name for node in made.get_graph().nodes.values()} == {
        *("__start__", "__end__"),
        *("generate", "revise", "verify", "select"),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start `langgraph dev` as a user does, and yield its address."""
    if find_spec("langgraph_api") is None:
        pytest.skip("the extra langgraph-server has an environment of its own: make langgraph")
    folder, port = tmp_path_factory.mktemp("app"), free_port()
    (folder / "person.py").write_text(PERSON)
    page = (ROOT / "docs" / "integrations.md").read_text()
    settings = json.loads(page.split("```json\n")[1].split("```")[0])
    settings["graphs"]["person"] = "./person.py:graph"
    (folder / "langgraph.json").write_text(json.dumps(settings))
    url, log = f"http://127.0.0.1:{port}", folder / "log"
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        await_start(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def await_start(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    from urllib.error import URLError
    from urllib.request import urlopen

    for _ in range(240):
        assert process.poll() is None, log.read_text()
        try:
            with urlopen(f"{url}/ok", timeout=1):
                return
        except (URLError, TimeoutError):
            time.sleep(0.5)
    raise AssertionError(log.read_text())


def test_the_served_description_and_drawing_are_those_of_the_agent(server: str) -> None:
    from langgraph_sdk import get_sync_client

    client = get_sync_client(url=server)
    (assistant,) = client.assistants.search(graph_id="verifier_agent")
    schemas: Any = client.assistants.get_schemas(assistant["assistant_id"])
    assert schemas["input_schema"]["required"] == ["messages"]
    assert "verifier_agent" in schemas["context_schema"]["properties"]
    drawn: Any = client.assistants.get_graph(assistant["assistant_id"])
    names = {node["id"] for node in drawn["nodes"]}
    assert {"generate", "revise", "verify", "select"} <= names


def test_two_turns_on_a_thread_are_two_runs_with_their_own_settings(server: str) -> None:
    from langgraph_sdk import get_sync_client

    client = get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    first: Any = client.runs.wait(
        thread, "verifier_agent", input=QUESTION, context=settings(policy="best_of(2)", seed=1)
    )
    assert Run.of(first).selection.answer == "222"
    assert len(Run.of(first).candidates) == 2
    assert Run.of(first).budget == Budget(calls=24)
    quick = client.assistants.create("verifier_agent", context=settings(budget={"calls": 3}))
    client.runs.wait(thread, quick["assistant_id"], input=QUESTION)
    kept: Any = client.threads.get_state(thread)["values"]
    assert Run.of(kept).plain["turn"] == 2
    assert Run.of(kept).budget == Budget(calls=3)
    assert len(kept["messages"]) == 4


def settings(**given: Any) -> Any:
    return {"verifier_agent": given}


async def test_progress_streams_and_only_the_answer_is_a_message(server: str) -> None:
    from langgraph_sdk import get_client

    client = get_client(url=server)
    told, said = [], []
    async for part in client.runs.stream(
        None,
        "verifier_agent",
        input=QUESTION,
        context=settings(policy="best_of(2)"),
        stream_mode=["custom", "messages-tuple"],
    ):
        data: Any = part.data
        if part.event == "custom":
            told.append(data["verifier_agent"])
        if part.event == "messages":
            said.append(data[0]["content"])
    assert told[0] == "decision"
    assert told.count("candidate") == told.count("verdict") == 2
    assert told[-1] == "selection"
    assert len(said) == 1


def test_a_person_inside_a_nested_agent_is_asked_over_the_wire(server: str) -> None:
    from langgraph_sdk import get_sync_client

    client = get_sync_client(url=server)
    thread = client.threads.create()["thread_id"]
    waiting: Any = client.runs.wait(thread, "person", input=QUESTION)
    assert "Answer: 222" in waiting["__interrupt__"][0]["value"]["judge"]
    done: Any = client.runs.wait(thread, "person", command={"resume": 0.75})
    run = Run.of(done)
    assert [verdict.score for verdict in run.tree.verdicts] == [0.75]
    assert len(run.candidates) == 1
