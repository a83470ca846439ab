"""Examples in the text of a task, as tests: what it says that the program gives for what.

Better none than a wrong one: a test made here is as hard as one that the user wrote. Where a text
does not say plainly what comes of what (placeholders, alternatives, reports of bugs, numbers that
were rounded within a list), there is no test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from verifier_agent.verifiers.examples.calls import asserted, said, under_another_name
from verifier_agent.verifiers.examples.pairs import in_pairs, in_sentences
from verifier_agent.verifiers.examples.sessions import typed
from verifier_agent.verifiers.examples.signatures import Signature, asked_function, signatures_in
from verifier_agent.verifiers.sandboxes.comparisons import comparison_of, parse
from verifier_agent.verifiers.sandboxes.sandbox import CodeTest

MOST = 50
"""Examples that are read from one text."""
_QUOTES = re.compile(r"\"{3}|'{3}")
_SEVERAL = re.compile(
    r"\bany order\b|\border (?:does not|doesn't) matter\b|\bany (?:valid|one|such)\b|"
    r"\bany of (?:them|these|those)\b|\b(?:multiple|several) (?:valid |possible |correct )?"
    r"(?:answers|solutions|outputs)\b",
    re.IGNORECASE,
)


def examples_in(text: str, entry_point: str | None = None) -> tuple[CodeTest, ...]:
    """Return a test for each example in `text` of what the function `entry_point` gives.

    Without `entry_point` it is the one that the text defines or names. Read are doctests,
    assertions, calls with what comes of them (`f(1) == 2`, `=>`, `->`, "returns", "should be"),
    "Input: x = 1" with "Output: 2", and "For x = 1 the output should be 2".

        >>> examples_in("Write double(x): double(2) returns 4.", "double")[0].source
        'assert double(2) == 4'

    Of examples that contradict each other none is a test, and where several answers are right only
    those about plain values are.
    """
    # what is in a docstring stands in lines of its own
    text = _QUOTES.sub("\n", text)
    signatures = signatures_in(text)
    name = entry_point or asked_function(text, signatures)
    if name is None:
        return ()
    signature = next((one for one in signatures if one.name == name), None)
    found = list(_found(text, name, signature))
    if not found and signature is not None and len(signatures) == 1:
        found = list(under_another_name(text, signature))
    return tuple(_agreeing(found, plain_only=bool(_SEVERAL.search(text))))[:MOST]


def _found(text: str, name: str, signature: Signature | None) -> Iterator[str]:
    yield from typed(text, name)
    yield from asserted(text, name)
    yield from said(text, name)
    if signature is not None and not signature.methodical:
        yield from in_pairs(text, signature)
        yield from in_sentences(text, signature)


def _agreeing(sources: Iterable[str], *, plain_only: bool) -> Iterator[CodeTest]:
    """Return one test of each, without those that contradict one another."""
    by_question: dict[str, set[str]] = {}
    for source in sources:
        compared = comparison_of(source)
        if compared and compared.literal:
            if plain_only and isinstance(compared.value, list | tuple | dict):
                continue
            by_question.setdefault(compared.asked, set()).add(ast.unparse(parse(source)))
        else:
            by_question.setdefault(source, set()).add(source)
    return (CodeTest(source=min(each)) for each in by_question.values() if len(each) == 1)
