"""Which function of a program is asked for."""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Sequence

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Task
from verifier_agent.verifiers.programs.examples.signatures import asked_function, signatures_in
from verifier_agent.verifiers.programs.written_code import given_in
from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, parse
from verifier_agent.verifiers.sandboxes.sandbox import CodeTest


def entry_point_of(task: Task) -> str | None:
    """Return the name in `task.context["entry_point"]`. Raises ConfigurationError for others."""
    given = task.context.get("entry_point")
    if given is None or (isinstance(given, str) and given.isidentifier()):
        return given
    raise ConfigurationError(f"context['entry_point']={given!r}: a name is needed")


def asked_of(task: Task, tests: Sequence[CodeTest]) -> str | None:
    """Return the name that a program has to define; None where nothing says it.

    The entry point, else what most of `tests` call, else what the question asks for. Raises
    ConfigurationError for an entry point that is no name.
    """
    given = entry_point_of(task)
    if given is not None:
        return given
    if any(test.stdin is not None for test in tests):
        return None  # a script need not define anything
    called = Counter(name for test in tests for name in _called(test))
    if called:
        return max(called, key=lambda name: called[name])
    return asked_function(task.question, signatures_in(task.question))


def replaces(test: CodeTest, name: str | None) -> bool:
    """Return True if a test has its own function or class `name`, and so asks no program for it."""
    try:
        body = parse(f"{test.setup}\n{test.source}").body
    except Unparsable:
        return False
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, definitions) and node.name == name for node in body)


def _called(test: CodeTest) -> dict[str, None]:
    """Return the names that a test calls, in order, without those that it defines or imports."""
    try:
        nodes = list(ast.walk(parse(f"{test.setup}\n{test.source}")))
    except Unparsable:
        return {}
    own = given_in(nodes) | set(dir(builtins))
    calls = (node.func for node in nodes if isinstance(node, ast.Call))
    return dict.fromkeys(c.id for c in calls if isinstance(c, ast.Name) and c.id not in own)
