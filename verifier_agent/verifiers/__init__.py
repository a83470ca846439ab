"""Verifiers: task and candidates in, one verdict each out, in the same order."""

from typing import TYPE_CHECKING, Any

from verifier_agent.verifiers.agreement import Agreement
from verifier_agent.verifiers.function import FunctionVerifier
from verifier_agent.verifiers.judge import Judge
from verifier_agent.verifiers.names import VerifierLike, resolve_verifiers

if TYPE_CHECKING:
    from verifier_agent.verifiers.steps import ArithmeticSteps

__all__ = [
    "Agreement",
    "ArithmeticSteps",
    "FunctionVerifier",
    "Judge",
    "VerifierLike",
    "resolve_verifiers",
]


def __getattr__(name: str) -> Any:
    # the arithmetic reader compiles many patterns, and is needed by few
    if name != "ArithmeticSteps":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from verifier_agent.verifiers.steps import ArithmeticSteps

    return ArithmeticSteps
