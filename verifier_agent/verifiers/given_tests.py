"""The tests that come with a task, in whatever of the usual forms."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Sequence
from textwrap import indent
from typing import Any

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Task
from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, parse
from verifier_agent.verifiers.sandboxes.sandbox import CodeTest

_SETTING_UP = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def given_tests(task: Task, key: str = "tests") -> tuple[CodeTest, ...]:
    """Return the tests in `task.context[key]`: a text, one test, or a list of these.

    A text is Python: assertions, test functions, `unittest` classes, a `check` function that takes
    `task.context["entry_point"]` (as in HumanEval), or doctests (">>>"). What it defines besides is
    set up before. A dict has the fields of `CodeTest`; "input" and "output" are read as "stdin" and
    "stdout". Raises ConfigurationError for anything else.
    """
    given = task.context.get(key, [])
    entry_point = task.context.get("entry_point")
    if not (entry_point is None or (isinstance(entry_point, str) and entry_point.isidentifier())):
        raise ConfigurationError(f"context['entry_point']={entry_point!r}: a name is needed")
    each = given if isinstance(given, list | tuple) else [given]
    return tuple(test for one in each for test in _tests(one, key, entry_point))


def _tests(given: Any, key: str, entry_point: str | None) -> Sequence[CodeTest]:
    if isinstance(given, CodeTest):
        return [given]
    if isinstance(given, str):
        return tests_in(given, entry_point)
    if isinstance(given, dict):
        fields = {_FIELDS.get(str(name), str(name)): value for name, value in given.items()}
        if all(isinstance(value, str) for value in fields.values()):
            try:
                return [CodeTest(**fields)]
            except TypeError:
                pass
    raise ConfigurationError(
        f"context[{key!r}] holds {given!r}: give Python as text, or dicts with 'source', or with "
        "'stdin' and 'stdout'"
    )


_FIELDS = {"input": "stdin", "output": "stdout"}


def tests_in(text: str, entry_point: str | None) -> list[CodeTest]:
    """Return the tests in a text of Python, or of doctests; one for each assertion if possible.

    Raises ConfigurationError for what is neither.
    """
    if any(line.lstrip().startswith(">>>") for line in text.splitlines()):
        return doctests_in(text)
    try:
        body = parse(text).body
    except Unparsable as error:
        raise ConfigurationError(f"a test is no Python: {error}") from None
    setup: list[ast.stmt] = []
    sources: list[str] = []
    for node in body:
        checked = _check(node, entry_point)
        if checked is not None:
            sources += checked
        elif isinstance(node, ast.Assert):
            sources.append(ast.unparse(node))
        elif _sets_up(node):
            setup.append(node)
            sources += _entries(node)
        else:
            # it does something in an order of its own
            return [CodeTest(source=text)]
    before = ast.unparse(ast.Module(body=setup, type_ignores=[]))
    return [CodeTest(source=source, setup=before) for source in sources]


def _sets_up(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return not any(isinstance(part, ast.Call) for part in ast.walk(node))
    idle = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.Name)
    return idle or isinstance(node, _SETTING_UP)


def _check(node: ast.stmt, entry_point: str | None) -> list[str] | None:
    """Return the assertions of a function `check(candidate)`, about the entry point."""
    match node:
        case ast.FunctionDef(name="check", args=ast.arguments(args=[parameter])) if entry_point:
            pass
        case _:
            return None
    asserts = [one for one in node.body if not _sets_up(one)]
    if not all(isinstance(one, ast.Assert) for one in asserts):
        return [f"{ast.unparse(node)}\ncheck({entry_point})"]
    # what the function sets up for itself stays with each of its assertions
    own = [one for one in node.body if _sets_up(one) and not isinstance(one, ast.Expr)]
    renamed = _Renamed(parameter.arg, entry_point)
    return [
        ast.unparse(ast.Module(body=[renamed.visit(part) for part in (*own, one)], type_ignores=[]))
        for one in asserts
    ]


class _Renamed(ast.NodeTransformer):
    def __init__(self, name: str, to: str) -> None:
        self.name = name
        self.to = to

    def visit_Name(self, node: ast.Name) -> ast.Name:  # ast calls it by this name
        return ast.Name(id=self.to, ctx=node.ctx) if node.id == self.name else node


def _entries(node: ast.stmt) -> list[str]:
    """Return the calls that run the tests which `node` defines."""
    match node:
        case ast.FunctionDef(name=name, args=ast.arguments(args=[])) if name.startswith("test"):
            return [f"{name}()"]
        case ast.ClassDef(name=name, body=body) if any(
            "TestCase" in ast.unparse(b) for b in node.bases
        ):
            tests = [one.name for one in body if isinstance(one, ast.FunctionDef)]
            return [f"{name}({one!r}).debug()" for one in tests if one.startswith("test")]
    return []


def doctests_in(text: str) -> list[CodeTest]:
    """Return one test for each example of a text that shows something, with all before it."""
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError as error:
        raise ConfigurationError(f"a doctest cannot be read: {error}") from None
    tests: list[CodeTest] = []
    setup = ""
    for example in examples:
        source = example.source.strip()
        if example.want.strip() or example.exc_msg:
            tests.append(CodeTest(source=_example(example), setup=setup))
        else:
            setup += f"{source}\n"
    return tests


def _example(example: doctest.Example) -> str:
    source, want = example.source.strip(), example.want.strip()
    if example.exc_msg:
        kind = example.exc_msg.partition(":")[0].strip().rpartition(".")[2]
        return _RAISES.format(source=indent(source, "    "), kind=kind)
    try:
        value = ast.literal_eval(want)
        asked = parse(source).body
    except (ValueError, SyntaxError, Unparsable, MemoryError, RecursionError, TypeError):
        return _SHOWS.format(source=source, want=want)
    match asked:
        case [ast.Expr(value=ast.Call(func=ast.Name(id=name)))] if name != "print":
            return f"assert {ast.unparse(asked[0])} == {value!r}"
    return _SHOWS.format(source=source, want=want)


_RAISES = """\
try:
{source}
except Exception as error:
    assert type(error).__name__ == {kind!r}, error
else:
    raise AssertionError("{kind} was not raised")"""

_SHOWS = """\
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as shown:
    exec(compile({source!r}, "example", "single"))
assert shown.getvalue().strip() == {want!r}"""
