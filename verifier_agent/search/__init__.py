"""Policies and stop rules: pure functions that decide where compute goes next.

Composition reads like the sentence: `until(sample(32, batch=4), agree(0.95) | spent(usd=0.05))`.
"""

from verifier_agent.search.beams import beam
from verifier_agent.search.policy import Policy, PolicyFunction, policy
from verifier_agent.search.revising import revise
from verifier_agent.search.sampling import best_of, sample
from verifier_agent.search.stopping import (
    StopRule,
    all_of,
    any_of,
    resolve_policy,
    stop_rule,
    until,
)
from verifier_agent.search.stopping_scores import fair_cap, hopeless, passed, plateau, proven
from verifier_agent.search.stopping_spend import spent
from verifier_agent.search.stopping_votes import agree, lead, window

__all__ = [
    "Policy",
    "PolicyFunction",
    "StopRule",
    "agree",
    "all_of",
    "any_of",
    "beam",
    "best_of",
    "fair_cap",
    "hopeless",
    "lead",
    "passed",
    "plateau",
    "policy",
    "proven",
    "resolve_policy",
    "revise",
    "sample",
    "spent",
    "stop_rule",
    "until",
    "window",
]
