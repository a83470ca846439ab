"""Test-time compute for LangGraph and LangChain: generate, verify, revise, select.

>>> from verifier_agent import Budget, create_verifier_agent
>>> agent = create_verifier_agent("embedded", budget=Budget(calls=8), seed=0)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from verifier_agent.budget import Budget, Footprint, Price
from verifier_agent.errors import (
    AccountEmpty,
    BudgetTooSmall,
    ConfigurationError,
    GenerationError,
    MissingExtra,
    PolicyError,
    RunBusy,
    VerificationError,
    VerifierAgentError,
)
from verifier_agent.graph import Run, create_verifier_agent
from verifier_agent.values import (
    Candidate,
    Cost,
    Generate,
    Judged,
    Revise,
    Select,
    Selection,
    Task,
    Verdict,
    Verifier,
    Verify,
)

if TYPE_CHECKING:
    from verifier_agent.integrations.chat_model import VerifiedChatModel
    from verifier_agent.integrations.middleware import VerifierMiddleware

__all__ = [
    "AccountEmpty",
    "Budget",
    "BudgetTooSmall",
    "Candidate",
    "ConfigurationError",
    "Cost",
    "Footprint",
    "Generate",
    "GenerationError",
    "Judged",
    "MissingExtra",
    "PolicyError",
    "Price",
    "Revise",
    "Run",
    "RunBusy",
    "Select",
    "Selection",
    "Task",
    "Verdict",
    "VerificationError",
    "VerifiedChatModel",
    "Verifier",
    "VerifierAgentError",
    "VerifierMiddleware",
    "Verify",
    "create_verifier_agent",
]


_LAZY = {
    "VerifiedChatModel": "verifier_agent.integrations.chat_model",
    "VerifierMiddleware": "verifier_agent.integrations.middleware",
}
"""What takes long to import, or needs an extra: its module is read when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
