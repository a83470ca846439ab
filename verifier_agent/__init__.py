"""Test-time compute for LangGraph and LangChain: generate, verify, revise, select.

>>> from verifier_agent import Budget, create_verifier_agent
>>> agent = create_verifier_agent("embedded", budget=Budget(calls=8), seed=0)
"""

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
    "Verifier",
    "VerifierAgentError",
    "Verify",
    "create_verifier_agent",
]
