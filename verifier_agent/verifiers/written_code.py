"""Where in an answer its program stands."""

from __future__ import annotations

import ast
import re
from textwrap import dedent

from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, parse

_FENCED = re.compile(
    r"^[ \t]*(?P<fence>```+|~~~+)[ \t]*(?P<language>[\w+#.-]*)[^\n]*\n"
    r"(?P<code>.*?)(?:^[ \t]*(?P=fence)[ \t\r]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_PYTHON = ("py", "py3", "python", "python3", "pycon", "ipython")
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

    The last fenced block that defines `entry_point`, or the last one of all; without a block, the
    whole text. A text that only goes on with the code in `question`, as models that complete code
    write it, is put behind that; else the imports that the question shows come before the program.
    """
    text = text.replace("\ufeff", "")  # the mark of a file, which Python leaves out too
    blocks = blocks_of(text)
    named = [block for block in blocks if entry_point and defines(block, entry_point)]
    if named or blocks:
        program = (named or blocks)[-1]
    else:
        program = text
        if not (entry_point and defines(text, entry_point)):
            joined = f"{question}{text}" if question.endswith("\n") else f"{question}\n{text}"
            if _reads(joined) and (entry_point is None or defines(joined, entry_point)):
                return joined
    imports = "".join(f"{line}\n" for line in _IMPORT.findall(question) if _reads(line))
    future = "".join(_FUTURE.findall(program)) if imports else ""
    return future + imports + (_FUTURE.sub("", program) if future else program)


def defines(source: str, name: str) -> bool:
    """Return True if `source` gives `name` a function, a class or a value at its top level."""
    try:
        body = parse(source).body
    except Unparsable:
        return (
            re.search(rf"^(?:async )?(?:def|class)[ \t]+{re.escape(name)}\b", source, re.M)
            is not None
        )
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name == name:
                return True
        elif isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            return True
    return False


def _reads(source: str) -> bool:
    try:
        return bool(parse(source).body)
    except Unparsable:
        return False
