"""Examples as an interactive Python shows them (">>>"), in any text, told leniently."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from verifier_agent.verifiers.programs.examples.doubts import is_taken_back
from verifier_agent.verifiers.programs.examples.literals import holds, is_written_out, literal_at
from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, parse

_PROMPT = re.compile(r"^(?P<indent>[ \t]*)>>> ?(?P<source>.*)$")
_FENCE = re.compile(r"[ \t]*```")


@dataclass(slots=True)
class _Shown:
    """What was typed, and the lines that came."""

    source: str
    indent: str
    begin: int
    end: int
    """Where its lines begin and end in the text."""
    came: list[str] = field(default_factory=list)
    new_block: bool = False


def typed(text: str, name: str) -> Iterator[str]:
    """Return an assertion for each example whose outcome is a value that is written out."""
    # what is printed is not what is given
    if re.search(r"\bprint(?:s|ed|ing)?\b", text):
        return
    setup: list[str] = []
    known: set[str] = set()
    for shown in _shown(text):
        if shown.new_block:
            setup, known = [], set()
        try:
            body = parse(shown.source).body
        except Unparsable:
            continue
        match body:
            case [ast.Assign(targets=[ast.Name(id=target)], value=value)] if (
                not shown.came and _names(value) <= known | _BUILT_IN
            ):
                setup.append(ast.unparse(body[0]))
                known.add(target)
                continue
            case [ast.Expr(value=asked)] if name in _names(asked):
                told = _names(asked) <= known | _BUILT_IN | {name}
                told = told and not is_taken_back(text, shown.begin, shown.end, name)
                if told and (source := _assertion(asked, shown)) is not None:
                    yield "\n".join([*setup, source])
        # it may have changed what it names
        known -= {part for node in body for part in _names(node)}


_BUILT_IN = frozenset(dir(builtins))


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _assertion(asked: ast.expr, shown: _Shown) -> str | None:
    came = "\n".join(shown.came).strip()
    if "\\\\" in shown.source or not is_written_out(asked):
        return None
    if isinstance(asked, ast.Compare):
        return f"assert {ast.unparse(asked)}" if came in ("", "True") else None
    value = literal_at(came, 0)
    if value is None or came[value.end :].strip():
        return None
    return holds(ast.unparse(asked), value)


def _shown(text: str) -> Iterator[_Shown]:
    """Return each thing that was typed, with what came until a blank line or the next prompt."""
    current: _Shown | None = None
    fresh = True
    end = -1
    for line in text.split("\n"):
        begin, end = end + 1, end + 1 + len(line)
        if found := _PROMPT.match(line):
            if current is not None:
                yield current
            current = _Shown(found["source"], found["indent"], begin, end, new_block=fresh)
            fresh = False
        elif current is not None:
            own = line.removeprefix(current.indent)
            if own.startswith("...") and not current.came:
                current.source += f"\n{own[3:].removeprefix(' ')}"
                current.end = end
            elif line.strip() and line.startswith(current.indent) and not _FENCE.match(line):
                current.came.append(own)
                current.end = end
            else:
                yield current
                current, fresh = None, bool(line.strip())
    if current is not None:
        yield current
