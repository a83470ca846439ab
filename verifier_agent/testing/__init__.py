"""Public doubles for tests: loopback servers that count, scripts for them; law checks."""

from __future__ import annotations

from verifier_agent.testing.completions import characters, words
from verifier_agent.testing.ledger import Served
from verifier_agent.testing.policy_checks import check_policy
from verifier_agent.testing.rewards import RewardServer, RowFault
from verifier_agent.testing.script import (
    Choice,
    Fault,
    Reply,
    Request,
    Script,
    Usage,
    always,
    by_seed,
    cycle,
)
from verifier_agent.testing.selector_checks import check_selector
from verifier_agent.testing.server import ModelServer
from verifier_agent.testing.verifier_checks import check_verifier

__all__ = [
    "Choice",
    "Fault",
    "ModelServer",
    "Reply",
    "Request",
    "RewardServer",
    "RowFault",
    "Script",
    "Served",
    "Usage",
    "always",
    "by_seed",
    "characters",
    "check_policy",
    "check_selector",
    "check_verifier",
    "cycle",
    "words",
]
