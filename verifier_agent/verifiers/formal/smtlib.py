"""Constraints in SMT-LIB: read from text, or built by a Python function over z3's variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifier_agent.answers.numerals import read_number
from verifier_agent.errors import ConfigurationError, MissingExtra
from verifier_agent.plain import Value

SORTS = ("Bool", "Int", "Real", "String")
"""Sorts of the values that an answer can give."""
LONGEST = 200_000
"""Characters of a text with constraints."""
_TOKEN = re.compile(r';[^\n]*|"(?:[^"]|"")*"|\|[^|]*\||[()]|[^\s()|";]+')
_NAMED = re.compile(r":named\s+(\|[^|]*\||[^\s()]+)\s*\)\s*\)\Z")
_DECLARED = re.compile(
    r"\(\s*declare-(?:const\s+(?P<const>\|[^|]*\||[^\s()]+)|fun\s+(?P<fun>\|[^|]*\||[^\s()]+)"
    r"\s*\(\s*\))\s+(?P<sort>\w+)\s*\)\Z"
)
_LEFT_OUT = ("check-", "echo", "exit", "get-", "set-")
"""What commands begin with that say nothing about the problem, and are not run."""
_OBJECTIVES = ("maximize", "minimize")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Value):
    """Constraints over named values."""

    declared: str
    """Everything that is declared or defined."""
    sorts: dict[str, str]
    """The names whose values an answer can give, each with its sort."""
    constraints: tuple[str, ...]
    """Each as an `assert`."""
    labels: tuple[str, ...]
    """What each is called: its `:named`, or else what it says."""
    objectives: tuple[str, ...] = ()
    """What is to be largest or smallest, the first one first."""


def read_problem(text: str) -> Problem:
    """Read declarations, assertions, `maximize` and `minimize`. Raises ConfigurationError."""
    z3 = imported_z3()
    if len(text) > LONGEST:
        raise ConfigurationError(f"constraints of {len(text)} characters are too long to read")
    declared: list[str] = []
    asserted: list[str] = []
    objectives: list[str] = []
    for command, form in _forms(text):
        if command == "assert":
            asserted.append(form)
        elif command in _OBJECTIVES:
            objectives.append(form)
        elif command.startswith(("declare-", "define-")):
            declared.append(form)
        elif not command.startswith(_LEFT_OUT):
            raise ConfigurationError(f"constraints: `{command}` is not known here")
    if not asserted:
        raise ConfigurationError("there is no `assert` in the constraints")
    before = "\n".join(declared)
    labels = tuple(_label(z3, before, form) for form in asserted)
    try:
        z3.Optimize(ctx=z3.Context()).from_string("\n".join((before, *objectives)))
    except z3.Z3Exception as error:
        raise ConfigurationError(f"constraints: {_complaint(error)}") from None
    sorts = dict(filter(None, map(_sort, declared)))
    if not sorts:
        raise ConfigurationError(f"no constant of the sorts {', '.join(SORTS)} is declared")
    return Problem(
        declared=before,
        sorts=sorts,
        constraints=tuple(asserted),
        labels=labels,
        objectives=tuple(objectives),
    )


Rules = Callable[..., Any]
"""z3 variables by name -> constraints: one, several, or several by name."""


def build_problem(rules: Rules, sorts: Mapping[str, str]) -> Problem:
    """Call `rules` with a z3 variable for each name, and read what it makes."""
    z3 = imported_z3()
    unknown = next((sort for sort in sorts.values() if sort not in SORTS), None)
    if unknown is not None or not sorts:
        raise ConfigurationError(f"a sort is one of {', '.join(SORTS)}, and not {unknown!r}")
    made = rules(**{name: getattr(z3, sort)(name) for name, sort in sorts.items()})
    named = made if isinstance(made, Mapping) else {}
    given = list(named.values()) if named else made
    several = given if isinstance(given, Iterable) and not z3.is_expr(given) else [given]
    declared = [f"(declare-const {_quoted(name)} {sort})" for name, sort in sorts.items()]
    known, asserted = set(declared), []
    for number, one in enumerate(several):
        if isinstance(one, bool):
            one = z3.BoolVal(one)  # Python has settled it already
        if not z3.is_bool(one):
            raise ConfigurationError(f"a constraint is {one!r}: an expression of z3 is needed")
        solver = z3.Solver()
        solver.add(one)
        for command, form in _forms(solver.sexpr()):
            found = _sort(form)
            if command == "assert":
                label = list(named)[number] if named else str(one)
                inner = form.removeprefix("(assert").strip()[:-1]
                asserted.append(f"(assert (! {inner} :named {_quoted(str(label))}))")
            elif (found is None or found[0] not in sorts) and form not in known:
                known.add(form)
                declared.append(form)
    return read_problem("\n".join((*declared, *asserted)))


def literal(sort: str, value: Any) -> str | None:
    """Return `value` as SMT-LIB writes it; None if it is not of the sort.

    A number may be a text of one: what writes JSON often puts all values in quotes.
    """
    if sort == "Bool":
        return str(value).lower() if isinstance(value, bool) else None
    if sort == "String":
        if not isinstance(value, str):
            return None
        return '"' + "".join(_escaped(sign) for sign in value) + '"'
    if isinstance(value, str):
        value = read_number(value)
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        return None
    number = Fraction(value)
    if sort == "Int":
        return _whole(number.numerator) if number.denominator == 1 else None
    size = f"(/ {abs(number.numerator)}.0 {number.denominator}.0)"
    return size if number >= 0 else f"(- {size})"


def equation(name: str, written: str) -> str:
    """Return the assertion that a name has a value."""
    return f"(assert (= {_quoted(name)} {written}))"


def imported_z3() -> Any:
    """Return z3. Raises MissingExtra where it is not installed."""
    try:
        import z3
    except ImportError:
        raise MissingExtra("the verifier of constraints", "z3") from None
    return z3


def _forms(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command with its text."""
    depth, start = 0, 0
    words: list[str] = []
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign.startswith(";"):
            continue
        if not depth:
            start, words = token.start(), []
        words.append(sign)
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0 or (not depth and sign != ")"):
            raise ConfigurationError(f"constraints: {sign[:80]!r} stands outside any command")
        if not depth:
            yield words[1], text[start : token.end()]
    if depth:
        raise ConfigurationError("constraints: a bracket is not closed")


def _label(z3: Any, declared: str, form: str) -> str:
    named = _NAMED.search(form)
    try:
        read = z3.parse_smt2_string(f"{declared}\n{form}", ctx=z3.Context())
    except z3.Z3Exception as error:
        raise ConfigurationError(f"constraints: {_complaint(error)} in {form[:200]}") from None
    said = " ".join(str(read[0] if len(read) else True).split())
    said = said if len(said) <= 200 else f"{said[:199]}…"
    if named is None or named[1].strip("|") == said:
        return said
    return f"{named[1].strip('|')} ({said})"


def _sort(form: str) -> tuple[str, str] | None:
    found = _DECLARED.match(form)
    if found is None or found["sort"] not in SORTS:
        return None
    return (found["const"] or found["fun"]).strip("|"), found["sort"]


def _complaint(error: Exception) -> str:
    said = error.args[0] if error.args else error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return text.strip().removeprefix('(error "').removesuffix('")')


def _quoted(name: str) -> str:
    return "|" + re.sub(r"[|\\]", "/", name) + "|"


def _escaped(sign: str) -> str:
    if sign == '"':
        return '""'
    return sign if " " <= sign <= "~" and sign != "\\" else f"\\u{{{ord(sign):x}}}"


def _whole(number: int) -> str:
    return str(number) if number >= 0 else f"(- {-number})"
