"""A selector that reads step scores in its own way, whatever the search went by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verifier_agent.aggregation import Aggregation, rescored
from verifier_agent.selection.selector import Selector, selector
from verifier_agent.selection.votes import best
from verifier_agent.values import Judged, Selection


@selector
def by_steps(
    judged: Sequence[Judged], how: Aggregation = "last", then: Selector | None = None
) -> Selection:
    """Choose as `then` (None: `best`) would if step scores were put together by `how`.

    Searching by one rule and choosing by another is common: search-and-learn searches by any and
    chooses by "last". To change both, name the verifier "NAME@HOW".
    """
    read = [replace(j, verdicts=tuple(rescored(v, how) for v in j.verdicts)) for j in judged]
    return (then or best())(read)
