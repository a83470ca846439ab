"""The cookbook's notebooks: `python -m tests.notebooks` runs each source and writes what it shows.

The sources are cookbook/*.py, in cells; beside each stands the notebook that it renders to.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent
COOKBOOK = ROOT / "cookbook"
SOURCES = sorted(p for p in COOKBOOK.glob("*.py") if p.read_text().startswith("# %%"))


def read(source: Path) -> NotebookNode:
    """Read the cells of a source; they have no outputs yet."""
    notebook = jupytext.reads(source.read_text(), fmt="py:percent")
    # neither the reader's version nor random ids: the same source gives the same file
    notebook.metadata = {"language_info": {"name": "python"}}
    for place, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = {}, f"cell-{place}"
    return notebook


def run(source: Path) -> NotebookNode:
    """Run all cells in a kernel of this Python, in the cookbook's folder.

    Raises CellExecutionError if one fails.
    """
    notebook = read(source)
    where = {"metadata": {"path": str(COOKBOOK)}}
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources=where,
        record_timing=False,
        coalesce_streams=True,
    )
    # one thread: on small matrices more of them only wait for each other
    own = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    client.execute(env={**os.environ, **own})
    notebook.metadata = {"language_info": {"name": "python"}}
    return notebook


def main(names: list[str]) -> None:
    for source in SOURCES:
        if not names or source.stem in names:
            sys.stdout.write(f"{source.stem}\n")
            text = nbformat.writes(run(source))
            source.with_suffix(".ipynb").write_text(text.rstrip("\n") + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
