"""A selector for answers in words: those that mean the same have one vote each for one answer.

A verifier that compares meanings says of each candidate, as evidence, which earlier candidate says
the same: {"same_as": "g0"}; the first of each meaning names itself.
`verifier_agent.verifiers.MeaningAgreement` does so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verifier_agent.selection.election import shown
from verifier_agent.selection.selector import Selector, selector
from verifier_agent.selection.votes import vote
from verifier_agent.values import Judged, Selection


@selector
def by_meaning(judged: Sequence[Judged], then: Selector | None = None) -> Selection:
    """Choose as `then` (None: `vote`) would if answers of one meaning had one key.

    Support names each meaning by the answer of its first candidate. Candidates nobody compared
    keep the key they have.
    """
    by_id = {j.candidate.id: j for j in judged}
    read = [
        j if first is None else replace(j, candidate=replace(j.candidate, answer=shown(first)))
        for j in judged
        for first in [by_id.get(_same_as(j))]
    ]
    chosen = (then or vote())(read)
    if chosen.candidate is None:
        return chosen
    return replace(chosen, answer=shown(by_id[chosen.candidate]))


def _same_as(judged: Judged) -> str:
    said = (v.evidence.get("same_as") for v in judged.verdicts)
    return next((one for one in said if isinstance(one, str)), "")
