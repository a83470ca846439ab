"""Examples of a function as calls with what comes of them, in lines of a text."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from verifier_agent.verifiers.programs.examples.doubts import is_taken_back
from verifier_agent.verifiers.programs.examples.literals import (
    Written,
    closing,
    holds,
    is_written_out,
    literal_at,
)
from verifier_agent.verifiers.programs.examples.signatures import Signature
from verifier_agent.verifiers.sandboxes.comparisons import Unparsable, is_literal, parse

_GIVES = re.compile(
    r"`?[ \t]*(?:=+>|-+>|={1,3}|➞|→|⇒|⟶|⟹|"
    r"(?:#|//)[ \t]*(?:(?:should[ \t]+)?(?:return|give|output|print)s?|=+>|-+>|={1,2}|→|➞)"
    r"|(?:should|must|will|would)[ \t]+(?:return|be|give|equal|yield|output)|"
    r"returns?|gives?|yields?|outputs?|equals|evaluates[ \t]+to|is)[ \t]*:?[ \t]*`?",
    re.IGNORECASE,
)
_AGAIN = re.compile(r"[ \t]*={1,2}>?[ \t]*")
_AFTER = re.compile(
    r"[`)*]*[ \t]*(?:$|(?:#|//|--).*$|[.;](?:\s.*)?$|,?[ \t]*$|"
    r"\((?!(?:mod|if|when|or|in|up|only)\b)[^()]*\)[ \t]*[.;,]?$|"
    r",?[ \t]*(?:since|because|as|where|while|which is|i\.e\.|and)\b(?![ \t]*[-+\d\"'\[({]).*$)"
)
"""What may stand behind the value: nothing that goes on with it."""
_OPERATORS = "-+*/%<>=({[.,|&!~^@\\"
_BULLET = re.compile(r"[ \t]*[-*+#>•]+")
_PUNCTUATED = re.compile(r".*(?:(?:^|\s)\(|[\w)`'\"\]][,.;])", re.DOTALL)
_LEADS_ON = re.compile(r"\b(?:def|class|return|not|or|if|unless|either|while|lambda|in)$")


def asserted(text: str, name: str) -> Iterator[str]:
    """Return the lines that are assertions about the function and values that are written out."""
    for begin, source, test in _assertions(text):
        end = begin + len(source.encode()[: test.end_col_offset].decode())
        if _is_about(test, name) and not is_taken_back(text, begin, end, name):
            yield ast.unparse(ast.Assert(test=test))


def asserted_function(text: str) -> str | None:
    """Return the name of the function that a text has assertions about; None for several."""
    calls = (
        n.func
        for _, _, test in _assertions(text)
        for n in ast.walk(test)
        if isinstance(n, ast.Call)
    )
    names = {one.id for one in calls if isinstance(one, ast.Name)} - set(dir(builtins))
    return names.pop() if len(names) == 1 else None


def _assertions(text: str) -> Iterator[tuple[int, str, ast.expr]]:
    """Yield the lines that are assertions: where each begins, its source and what it asserts."""
    for line in re.finditer(r"^.*$", text, re.MULTILINE):
        source = line[0].strip().strip("`")
        if not source.startswith("assert "):
            continue
        try:
            body = parse(source).body
        except Unparsable:
            continue
        match body:
            case [ast.Assert(test=test)]:
                yield line.start() + line[0].index(source), source, test


def _is_about(node: ast.AST, name: str) -> bool:
    """Return True if `node` calls `name`, and all its other names are built in."""
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    called = any(isinstance(one, ast.Name) and one.id == name for one in calls)
    return called and is_written_out(node) and names - {name} <= set(dir(builtins))


def said(text: str, name: str) -> Iterator[str]:
    """Return what lines say that a call gives: "f(1) == 2", "f(1) returns 2"."""
    for match in re.finditer(rf"(?<![\w.]){re.escape(name)}[ \t]?(?=\()", text):
        begin, end = match.start(), closing(text, match.end())
        call = None if end is None else _call(text[begin:end], name)
        if end is None or call is None:
            continue
        if text[:begin].endswith("print(") and text[end : end + 1] == ")":
            begin, end = begin - len("print("), end + 1
        found = _given(text, end)
        if found is None or is_taken_back(text, begin, found[1], name):
            continue
        if _stands_alone(text, begin, found[1], name):
            source = holds(call, found[0])
            if source is not None:
                yield source


def _call(source: str, name: str) -> str | None:
    """Return a call with nothing but values that are written out, in one form; None for others."""
    try:
        body = parse(" ".join(source.split("\n"))).body
    except Unparsable:
        return None
    match body:
        case [ast.Expr(value=ast.Call(func=ast.Name(id=found), args=args, keywords=keywords))]:
            given = [*args, *(keyword.value for keyword in keywords)]
            named = found == name and all(keyword.arg for keyword in keywords)
            literal = all(is_literal(one) and is_written_out(one) for one in given)
            return ast.unparse(body[0]) if named and literal and "\\\\" not in source else None
    return None


def _given(text: str, at: int) -> tuple[Written, int] | None:
    """Return the value that a text says comes of what ends at `at`, and where that ends."""
    relation = _GIVES.match(text, at)
    expected = literal_at(text, relation.end()) if relation else None
    if expected is None:
        return None
    end = expected.end
    while chained := _AGAIN.match(text, end):
        again = literal_at(text, chained.end())
        if again is None or again.value != expected.value:
            return None
        end = again.end
    return expected, end


def _stands_alone(text: str, begin: int, end: int, name: str) -> bool:
    """Return True if what stands around [begin, end) in its lines is no part of it.

    Behind it may stand the next call of the function.
    """
    first = text.rfind("\n", 0, begin) + 1
    last = text.find("\n", end)
    before = text[first:begin].rstrip(" \t`")
    after = text[end : len(text) if last < 0 else last]
    again = re.match(rf"[`)]*[ \t]*[,;][ \t]*`?{re.escape(name)}[ \t]?\(", after)
    if not (again or _AFTER.match(after)) or _LEADS_ON.search(before):
        return False
    bullet, punctuated = _BULLET.fullmatch(before), _PUNCTUATED.fullmatch(before)
    goes_on = bool(before) and before[-1] in _OPERATORS
    return not goes_on or bullet is not None or punctuated is not None


def under_another_name(text: str, signature: Signature) -> Iterator[str]:
    """Return examples of a function that a text, which defines one, calls by another name.

    Authors rename a function and forget the examples below it. Only lines that are nothing but an
    example count, with as many arguments as the function has parameters.
    """
    below = text[signature.begin :]
    lines = re.findall(r"^[ \t]*(?:assert |for )?([A-Za-z_]\w*)\((?=.*(?:=|>|➞|→))", below, re.M)
    others = {one for one in lines if not hasattr(builtins, one)} - {signature.name}
    if len(others) != 1:
        return
    other = others.pop()
    lone = re.findall(rf"^[ \t]*(?:assert |for )?{other}\(", below, re.M)
    if len(re.findall(rf"\b{other}\b", text)) != len(lone):
        return
    least, most = len(signature.required), len(signature.required) + len(signature.optional)
    for source in said(text, other):
        module = parse(source)
        calls = [n for n in ast.walk(module) if isinstance(n, ast.Call)]
        renamed = next(n for n in calls if ast.unparse(n.func) == other)
        if renamed.keywords or not least <= len(renamed.args) <= most:
            return
        renamed.func = ast.Name(id=signature.name)
        yield ast.unparse(module)
