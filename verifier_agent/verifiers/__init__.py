"""Verifiers: task and candidates in, one verdict each out, in the same order."""

from verifier_agent.verifiers.agreement import Agreement
from verifier_agent.verifiers.function import FunctionVerifier
from verifier_agent.verifiers.judge import Judge
from verifier_agent.verifiers.names import VerifierLike, resolve_verifiers
from verifier_agent.verifiers.steps import ArithmeticSteps

__all__ = [
    "Agreement",
    "ArithmeticSteps",
    "FunctionVerifier",
    "Judge",
    "VerifierLike",
    "resolve_verifiers",
]
