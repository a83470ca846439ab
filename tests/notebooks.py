"""The cookbook's notebooks: `python -m tests.notebooks` runs each source and writes what it shows.

The sources are cookbook/*.py, in cells; beside each stands the notebook that it renders to.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

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
    # one thread: on small matrices more of them only wait for each other
    own = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    with TemporaryDirectory() as folder:
        # sockets in a folder: ports can be taken by others before the kernel opens them
        sockets = {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            config=Config({"KernelManager": sockets}),
            timeout=300,
            startup_timeout=120,
            resources={"metadata": {"path": str(COOKBOOK)}},
            record_timing=False,
            coalesce_streams=True,
        )
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
