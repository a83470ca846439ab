"""Every stop rule and selector that ships has its row in docs/strategies.md."""

from __future__ import annotations

from pathlib import Path

import pytest

import verifier_agent.search
import verifier_agent.selection
from verifier_agent.aggregation import AGGREGATIONS
from verifier_agent.search import StopRule
from verifier_agent.selection import Selector

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text()
RULES = sorted({*StopRule.definitions} & {*verifier_agent.search.__all__} - {"any_of", "all_of"})
SELECTORS = sorted({*Selector.definitions} & {*verifier_agent.selection.__all__})


@pytest.mark.parametrize("name", [*RULES, *SELECTORS, *AGGREGATIONS])
def test_it_has_a_row_in_the_table(name: str) -> None:
    assert f"\n| `{name}" in PAGE
