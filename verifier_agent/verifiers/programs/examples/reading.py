"""Examples in the text of a task, as tests: what it says that the program gives for what.

Better none than a wrong one: a test made here is as hard as one that the user wrote. Where a text
does not say plainly what comes of what (placeholders, alternatives, reports of bugs, numbers that
were rounded within a list), there is no test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from verifier_agent.verifiers.programs.examples.calls import (
    asserted,
    asserted_function,
    said,
    under_another_name,
)
from verifier_agent.verifiers.programs.examples.doubts import gives_nothing_back, reports_a_bug
from verifier_agent.verifiers.programs.examples.pairs import in_pairs, in_sentences
from verifier_agent.verifiers.programs.examples.sessions import typed
from verifier_agent.verifiers.programs.examples.signatures import (
    Signature,
    asked_function,
    signatures_in,
)
from verifier_agent.verifiers.sandboxes.comparisons import asked_and_expected, parse
from verifier_agent.verifiers.sandboxes.sandbox import CodeTest

MOST = 50
"""Examples that are read from one text."""
LONGEST = 50_000
"""Characters of a text in which examples are looked for; reading takes time."""
_QUOTES = re.compile(r"\"{3}|'{3}")
_ANY_ORDER = re.compile(
    r"\b(?:any|arbitrary|whatever|no particular|random) order\b|"
    r"\border (?:does not|doesn't|need not) matter\b|"
    r"\border (?:is|are)(?:n't| not| un| ir)[ ]?(?:important|relevant)\b",
    re.IGNORECASE,
)
_ANY_ANSWER = re.compile(
    r"\bany (?:valid|one|such)\b|\bany of (?:them|these|those)\b|\b(?:multiple|several|many) "
    r"(?:valid |possible |correct |right )?(?:answers|solutions|outputs)\b|"
    r"\b(?:return|pick|choose|select|generate|give|draw)s?\b[^.\n]{0,40}\brandom",
    re.IGNORECASE,
)


def examples_in(text: str, entry_point: str | None = None) -> tuple[CodeTest, ...]:
    """Return a test for each example in `text` of what the function `entry_point` gives.

    Without `entry_point` it is the one that the text defines, names or has assertions about. Read
    are doctests, assertions, calls with what comes of them (`f(1) == 2`, `=>`, `->`, "returns",
    "should be"), "Input: x = 1" with "Output: 2", and "For x = 1 the output should be 2".

        >>> examples_in("Write double(x): double(2) returns 4.", "double")[0].source
        'assert double(2) == 4'

    Of examples that contradict each other none is a test. Where any order is right none is about a
    collection or a text, and where any of several answers is, all are about True, False or None.
    Only assertions are read in the report of a bug (what else it shows may be the bug) and about
    functions that print or work in place (what else it shows need not be what they return). A text
    of more than LONGEST characters has none.
    """
    if len(text) > LONGEST:
        return ()
    # what is in a docstring stands in lines of its own
    text = _QUOTES.sub("\n", text)
    signatures = signatures_in(text)
    name = entry_point or asked_function(text, signatures) or asserted_function(text)
    if name is None:
        return ()
    signature = next((one for one in signatures if one.name == name), None)
    if signature is not None and signature.methodical:
        return ()
    found = list(asserted(text, name))
    if not (reports_a_bug(text) or gives_nothing_back(text)):
        found += _found(text, name, signature)
        if not found and signature is not None and len(signatures) == 1:
            found = list(under_another_name(text, signature))
    any_answer, any_order = (bool(one.search(text)) for one in (_ANY_ANSWER, _ANY_ORDER))
    settled = [source for source in found if _is_settled(source, any_answer, any_order)]
    return tuple(_agreeing(settled))[:MOST]


def _found(text: str, name: str, signature: Signature | None) -> Iterator[str]:
    yield from typed(text, name)
    yield from said(text, name)
    if signature is not None:
        yield from in_pairs(text, signature)
        yield from in_sentences(text, signature)


def _is_settled(source: str, any_answer: bool, any_order: bool) -> bool:
    """Return True if nothing else than what an assertion expects is right too."""
    expected = asked_and_expected(source)[1]
    if expected is None:
        return True
    if any_answer:
        return expected in ("True", "False", "None")
    return not (any_order and expected[0] in "[({'\"")


def _agreeing(sources: Iterable[str]) -> Iterator[CodeTest]:
    """Return one test of each, without those that contradict one another."""
    by_question: dict[str, set[str]] = {}
    for source in sources:
        asked, _ = asked_and_expected(source)
        by_question.setdefault(asked, set()).add(ast.unparse(parse(source)))
    return (CodeTest(source=min(each)) for each in by_question.values() if len(each) == 1)
