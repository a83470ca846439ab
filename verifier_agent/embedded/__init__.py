"""The small generator and process reward model that ship with the package, run with numpy alone.

>>> from verifier_agent.embedded import EmbeddedChatModel, example
>>> EmbeddedChatModel(seed=0).invoke(example(level=1, seed=0).question).content  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from verifier_agent.embedded.family import LEVELS, Problem, example, examples

if TYPE_CHECKING:
    from verifier_agent.embedded.chat_model import EmbeddedChatModel
    from verifier_agent.embedded.reward_model import EmbeddedRewardModel

__all__ = [
    "LEVELS",
    "EmbeddedChatModel",
    "EmbeddedRewardModel",
    "Problem",
    "example",
    "examples",
]

_NEED_NUMPY = {"EmbeddedChatModel": "chat_model", "EmbeddedRewardModel": "reward_model"}


def __getattr__(name: str) -> Any:
    if name not in _NEED_NUMPY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_NEED_NUMPY[name]}"), name)
