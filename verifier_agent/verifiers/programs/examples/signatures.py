"""What a task text says of the function that is asked for: its name and its parameters."""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass

from verifier_agent.verifiers.programs.examples.literals import closing
from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, parse

_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*(?=\()", re.MULTILINE)
_INDENT = re.compile(r"[ \t]*")
_SCOPE = re.compile(r"[ \t]*(?:class|(?:async[ \t]+)?def)[ \t]+\w+[^\n]*:[ \t]*(?:#.*)?$")
_CALLED = re.compile(
    r"\b(?:function|method|write|implement|define|complete)\s+(?:(?:called|named)\s+)?"
    r"[`'\"]?(\w+)[`'\"]?(?=\(|[`'\"])|\b(?:called|named)\s+[`'\"](\w+)[`'\"]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A function that a text defines."""

    name: str
    required: tuple[str, ...]
    """Its parameters without a default, in order."""
    optional: tuple[str, ...]
    annotations: dict[str, str]
    """Of the parameters that have one."""
    begin: int
    """Where the definition begins in the text."""
    methodical: bool
    """True for a method, and for what is defined within a function: nobody else can call it."""


def signatures_in(text: str) -> list[Signature]:
    """Return the functions that a text defines, where their parameters can be told."""
    found = []
    for match in _DEFINITION.finditer(text):
        end = closing(text, match.end())
        arguments = None if end is None else _arguments(text[match.end() : end])
        if arguments is not None:
            parameters = (*arguments.posonlyargs, *arguments.args)
            names = [one.arg for one in parameters]
            split = len(names) - len(arguments.defaults)
            found.append(
                Signature(
                    name=match[1],
                    required=tuple(names[:split]),
                    optional=tuple(names[split:]),
                    annotations={
                        one.arg: ast.unparse(one.annotation) for one in parameters if one.annotation
                    },
                    begin=match.start(),
                    methodical=names[:1] in (["self"], ["cls"]) or _is_inside(text, match.start()),
                )
            )
    return found


def _is_inside(text: str, begin: int) -> bool:
    """Return True if the definition that begins there is within another, or in a class."""
    depth = len(_INDENT.match(text, begin)[0])  # type: ignore[index]
    for line in reversed(text[:begin].split("\n")):
        own = len(line) - len(line.lstrip())
        if line.strip() and own < depth:
            if _SCOPE.match(line):
                return True
            depth = own
    return False


def _arguments(source: str) -> ast.arguments | None:
    try:
        body = parse(f"def function{source}: pass").body
    except Unparsable:
        return None
    match body:
        case [ast.FunctionDef(args=ast.arguments(vararg=None, kwonlyargs=[], kwarg=None) as args)]:
            return args
    return None


def asked_function(text: str, signatures: list[Signature]) -> str | None:
    """Return the name of the function that a text asks for; None where it names none, or several.

    It is the last one that the text defines, unless it speaks by name of others: then the only one.
    """
    called = {one or other for one, other in _CALLED.findall(text)} - set(dir(builtins))
    defined = [one.name for one in signatures if not one.methodical] or [
        one.name for one in signatures
    ]
    if defined and called <= {defined[-1]}:
        return defined[-1]
    return called.pop() if len(called) == 1 else None
