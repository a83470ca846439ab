"""What the README and the pages show runs as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from verifier_agent.testing import ModelServer, Reply, Request

ROOT = Path(__file__).parent.parent


def a_careful_model(request: Request) -> Reply:
    """Stand in for a hosted model: answers a question, or judges when a schema is asked for."""
    if "response_format" in request.body or "score" in str(request.messages).lower():
        marks = {"reasoning": "Each step holds.", "feedback": "", "score": 9, "criteria": []}
        return Reply(json.dumps(marks))
    return Reply("Counting them one by one.\nAnswer: 10")


def run_blocks(document: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the Python of a document, one block after the other; return the names it made."""
    blocks = re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
    assert blocks
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, document.name, "exec"), names)
    return names


def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "README.md", server, monkeypatch)
        assert server.calls > 0
    assert names["result"]["messages"][-1].text.endswith("Answer: 10")


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


def test_the_python_of_the_page_on_integrations_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(a_careful_model) as server:
        names = run_blocks(ROOT / "docs" / "integrations.md", server, monkeypatch)
        assert server.calls == 0  # on the embedded model
    # each answer is judged by a call of its own
    assert names["found"]["calls"] == 8
    assert names["short"].response_metadata["verifier_agent"]["calls"] == 4
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


def test_every_link_in_the_documents_leads_to_a_file() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("cookbook/*.md")]
    broken = [
        f"{document.name}: {target}"
        for document in documents
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []
