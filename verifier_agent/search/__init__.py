"""Policies and stop rules: pure functions that decide where compute goes next.

Composition reads like the sentence: `until(sample(32, batch=4), agree(0.95) | spent(usd=0.05))`.
"""

from verifier_agent.search.adaptive.adapting import adaptive
from verifier_agent.search.branching import wider_or_deeper
from verifier_agent.search.chaining import chains
from verifier_agent.search.difficulties import Difficulty, agreement, difficulty, scored
from verifier_agent.search.exploring import thompson
from verifier_agent.search.mixtures import route, table, then
from verifier_agent.search.models import bandit, cascade
from verifier_agent.search.policy import Policy, PolicyFunction, policy
from verifier_agent.search.revising import revise
from verifier_agent.search.sampling import best_of, sample
from verifier_agent.search.selecting import selective
from verifier_agent.search.stepwise.beams import beam
from verifier_agent.search.stepwise.filtering import particles
from verifier_agent.search.stepwise.forcing import forced
from verifier_agent.search.stepwise.labelling import rollouts
from verifier_agent.search.stepwise.monte_carlo import mcts
from verifier_agent.search.stepwise.rebalancing import rebase
from verifier_agent.search.stopping.rule import (
    StopRule,
    all_of,
    any_of,
    resolve_policy,
    stop_rule,
    until,
)
from verifier_agent.search.stopping.scores import fair_cap, hopeless, passed, plateau, proven
from verifier_agent.search.stopping.spend import spent
from verifier_agent.search.stopping.votes import agree, lead, window
from verifier_agent.search.tuned import PolicyLike, Tuned, read_policy, tuned

__all__ = [
    "Difficulty",
    "Policy",
    "PolicyFunction",
    "PolicyLike",
    "StopRule",
    "Tuned",
    "adaptive",
    "agree",
    "agreement",
    "all_of",
    "any_of",
    "bandit",
    "beam",
    "best_of",
    "cascade",
    "chains",
    "difficulty",
    "fair_cap",
    "forced",
    "hopeless",
    "lead",
    "mcts",
    "particles",
    "passed",
    "plateau",
    "policy",
    "proven",
    "read_policy",
    "rebase",
    "resolve_policy",
    "revise",
    "rollouts",
    "route",
    "sample",
    "scored",
    "selective",
    "spent",
    "stop_rule",
    "table",
    "then",
    "thompson",
    "tuned",
    "until",
    "wider_or_deeper",
    "window",
]
