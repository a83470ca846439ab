"""Examples of a function told by its parameters: "Input: …" with "Output: …", and in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from verifier_agent.verifiers.programs.examples.doubts import is_taken_back
from verifier_agent.verifiers.programs.examples.literals import Written, holds, literal_at
from verifier_agent.verifiers.programs.examples.signatures import Signature

_INPUT = re.compile(r"^[ \t*#>-]*inputs?[*]*[ \t]*[:=][*]*", re.IGNORECASE | re.MULTILINE)
_OUTPUT = re.compile(
    r"\s*[*#>-]*[ \t]*(?:outputs?|returns?|result)[*]*[ \t]*[:=][*]*[ \t]*`?", re.IGNORECASE
)
_NAMED = re.compile(r"[\s,;`]*(?P<name>[A-Za-z_]\w*)[ \t]*[:=][ \t]*")
_LINE_END = re.compile(r"`?[ \t]*(?:$|[.;]?[ \t]*$|#.*$)", re.MULTILINE)
_SENTENCE = re.compile(r"\b(?:for|if|when|given|with)[ \t]+(?=[A-Za-z_]\w*[ \t]*=[^=])", re.I)
_SAYS = re.compile(
    r"[^\n=]{0,120}?\b(?:output|result|answer|function|it)[ \t]+(?:should|must|will)[ \t]+"
    r"(?:be|return)[ \t]*:?[ \t]*`?"
)
_MORE = re.compile(r"(?:[ \t]*,[ \t]*|[ \t]+and[ \t]+)(?=[A-Za-z_]\w*[ \t]*=[^=])")


def in_pairs(text: str, signature: Signature) -> Iterator[str]:
    """Return what "Input: x = 1" and "Output: 2" say, for a function of these parameters."""
    for match in _INPUT.finditer(text):
        found = _named(text, match.end()) or _bare(text, match.end(), signature)
        if found is None:
            continue
        given, end = found
        output = _OUTPUT.match(text, end)
        expected = literal_at(text, output.end()) if output else None
        if expected is not None and _is_whole(text, match.start(), expected.end, signature):
            yield from _assertion(signature, given, expected)


Given = Sequence[tuple[str, Written]]


def _named(text: str, at: int) -> tuple[Given, int] | None:
    given: list[tuple[str, Written]] = []
    while named := _NAMED.match(text, at):
        if _OUTPUT.match(text, at):
            break
        value = literal_at(text, named.end())
        if value is None:
            return None
        given.append((named["name"], value))
        at = value.end
    return (given, at) if given else None


def _bare(text: str, at: int, signature: Signature) -> tuple[Given, int] | None:
    """Return the values without names, if there are as many as required parameters."""
    given: list[tuple[str, Written]] = []
    while value := literal_at(text, at + len(text[at:]) - len(text[at:].lstrip(" \t`"))):
        given.append(("", value))
        at = value.end
        comma = re.compile(r"[ \t]*,").match(text, at)
        if comma is None:
            break
        at = comma.end()
    return (given, at) if given and len(given) == len(signature.required) else None


def in_sentences(text: str, signature: Signature) -> Iterator[str]:
    """Return what sentences say such as "For x = 1 the output should be 2"."""
    for match in _SENTENCE.finditer(text):
        found = _listed(text, match.end())
        says = _SAYS.match(text, found[1]) if found else None
        expected = literal_at(text, says.end()) if says else None
        if found is None or expected is None:
            continue
        if _is_whole(text, match.start(), expected.end, signature):
            yield from _assertion(signature, found[0], expected)


def _is_whole(text: str, begin: int, end: int, signature: Signature) -> bool:
    ends = _LINE_END.match(text, end) is not None
    return ends and not is_taken_back(text, begin, end, signature.name)


def _listed(text: str, at: int) -> tuple[Given, int] | None:
    given: list[tuple[str, Written]] = []
    while named := _NAMED.match(text, at):
        value = literal_at(text, named.end())
        if value is None:
            return None
        given.append((named["name"], value))
        more = _MORE.match(text, value.end)
        if more is None:
            return given, value.end
        at = more.end()
    return None


def _assertion(signature: Signature, given: Given, expected: Written) -> Iterator[str]:
    ordered = _in_order(signature, dict(given)) if given[0][0] else [v for _, v in given]
    if ordered is None or len(given) != len(ordered):
        return
    asked = f"{signature.name}({', '.join(value.source for value in ordered)})"
    source = holds(asked, expected)
    if source is not None:
        yield source


def _in_order(signature: Signature, given: dict[str, Written]) -> list[Written] | None:
    """Return the values in the order of the parameters; one of them may have another name."""
    names = list(signature.required)
    if len(given) != len(names):
        return None
    missing = [name for name in names if name not in given]
    other = [name for name in given if name not in names]
    if len(missing) > 1 or (missing and len(names) == 1 and not _alike(missing[0], other[0])):
        return None
    renamed = dict(zip(missing, other, strict=True))
    return [given[renamed.get(name, name)] for name in names]


def _alike(one: str, other: str) -> bool:
    return one in other or other in one
