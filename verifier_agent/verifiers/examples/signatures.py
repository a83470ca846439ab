"""What a task text says of the function that is asked for: its name and its parameters."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from verifier_agent.verifiers.examples.literals import closing
from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, parse

_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*(?=\()", re.MULTILINE)
_CALLED = re.compile(
    r"\b(?:function|method|write|implement|define|complete)\s+(?:(?:called|named)\s+)?[`'\"]?(\w+)[`'\"]?(?=\(|[`'\"])|"
    r"\b(?:called|named)\s+[`'\"](\w+)[`'\"]"
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
    """True for a method."""


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
                    methodical=names[:1] in (["self"], ["cls"]),
                )
            )
    return found


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

    It is the last one that the text defines, or the only one that it speaks of by name.
    """
    if signatures:
        return signatures[-1].name
    called = {one or other for one, other in _CALLED.findall(text)}
    return called.pop() if len(called) == 1 else None
