"""A loopback server of reward models that speaks the dialects of many servers."""

from __future__ import annotations

from verifier_agent.testing.rewards.faults import RowFault
from verifier_agent.testing.rewards.server import RewardServer

__all__ = ["RewardServer", "RowFault"]
