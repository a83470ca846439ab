"""The cookbook runs from top to bottom, offline, and its notebooks are what it renders to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.notebooks import COOKBOOK, SOURCES, read, run


def written(cells: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in cells]


def kinds(cell: Any) -> list[Any]:
    """What a cell shows, but for the words and numbers: these differ with machine and versions."""
    shown = [o for o in cell.get("outputs", ()) if o.get("name") != "stderr"]
    return [sorted(output.get("data", {"stream": ""})) for output in shown]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_its_rendered_form_shows(source: Path) -> None:
    rendered = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert written(rendered.cells) == written(read(source).cells), (
        f"run `make notebooks`: {source.name} was changed since it was rendered"
    )
    ran = run(source)
    assert [kinds(cell) for cell in rendered.cells] == [kinds(cell) for cell in ran.cells]
    assert not [cell for cell in rendered.cells if "Error" in str(cell.get("outputs"))]


def test_every_notebook_has_a_source_and_its_place_on_the_page() -> None:
    page = (COOKBOOK / "README.md").read_text()
    names = {path.stem for path in COOKBOOK.glob("*.ipynb")}
    assert names == {source.stem for source in SOURCES}
    assert [name for name in names if f"({name}.ipynb)" not in page] == []
