"""Where in an answer its program stands."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Sequence
from textwrap import dedent

from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, parse

_FENCED = re.compile(
    r"^(?P<indent>[ \t]*)(?P<fence>```+|~~~+)[ \t]*(?P<language>[\w+#.-]*)[^\n]*\n"
    r"(?P<code>.*?)(?:^(?:(?P=indent)|) {0,3}(?P=fence)[ \t\r]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
"""Of CommonMark: a fence that is further in than three spaces closes nothing, as in a docstring."""
_PYTHON = ("py", "py3", "python", "python3", "pycon", "ipython")
_BUILT_IN = frozenset(dir(builtins))
_FUTURE = re.compile(r"^from __future__ import [\w, ]+\n", re.MULTILINE)
_IMPORT = re.compile(r"^(?:import|from)[ \t]+[\w.]+(?:[ \t]+import\b)?.*$", re.MULTILINE)


def blocks_of(text: str) -> list[str]:
    """Return the fenced blocks of Python in `text`; one that is never closed counts.

    Where none is said to be Python, those that do not say what they are.
    """
    # in a list the whole block is indented
    found = [(m["language"].lower(), dedent(m["code"])) for m in _FENCED.finditer(text)]
    said = [code for language, code in found if language in _PYTHON]
    return said or [code for language, code in found if not language]


def program_of(text: str, question: str = "", entry_point: str | None = None) -> str:
    """Return the Python program in `text`.

    The last fenced block that defines `entry_point`, or the last one of all, with what it reads of
    the blocks before it; without a block, the whole text. A text that only goes on with the code in
    `question`, as models that complete code write it, is put behind that; else the imports that the
    question shows come before the program.
    """
    text = text.replace("\ufeff", "")  # the mark of a file, which Python leaves out too
    blocks, before = blocks_of(text), ""
    if blocks:
        named = [n for n, one in enumerate(blocks) if entry_point and defines(one, entry_point)]
        last = named[-1] if named else len(blocks) - 1
        program = blocks[last]
        before = _lacking_in(program, blocks[:last])
    else:
        program = text
        if not (entry_point and defines(text, entry_point)):
            joined = f"{question}{text}" if question.endswith("\n") else f"{question}\n{text}"
            if _reads(joined) and (entry_point is None or defines(joined, entry_point)):
                return joined
    imports = "".join(f"{line}\n" for line in _IMPORT.findall(question) if _reads(line))
    future = "".join(_FUTURE.findall(program)) if imports or before else ""
    return future + imports + before + (_FUTURE.sub("", program) if future else program)


def _lacking_in(program: str, blocks: Sequence[str]) -> str:
    """Return the statements of blocks before a program that give what it reads and does not give.

    Answers show an import, or a function that helps, in a block of its own. Of two that give the
    same name the later one counts.
    """
    statements = [node for block in blocks for node in _body(block)]
    gives = {name: n for n, node in enumerate(statements) for name in _defined(node) - _BUILT_IN}
    read, given = _read_and_given(_body(program) if gives else [])
    needed: set[int] = set()
    while found := {gives[name] for name in gives.keys() & read - given}:
        needed |= found
        for n in found:
            more_read, more_given = _read_and_given([statements[n]])
            read, given = read | more_read, given | more_given
    lines = [ast.unparse(statements[n]) for n in sorted(needed)]
    return "".join(f"{line}\n" for line in lines)


def _body(source: str) -> list[ast.stmt]:
    try:
        return parse(source).body
    except Unparsable:
        return []


def _read_and_given(nodes: Sequence[ast.stmt]) -> tuple[set[str], set[str]]:
    parts = [part for node in nodes for part in ast.walk(node)]
    return {part.id for part in parts if isinstance(part, ast.Name)}, given_in(parts)


def given_in(parts: Iterable[ast.AST]) -> set[str]:
    """Return the names that parts of a program define, import, assign or take as arguments."""
    given: set[str] = set()
    for part in parts:
        match part:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                given.add(name)
            case ast.ClassDef(name=name) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                given.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                given.add(name)
            case ast.alias(name=name, asname=other):
                given.add(other or name.partition(".")[0])
    return given


def _defined(node: ast.stmt) -> set[str]:
    """Return the names that a statement is there to give: a definition, an import, a constant."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import() | ast.ImportFrom() | ast.Assign() | ast.AnnAssign():
            return given_in(ast.walk(node))
    return set()


def defines(source: str, name: str) -> bool:
    """Return True if `source` gives `name` a function, a class or a value at its top level."""
    try:
        body = parse(source).body
    except Unparsable:
        found = re.search(rf"^(?:async )?(?:def|class)[ \t]+{re.escape(name)}\b", source, re.M)
        return found is not None
    others = (ast.Import, ast.ImportFrom)
    return any(name in _defined(node) for node in body if not isinstance(node, others))


def _reads(source: str) -> bool:
    return bool(_body(source))
