"""What docs/hosted-reward-models.md shows runs, and says what is so."""

from __future__ import annotations

import re

import pytest

from tests.test_docs import ROOT, run_blocks
from verifier_agent.testing import ModelServer, always
from verifier_agent.verifiers.hosted import WIRES

PAGE = ROOT / "docs" / "hosted-reward-models.md"


def test_the_python_of_the_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(always("unused")) as server:
        names = run_blocks(PAGE, server, monkeypatch)
    assert round(names["right"].score, 2) == 0.95
    assert round(names["wrong"].score, 2) == 0.05
    assert names["spoilt"].score is None
    assert names["spoilt"].error.startswith("UnreadableVerdict: a reward is no finite number; ")
    assert names["refused"].score is None
    assert names["refused"].cost.calls == 2


def test_the_page_lists_every_wire_with_its_dialects() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    told = {(wire, name) for wire, cell in rows for name in re.findall(r"`([\w.-]+)`", cell)}
    assert {(wire.name, wire.dialect) for wire in WIRES} <= told
