"""Policies and stop rules: pure functions that decide where compute goes next.

Composition reads like the sentence: `until(sample(32, batch=4), agree(0.95) | spent(usd=0.05))`.
"""

from verifier_agent.search.beams import beam
from verifier_agent.search.policy import Policy, PolicyFunction, policy
from verifier_agent.search.revising import revise
from verifier_agent.search.sampling import best_of, sample
from verifier_agent.search.stopping import (
    StopRule,
    agree,
    all_of,
    any_of,
    hopeless,
    passed,
    resolve_policy,
    spent,
    stop_rule,
    until,
)

__all__ = [
    "Policy",
    "PolicyFunction",
    "StopRule",
    "agree",
    "all_of",
    "any_of",
    "beam",
    "best_of",
    "hopeless",
    "passed",
    "policy",
    "resolve_policy",
    "revise",
    "sample",
    "spent",
    "stop_rule",
    "until",
]
