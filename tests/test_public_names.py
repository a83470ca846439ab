from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

import verifier_agent

PACKAGE = Path(verifier_agent.__file__).parent
NAMES = sorted(
    ".".join(("verifier_agent", *path.parent.relative_to(PACKAGE).parts))
    for path in PACKAGE.rglob("__init__.py")
)
EXTRAS = {"numpy", "torch", "typer", "rich"}


def public(name: str) -> ModuleType:
    """Import a package; skip it where the extra it needs is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if (error.name or "").split(".")[0] in EXTRAS or hasattr(error, "extra"):
            pytest.skip(f"{name} needs an extra: {error}")
        raise


def rank(name: str) -> tuple[int, str]:
    """Sort as ruff does: constants, then classes, then functions."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("name", NAMES)
def test_what_a_package_lists_is_sorted_and_is_what_it_has(name: str) -> None:
    module = public(name)
    if not hasattr(module, "__all__"):
        tree = Path(str(module.__file__)).read_text()
        assert "import " not in tree.replace("from __future__ import", ""), "list it in __all__"
        return
    listed = module.__all__
    assert listed == sorted(set(listed), key=rank)
    assert [attribute for attribute in listed if not hasattr(module, attribute)] == []
    imported = {
        attribute
        for attribute, value in vars(module).items()
        if not attribute.startswith("_")
        and not inspect.ismodule(value)
        and str(getattr(value, "__module__", "")).startswith("verifier_agent")
    }
    assert imported - set(listed) == set(), "imported but not listed"


@pytest.mark.parametrize("name", NAMES)
def test_every_public_class_and_function_says_what_it_is(name: str) -> None:
    module = public(name)
    for attribute in getattr(module, "__all__", ()):
        value = getattr(module, attribute)
        if inspect.isclass(value) or inspect.isfunction(value):
            text = inspect.getdoc(value) or ""
            generated = f"{attribute}("  # what a dataclass writes for itself
            assert text, f"{name}.{attribute} has no docstring"
            assert not text.startswith(generated), f"{name}.{attribute} has no docstring"


@pytest.mark.parametrize("code", ["import verifier_agent", "import verifier_agent.search"])
def test_importing_loads_no_optional_or_heavy_package(code: str) -> None:
    heavy = ("numpy", "torch", "openai", "typer", "rich", "langchain", "sqlite3", "pytest")
    # what the hosts load anyway is theirs: httpx loads rich where click is installed
    hosts = loaded("import langgraph.graph, langchain_core.language_models")
    assert loaded(code) & set(heavy) - hosts == set()


def loaded(code: str) -> set[str]:
    """Return the packages that are loaded after `code`."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return {name.split(".")[0] for name in told.stdout.split()}


def test_the_version_is_that_of_the_project() -> None:
    project = (PACKAGE.parent / "pyproject.toml").read_text()
    assert f'version = "{version("verifier-agent")}"' in project
