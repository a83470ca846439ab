"""Selectors: from judged candidates to one answer with a confidence. Pure.

A selector sees every finished candidate of the whole tree, sorted by id; ties go to the first, so
the choice never depends on finishing order.
"""

from verifier_agent.selection.by_meaning import by_meaning
from verifier_agent.selection.by_steps import by_steps
from verifier_agent.selection.chains import chain_vote
from verifier_agent.selection.consensus import consensus
from verifier_agent.selection.dual_agreement import dual_agreement
from verifier_agent.selection.selector import (
    Selector,
    SelectorFunction,
    resolve_selector,
    selector,
)
from verifier_agent.selection.tournament import tournament
from verifier_agent.selection.votes import (
    best,
    calibrated_vote,
    frequent_best,
    reliable_vote,
    vote,
    weighted_vote,
)

__all__ = [
    "Selector",
    "SelectorFunction",
    "best",
    "by_meaning",
    "by_steps",
    "calibrated_vote",
    "chain_vote",
    "consensus",
    "dual_agreement",
    "frequent_best",
    "reliable_vote",
    "resolve_selector",
    "selector",
    "tournament",
    "vote",
    "weighted_vote",
]
