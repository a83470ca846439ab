"""The tests that come with a task, in whatever of the usual forms."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Collection, Sequence
from textwrap import indent
from typing import Any

from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Task
from verifier_agent.verifiers.programs.entry_points import entry_point_of
from verifier_agent.verifiers.programs.written_code import blocks_of
from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, parse
from verifier_agent.verifiers.sandboxes.sandbox import CodeTest

_TEST = re.compile(r"check|test.*")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SETTING_UP = (ast.Import, ast.ImportFrom, ast.ClassDef, *_FUNCTIONS)


def given_tests(task: Task, key: str = "tests") -> tuple[CodeTest, ...]:
    """Return the tests in `task.context[key]`: a text, one test, or a list of these.

    A text is Python: assertions, test functions, `unittest` classes, a `check` function that takes
    `task.context["entry_point"]` (as in HumanEval), or doctests (">>>"). What it defines besides is
    set up before. A dict has the fields of `CodeTest`; "input" and "output" are read as "stdin" and
    "stdout". Raises ConfigurationError for anything else, and for tests that would be left out.
    """
    given = task.context.get(key, [])
    entry_point = entry_point_of(task)
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

    Of a text with fenced blocks, as models write it, these are read. Raises ConfigurationError for
    what is neither.
    """
    try:
        body = parse(text).body
    except Unparsable as error:
        if blocks := blocks_of(text):
            return tests_in("\n".join(blocks), entry_point)
        if any(line.lstrip().startswith(">>>") for line in text.splitlines()):
            return doctests_in(text)
        raise ConfigurationError(f"a test is no Python: {error}") from None
    body = _run(body)
    return _in_statements(body, entry_point) or doctests_in("\n\n".join(_texts_in(body)))


def _in_statements(body: Sequence[ast.stmt], entry_point: str | None) -> list[CodeTest]:
    """Return the tests among statements: a single one if these have an order of their own."""
    setup: list[ast.stmt] = []
    sources: list[str] = []
    in_order = False
    for node in body:
        checked = _check(node, entry_point)
        if checked is not None:
            sources += checked
        elif isinstance(node, ast.Assert):
            sources.append(ast.unparse(node))
        else:
            in_order = in_order or not _sets_up(node) or (bool(sources) and _assigns(node))
            setup.append(node)
            sources += _entries(node, body)
    if in_order:
        calls = [call for node in body for call in _calls(node, body, entry_point)]
        return [CodeTest(source="\n".join([*map(ast.unparse, body), *calls]))]
    before = ast.unparse(ast.Module(body=setup, type_ignores=[]))
    return [CodeTest(source=source, setup=before) for source in sources]


def _texts_in(body: Sequence[ast.stmt]) -> list[str]:
    """Return the texts of a program, of which some may be documentation with examples."""
    parts = (part for node in body for part in ast.walk(node))
    constants = (part.value for part in parts if isinstance(part, ast.Constant))
    return [value for value in constants if isinstance(value, str)]


def _run(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return what a text does as a script, without the calls that start tests defined in it."""
    done: list[ast.stmt] = []
    for node in body:
        match node:
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                done += node.body
            case _:
                done.append(node)
    functions = [node.name for node in done if isinstance(node, _FUNCTIONS)]
    tests = {f"{name}()" for name in functions if _TEST.fullmatch(name)}
    return [node for node in done if not _starts_tests(node, tests)]


def _starts_tests(node: ast.stmt, tests: Collection[str]) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=function)):
            called = ast.unparse(node)
            runner = ast.unparse(function) in ("unittest.main", "pytest.main")
            return runner or called in tests
    return False


def _assigns(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign | ast.AnnAssign)


def _sets_up(node: ast.stmt) -> bool:
    if _assigns(node):
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
    if any(map(_assigns, node.body)) or not all(isinstance(one, ast.Assert) for one in asserts):
        return [f"{ast.unparse(node)}\ncheck({entry_point})"]
    # what the function sets up for itself stays with each of its assertions
    own = [one for one in node.body if _sets_up(one) and not isinstance(one, ast.Expr)]
    renamed = _Renamed(parameter.arg, entry_point)
    return [
        ast.unparse(ast.Module(body=[renamed.visit(part) for part in (*own, one)], type_ignores=[]))
        for one in asserts
    ]


def _calls(node: ast.stmt, body: Sequence[ast.stmt], entry_point: str | None) -> list[str]:
    """Return what runs all that `node` defines, which has been executed as it stands."""
    is_check = _check(node, entry_point) is not None
    return [f"check({entry_point})"] if is_check else _entries(node, body)


class _Renamed(ast.NodeTransformer):
    def __init__(self, name: str, to: str) -> None:
        self.name = name
        self.to = to

    def visit_Name(self, node: ast.Name) -> ast.Name:  # ast calls it by this name
        return ast.Name(id=self.to, ctx=node.ctx) if node.id == self.name else node


def _entries(node: ast.stmt, body: Sequence[ast.stmt]) -> list[str]:
    """Return what runs the tests that `node`, which is one of `body`, defines.

    Raises ConfigurationError for tests that only another runner knows how to run: a program is not
    proven right by leaving them out.
    """
    if isinstance(node, ast.ClassDef):
        return _cases(node)
    if not isinstance(node, _FUNCTIONS) or not _TEST.fullmatch(node.name):
        return []
    if not _needs_arguments(node.args):
        call = f"{node.name}()"
        is_async = isinstance(node, ast.AsyncFunctionDef)
        return [f"import asyncio\nasyncio.run({call})" if is_async else call]
    names = (part for one in body for part in ast.walk(one) if isinstance(part, ast.Name))
    if not any(part.id == node.name for part in names):
        raise ConfigurationError(
            f"nothing gives the test {node.name!r} its arguments; to check(candidate), "
            "context['entry_point'] does"
        )
    return []


def _needs_arguments(args: ast.arguments) -> bool:
    positional = len(args.posonlyargs) + len(args.args) - len(args.defaults)
    return positional > 0 or None in args.kw_defaults


def _cases(node: ast.ClassDef) -> list[str]:
    methods = [one.name for one in node.body if isinstance(one, _FUNCTIONS)]
    tests = [name for name in methods if name.startswith("test")]
    if any("TestCase" in ast.unparse(base) for base in node.bases):
        return [_CASE.format(name=node.name, test=test) for test in tests]
    if tests and node.name.startswith("Test"):
        raise ConfigurationError(f"the class {node.name!r} of tests is no unittest.TestCase")
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
        if example.options.get(doctest.SKIP):
            continue
        if example.want.strip() or example.exc_msg:
            tests.append(CodeTest(source=_example(example), setup=f"{_SHOWN}{setup}"))
        else:
            setup += f"{source}\n"
    return tests


def _example(example: doctest.Example) -> str:
    source, want = example.source.strip(), example.want.strip()
    if example.exc_msg:
        kind = example.exc_msg.partition(":")[0].strip().rpartition(".")[2]
        return _RAISES.format(source=indent(source, "    "), kind=kind)
    flags = sum(flag for flag, is_set in example.options.items() if is_set)
    try:
        value = ast.literal_eval(want)
        asked = parse(source).body
    except (ValueError, SyntaxError, Unparsable, MemoryError, RecursionError, TypeError):
        asked = []
    match asked:
        case [ast.Expr(value=ast.Call(func=ast.Name(id=name)))] if name != "print" and not flags:
            return f"assert shown_by(lambda: {ast.unparse(asked[0])}) == {value!r}"
    return _SHOWS.format(source=source, want=example.want, flags=flags)


_RAISES = """\
try:
{source}
except Exception as error:
    assert type(error).__name__ == {kind!r}, error
else:
    raise AssertionError("{kind} was not raised")"""

_SHOWN = """\
def shown_by(call):
    try:
        import ast, contextlib, io
    except ImportError:
        value = call()
        if value is None:
            raise NotImplementedError("what is printed cannot be read here") from None
        return value
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        value = call()
    return ast.literal_eval(printed.getvalue().strip()) if value is None else value
"""
"""What an example shows is what it gives or, where that is nothing, what it prints."""

_SHOWS = """\
import contextlib, doctest, io
with contextlib.redirect_stdout(io.StringIO()) as printed_by_example:
    exec(compile({source!r}, "example", "single"))
assert doctest.OutputChecker().check_output({want!r}, printed_by_example.getvalue(), {flags})"""

_CASE = """\
import unittest
unittest.TestSuite([{name}({test!r})]).debug()"""
"""A suite, since that sets up classes too."""
