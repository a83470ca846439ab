"""Reward models on this machine: specs as data, two runtimes, each token computed once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from verifier_agent.verifiers.local.presets import PRESETS, preset
from verifier_agent.verifiers.local.spec import Labels, Number, PRMSpec, TokenPair

if TYPE_CHECKING:
    from verifier_agent.verifiers.local.reward_model import LocalRewardModel

__all__ = ["PRESETS", "Labels", "LocalRewardModel", "Number", "PRMSpec", "TokenPair", "preset"]


def __getattr__(name: str) -> Any:
    if name != "LocalRewardModel":  # it needs an extra
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.reward_model").LocalRewardModel
