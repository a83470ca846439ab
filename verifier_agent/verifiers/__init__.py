"""Verifiers: task and candidates in, one verdict each out, in the same order."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from verifier_agent.verifiers.aggregated import Aggregated
from verifier_agent.verifiers.agreement import Agreement
from verifier_agent.verifiers.form import Form
from verifier_agent.verifiers.function import FunctionVerifier
from verifier_agent.verifiers.names import VerifierLike, resolve_verifiers

if TYPE_CHECKING:
    from verifier_agent.verifiers.constraints import Constraints
    from verifier_agent.verifiers.distilled import Distilled
    from verifier_agent.verifiers.ensemble import Cascade, Ensemble
    from verifier_agent.verifiers.evaluators import RunnableVerifier, from_evaluator
    from verifier_agent.verifiers.hosted import HostedRewardModel
    from verifier_agent.verifiers.judges import Judge, PairwiseJudge, StepJudge
    from verifier_agent.verifiers.meaning import MeaningAgreement
    from verifier_agent.verifiers.plausible import Plausible
    from verifier_agent.verifiers.proofs import ProofChecker
    from verifier_agent.verifiers.schema import Schema
    from verifier_agent.verifiers.steps import ArithmeticSteps

__all__ = [
    "Aggregated",
    "Agreement",
    "ArithmeticSteps",
    "Cascade",
    "Constraints",
    "Distilled",
    "Ensemble",
    "Form",
    "FunctionVerifier",
    "HostedRewardModel",
    "Judge",
    "MeaningAgreement",
    "PairwiseJudge",
    "Plausible",
    "ProofChecker",
    "RunnableVerifier",
    "Schema",
    "StepJudge",
    "VerifierLike",
    "from_evaluator",
    "resolve_verifiers",
]


_LAZY = {
    "ArithmeticSteps": "steps",
    "Cascade": "ensemble",
    "Constraints": "constraints",
    "Distilled": "distilled",
    "Ensemble": "ensemble",
    "HostedRewardModel": "hosted",
    "Judge": "judges",
    "MeaningAgreement": "meaning",
    "PairwiseJudge": "judges",
    "Plausible": "plausible",
    "ProofChecker": "proofs",
    "RunnableVerifier": "evaluators",
    "Schema": "schema",
    "StepJudge": "judges",
    "from_evaluator": "evaluators",
}
"""The large ones, which few programs need: their modules are read when they are asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
