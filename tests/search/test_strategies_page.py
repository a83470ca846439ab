"""The page on strategies names every policy, and what it shows runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from verifier_agent import search
from verifier_agent.search import Policy

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text()
SHIPPED = sorted(
    name
    for name, definition in Policy.definitions.items()
    if definition.function.__module__.startswith(search.__name__)
)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_policy_has_a_row_and_is_exported(name: str) -> None:
    assert re.search(rf"^\| `{name}\(", PAGE, re.MULTILINE)
    assert name in search.__all__


def test_the_policy_of_ones_own_keeps_the_laws() -> None:
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "strategies.md", "exec"), names)
    assert "cold_then_hot" in names
