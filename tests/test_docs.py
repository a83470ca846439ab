"""What the README and the pages show runs as it stands."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from verifier_agent.testing import ModelServer, Reply, Request
from verifier_agent.values import Candidate, Task
from verifier_agent.verifiers.names import known_names

ROOT = Path(__file__).parent.parent
ENDPOINT = "http://127.0.0.1:8000"
"""Where pages say that `verifier-agent serve` listens."""


def a_careful_model(request: Request) -> Reply:
    """Stand in for a hosted model: answers a question, or judges when a schema is asked for."""
    if "response_format" in request.body or "score" in str(request.messages).lower():
        marks = {"reasoning": "Each step holds.", "feedback": "", "score": 9, "criteria": []}
        return Reply(json.dumps(marks))
    return Reply("Counting them one by one.\nAnswer: 10")


def code(document: Path, language: str) -> list[str]:
    """Return the blocks of a document in one language."""
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL)


def run_blocks(
    document: Path,
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str = ENDPOINT,
) -> Any:
    """Run the Python of a document, one block after the other; return the names it made."""
    blocks = code(document, "python")
    assert blocks
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block.replace(ENDPOINT, endpoint), document.name, "exec"), names)
    return names


def commands(document: Path, name: str) -> list[list[str]]:
    """Return the commands `verifier-agent NAME …` of a document, for this Python to run."""
    lines = "".join(code(document, "sh")).splitlines()
    found = [shlex.split(line) for line in lines if line.startswith(f"verifier-agent {name} ")]
    return [
        [sys.executable, "-m", "verifier_agent.integrations.cli.main", *words[1:]]
        for words in found
    ]


@contextmanager
def served(command: list[str], server: ModelServer) -> Iterator[str]:
    """Start `verifier-agent serve` as a page shows it, but for the port; yield its address."""
    own = {**os.environ, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    with subprocess.Popen(
        [*command, "--port", "0"], stderr=subprocess.PIPE, text=True, env=own, cwd=ROOT
    ) as process:
        assert process.stderr is not None
        told = (re.search(r"^Serving .* at (http://[\d.:]+)/v1", line) for line in process.stderr)
        address = next((found.group(1) for found in told if found), None)
        try:
            assert address is not None
            yield address
        finally:
            process.terminate()


def test_the_ways_in_that_the_readme_shows_work_and_are_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = ROOT / "README.md"
    (serving,) = commands(page, "serve")
    with ModelServer(a_careful_model) as server, served(serving, server) as endpoint:
        names = run_blocks(page, server, monkeypatch, endpoint)
        assert server.calls > 0
        (solving,) = commands(page, "solve")
        solved = subprocess.run(solving, capture_output=True, text=True, cwd=ROOT)
        assert "Answer" in solved.stdout, solved.stderr
        replies = (names["result"], names["app"].invoke(names["question"]))
    assert {reply["messages"][-1].text for reply in replies} == {names["said"]}
    assert names["said"].endswith("Answer: 10")
    lines = [line for block in code(page, "python") for line in block.splitlines() if line]
    assert len(lines) < 40


def test_the_python_of_the_page_on_costs_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "docs" / "costs.md", server, monkeypatch)
    assert names["ledger"].flops > 0
    assert names["ledger"].joules > names["ledger"].least_joules > 0


def test_the_python_of_the_page_on_tuning_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "docs" / "tuning.md", server, monkeypatch)
    assert names["reliability"].models == ("large", "other", "small")


def test_the_python_of_the_page_on_budgets_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "docs" / "budgets.md", server, monkeypatch)
    assert 0 < names["account"].remaining().calls < 500


def test_the_python_of_the_page_on_batches_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "docs" / "batches.md", server, monkeypatch)
        assert server.calls == 0  # on the embedded model
    assert names["again"].results[0].selection == names["batch"].results[0].selection
    assert names["batch"].spent.calls <= 4


def test_the_python_of_the_page_on_ensembles_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "docs" / "ensembles.md", server, monkeypatch)
    assert names["asked"] == ["g0"]


def test_the_python_of_the_page_on_evaluators_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "docs" / "evaluators.md", server, monkeypatch)
    assert [[v.score for v in verdicts] for verdicts in names["judged"]] == [[1.0, 0.0]] * 2


def test_the_python_of_the_page_on_integrations_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "integrations.md"
    (serving,) = commands(page, "serve")
    with ModelServer(a_careful_model) as server, served(serving, server) as endpoint:
        names = run_blocks(page, server, monkeypatch, endpoint)
        assert server.calls == 0  # on the embedded model
    assert max(len(block.splitlines()) for block in code(page, "python")) < 15
    assert names["reply"].choices[0].message.content.endswith("Answer: 222")
    # each answer is judged by a call of its own
    assert names["found"]["calls"] == 8
    assert names["short"].response_metadata["verifier_agent"]["calls"] == 4
    for run in (names["proven"], names["node"]):
        assert (run.selection.answer, run.spent.calls) == ("222", 2)
    assert names["told"][0] == "decision"
    assert names["told"][-1] == "selection"
    assert names["told"].count("candidate") == names["told"].count("verdict") == 4
    assert names["run"].spent.calls == 8


def test_the_python_of_the_page_on_models_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_ollama")
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "docs" / "models.md", server, monkeypatch)
    assert names["run"].spent.calls == 3
    assert names["run"].selection.answer == "4"


def test_the_python_of_the_page_on_verifiers_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "docs" / "verifiers.md", server, monkeypatch)
        assert server.calls == 0
    assert names["verdict"].feedback.endswith("does not hold:\nin order (x < y)")
    shown = [Candidate(id="g0", text="x = 1"), Candidate(id="g1", text="x = 1\nx = = 2\n")]
    right, wrong = names["parses"].verify_sync(Task(question="q"), shown)
    assert (right.score, wrong.score) == (1.0, 0.0)
    assert wrong.steps == (1.0, 0.0)


def test_the_page_on_verifiers_knows_every_name() -> None:
    page = (ROOT / "docs" / "verifiers.md").read_text()
    names = [name.replace("proof:CHECKER", "proof:lean") for name in known_names()]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_link_in_the_documents_leads_to_a_file() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("cookbook/*.md")]
    broken = [
        f"{document.name}: {target}"
        for document in documents
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_page_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    pages = [f"docs/{page.name}" for page in ROOT.glob("docs/*.md")]
    assert pages
    assert [page for page in pages if f"]({page})" not in readme] == []
