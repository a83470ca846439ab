"""The rules that keep the package in layers, checked by reading every module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "verifier_agent"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

LAYERS = (
    ("errors",),
    ("plain",),
    ("cost",),
    ("values",),
    ("spec", "answers", "aggregation"),
    ("budget", "ledger"),
    ("tree", "accounts"),
    ("calibration",),
    ("selection",),
    ("weighting",),
    ("search",),
    ("embedded",),
    ("models",),
    ("verifiers",),
    ("graph",),
    ("memory",),
    ("report", "evaluation"),
    ("training",),
    ("integrations",),
    ("testing",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
LANGGRAPH = {"graph", "memory", "integrations", "testing"}
"""Who may import langgraph; verifiers may import its errors inside a function, to let them by."""
VAGUE = {"base", "common", "core", "helpers", "misc", "shared", "tools", "util", "utils"}

Import = tuple[str, str, bool]
"""The dotted module, the name taken from it ("" for `import module`), inside a function?"""


def imports(source: str, module: str) -> Iterator[Import]:
    """Yield every import in `source`, which is the package's `module`, those in functions too."""

    def visit(node: ast.AST, inside: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, "", inside
            elif isinstance(child, ast.ImportFrom):
                start = child.module or ""
                if child.level:
                    parents = module.split(".")[: -child.level]
                    start = ".".join([*parents, *([start] if start else [])])
                for alias in child.names:
                    yield start, alias.name, inside
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from visit(child, inside or function)

    return visit(ast.parse(source), inside=False)


def dotted(path: Path) -> str:
    """Return the module's name; a package's is that of its `__init__`, so that dots count."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def layer(module: str) -> str | None:
    """Return the part of the package that `module` belongs to; None for the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__init__" else None


def faults(source: str, module: str) -> list[str]:
    """Return what is wrong with the imports in `source`."""
    own = layer(module)
    found: list[str] = []
    for start, name, inside in imports(source, module):
        shown = f"{module} imports {start}{'.' if name else ''}{name}"
        top = start.split(".")[0]
        if top == "verifier_agent":
            # `from verifier_agent import search` names the part in the second place
            part = layer(start) or (name if name in LEVEL else None)
            if own is None or part == own:
                continue
            if part is None:
                found.append(f"{shown}: import from the module that defines it")
            elif LEVEL[part] >= LEVEL[own]:
                found.append(f"{shown}, which stands below it")
        elif any(p.startswith("_") and p != "__future__" for p in (*start.split("."), name)):
            found.append(f"{shown}, which is private")
        elif top == "langgraph" and own not in LANGGRAPH | {None}:
            let_by = own == "verifiers" and inside and start == "langgraph.errors"
            if not let_by:
                found.append(f"{shown}: only {sorted(LANGGRAPH)} assemble graphs")
    return found


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    assert faults(path.read_text(), dotted(path)) == []


def test_every_part_of_the_package_has_its_layer() -> None:
    parts = {layer(dotted(path)) for path in MODULES} - {None, "__main__"}
    assert parts <= set(LEVEL), "give it a place in LAYERS"


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("search.beams", "from verifier_agent.graph import Run", "stands below"),
        ("search.beams", "def f():\n    import verifier_agent.verifiers", "stands below"),
        ("search.beams", "from verifier_agent import graph", "stands below"),
        ("search.beams", "from ..verifiers import agreement", "stands below"),
        ("search.beams", "from verifier_agent import Budget", "module that defines it"),
        ("search.beams", "async def f():\n    from langgraph.types import Send", "assemble"),
        ("verifiers.judge", "from verifier_agent.graph.once import Piece", "stands below"),
        ("verifiers.judge", "from langgraph.errors import GraphBubbleUp", "assemble"),
        ("budget", "from verifier_agent.tree import Tree", "stands below"),
        ("values", "import langgraph.graph", "assemble"),
        ("graph.once", "from langgraph._internal import _config", "private"),
        ("graph.once", "from langgraph.pregel import _algo", "private"),
        ("models.names", "import openai._utils", "private"),
        ("search.beams", "from verifier_agent.search.policy import policy", ""),
        ("search.beams", "from . import policy", ""),
        ("search.beams", "from verifier_agent.tree import Tree", ""),
        ("verifiers.judge", "def f():\n    from langgraph.errors import GraphBubbleUp", ""),
        ("graph.build", "from langgraph.graph import StateGraph", ""),
        ("__init__", "from verifier_agent.graph import Run", ""),
    ],
)
def test_the_rules_see_what_they_should(module: str, source: str, fault: str) -> None:
    found = faults(source, f"verifier_agent.{module}")
    assert len(found) == bool(fault)
    assert all(fault in text for text in found)


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_no_module_is_named_vaguely_or_like_one_of_the_standard_library(path: Path) -> None:
    name = path.parent.name if path.name == "__init__.py" else path.stem
    assert name not in VAGUE
    # inside a package a name such as `models.tokens` hides nothing; at the top it would mislead
    if path.parent == PACKAGE or path.parent.parent == PACKAGE:
        assert name not in sys.stdlib_module_names - {"__main__"}


@pytest.mark.parametrize(
    ("paths", "longest"), [(MODULES, 300), (TESTS, 500)], ids=["package", "tests"]
)
def test_no_file_is_long(paths: list[Path], longest: int) -> None:
    lines = {dotted(path): len(path.read_text().splitlines()) for path in paths}
    assert {name: n for name, n in lines.items() if n > longest} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [dotted(p) for p in MODULES if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []
