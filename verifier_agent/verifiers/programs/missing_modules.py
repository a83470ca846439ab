"""A program without the parts of it that need a module which is not there."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence

from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, parse
from verifier_agent.verifiers.sandboxes.sandbox import CodeTest, Ran

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BUILT_IN = frozenset(dir(builtins))
_REACH_ANYTHING = {"eval", "exec", "globals", "locals", "vars", "__import__", "importlib"}
_NAMED = "No module named '"


def missing_module(ran: Ran) -> str | None:
    """Return the module for whose lack no test could run; None where that was not the reason."""
    details = {result.detail for result in ran.results}
    if ran.ending != "unsupported" or len(details) != 1:
        return None
    _, named, rest = details.pop().partition(_NAMED)
    return rest.partition("'")[0] if named else None


def without_module(program: str, module: str, tests: Sequence[CodeTest]) -> str | None:
    """Return `program` without the statements that need `module`, if `tests` ask for none of them.

    What the rest does, `program` would do where the module is: a test that the rest fails, it
    fails. What needs the module are its imports and, in turn, statements that read a name which one
    of these gives or may change. None where that cannot be told, and for programs that are scripts.
    """
    asked = {name for test in tests for name in _asked(test)}
    try:
        kept = parse(program).body
    except Unparsable:
        return None
    functions = _reached(kept)
    lost: set[str] = set()
    while found := [node for node in kept if _imports(node, module) or lost & _names(node)]:
        for node in found:
            lost |= _given(node, functions)
        kept = [node for node in kept if node not in found]
    reached = {name for node in kept for name in _names(node)}
    if not lost or "*" in lost | asked or asked & lost or reached & _REACH_ANYTHING:
        return None
    return ast.unparse(ast.Module(body=kept, type_ignores=[]))


def _asked(test: CodeTest) -> set[str]:
    try:
        return {"*"} if test.stdin is not None else _names(parse(f"{test.setup}\n{test.source}"))
    except Unparsable:
        return {"*"}


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _imports(node: ast.AST, module: str) -> bool:
    """Return True if executing a statement imports `module`, or a part of it."""
    root = module.partition(".")[0]
    for part in _executed(node):
        match part:
            case ast.Import(names=aliases):
                names = [alias.name for alias in aliases]
            case ast.ImportFrom(module=str(name), level=0):
                names = [name]
            case _:
                continue
        if any(name.partition(".")[0] == root for name in names):
            return True
    return False


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a statement, without the bodies of the functions that it defines."""
    yield node
    if not isinstance(node, _FUNCTIONS):
        for child in ast.iter_child_nodes(node):
            yield from _executed(child)


def _reached(body: Sequence[ast.stmt]) -> dict[str, set[str]]:
    """Return, for each function that a program defines, the variables that a call may change."""
    named = {node.name: _names(node) for node in body if isinstance(node, _FUNCTIONS)}
    others = [node for node in body if not isinstance(node, _FUNCTIONS)]
    variables = {name for node in others for name in _names(node)} - _BUILT_IN - set(named)
    for _ in named:  # each round follows calls one further
        for names in named.values():
            names |= {name for one in names & set(named) for name in named[one]}
    return {function: names & variables for function, names in named.items()}


def _given(node: ast.AST, functions: Mapping[str, set[str]]) -> set[str]:
    """Return the names that a statement gives a value, or whose values it may change.

    Functions are not changed by being called, but what they are about may be.
    """
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        return {node.name}
    read = _names(node)
    names = read - _BUILT_IN - set(functions)
    for part in ast.walk(node):
        match part:
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {(alias.asname or alias.name).partition(".")[0] for alias in aliases}
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.Attribute(value=changed) | ast.Subscript(value=changed) if isinstance(
                part.ctx, ast.Store | ast.Del
            ):
                names |= _names(changed)
            case ast.Name(id="setattr" | "delattr"):
                names |= read
    return names | {name for one in read & set(functions) for name in functions[one]}
