"""Reward models behind a server: one adapter, and a table of the formats that servers speak."""

from __future__ import annotations

from verifier_agent.verifiers.hosted.reward_model import HostedRewardModel
from verifier_agent.verifiers.hosted.wires import WIRES, Wire, WireName

__all__ = ["WIRES", "HostedRewardModel", "Wire", "WireName"]
