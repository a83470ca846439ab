"""What of a program the interpreter monty does otherwise than CPython, without a word. Pure.

There `map`, `zip` and generator expressions give lists, sets keep the order in which they were
filled, and a program that would fail elsewhere may pass: "return map(int, x)", "list(set(x))".
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_LAZY = ("map", "filter", "zip", "enumerate", "reversed")
"""They give iterators, which can be read once, and equal no list."""
_ANY_ORDER = ("sorted", "sum", "min", "max", "any", "all", "set", "frozenset", "len")
"""What gives the same for a set in any order."""
_READ_AT_ONCE = (
    *(*_LAZY, *_ANY_ORDER[:-1], "list", "tuple", "dict", "join", "extend", "update", "fromkeys"),
    *("union", "intersection", "difference", "reduce"),
)
"""What reads an iterator that it is given, once."""
_ORDERED = (*_LAZY, "list", "tuple", "iter", "join", "next")
"""What shows in which order a set is."""
_SETS = ("set", "frozenset", "union", "intersection", "difference", "symmetric_difference")
_JOINING = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)
_PASSES = 3
"""How often a program is read for names of sets that are given to other names."""
_TRUTHS = ("__bool__", "__len__")


def done_otherwise(program: ast.AST) -> str:
    """Return what monty does otherwise; empty if nothing is known."""
    parents = {id(part): node for node in ast.walk(program) for part in ast.iter_child_nodes(node)}
    sets = _names_of_sets(program)
    for node in ast.walk(program):
        if _is_lazy(node) and not _is_read_at_once(node, parents):
            return "an iterator is a list"
        if isinstance(node, ast.FunctionDef) and node.name in _TRUTHS:
            return "objects are true whatever they say"
        if any(_is_set(part, sets) for part in _in_order(node, parents)):
            return "sets have another order"
        if isinstance(node, ast.AugAssign) and _is_set(_joined(node), sets):
            return "a set is made anew, and not changed"
    return ""


def _joined(node: ast.AugAssign) -> ast.BinOp:
    """Return what the target becomes."""
    return ast.BinOp(left=node.target, op=node.op, right=node.value)


def _called(node: ast.AST) -> str:
    """Return the name of the function or method that is called; empty for anything else."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name
    return ""


def _is_lazy(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _LAZY
    return isinstance(node, ast.GeneratorExp)


def _is_read_at_once(node: ast.AST, parents: dict[int, ast.AST]) -> bool:
    parent = parents.get(id(node))
    match parent:
        case ast.For(iter=read) | ast.comprehension(iter=read):
            return read is node
        case ast.Assign(targets=targets):
            return all(isinstance(target, ast.Tuple | ast.List) for target in targets)
        case ast.Compare(ops=[ast.In() | ast.NotIn()]) | ast.Starred() | ast.AugAssign():
            return True
        case ast.Call():
            return node is not parent.func and _called(parent) in _READ_AT_ONCE
    return False


def _names_of_sets(program: ast.AST) -> set[str]:
    """Return the names that are given sets anywhere, whatever else they are given."""
    found: set[str] = set()
    given = [
        (targets, node.value)
        for node in ast.walk(program)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for targets in [node.targets if isinstance(node, ast.Assign) else [node.target]]
    ]
    for _ in range(_PASSES):
        for targets, value in given:
            if value is not None and _is_set(value, found):
                found.update(map(ast.unparse, targets))
    return found


def _is_set(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, _JOINING):
        return _is_set(node.left, names) or _is_set(node.right, names)
    if isinstance(node, ast.Name | ast.Attribute):
        return ast.unparse(node) in names
    return _called(node) in _SETS


def _in_order(node: ast.AST, parents: dict[int, ast.AST]) -> Iterator[ast.AST]:
    """Yield what is read in its order at a node."""
    match node:
        case ast.For(iter=read) | ast.Starred(value=read):
            yield read
        case ast.ListComp(generators=parts) | ast.GeneratorExp(generators=parts):
            if _called(parents[id(node)]) not in _ANY_ORDER:
                yield from (part.iter for part in parts)
        case ast.Call(func=ast.Attribute(value=owner, attr="pop"), args=[]):
            yield owner
        case ast.Call(args=given) if _called(node) in _ORDERED:
            if _called(parents[id(node)]) not in _ANY_ORDER:
                yield from given
        case ast.Assign(targets=[ast.Tuple() | ast.List()], value=read):
            yield read
