"""Verifiers: task and candidates in, one verdict each out, in the same order."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from verifier_agent.verifiers.aggregated import Aggregated
from verifier_agent.verifiers.agreement import Agreement
from verifier_agent.verifiers.form import Form
from verifier_agent.verifiers.function import FunctionVerifier
from verifier_agent.verifiers.names import VerifierLike, resolve_verifiers

if TYPE_CHECKING:
    from verifier_agent.verifiers.algebra import AlgebraSteps
    from verifier_agent.verifiers.behaviour import Behaviour
    from verifier_agent.verifiers.code_tests import CodeTests
    from verifier_agent.verifiers.constraints import Constraints
    from verifier_agent.verifiers.distilled import Distilled
    from verifier_agent.verifiers.ensemble import Cascade, Ensemble
    from verifier_agent.verifiers.equivalence import MathEquivalence
    from verifier_agent.verifiers.evaluators import RunnableVerifier, from_evaluator
    from verifier_agent.verifiers.examples import examples_in
    from verifier_agent.verifiers.generated_tests import GeneratedTests
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
    "AlgebraSteps",
    "ArithmeticSteps",
    "Behaviour",
    "Cascade",
    "CodeTests",
    "Constraints",
    "Distilled",
    "Ensemble",
    "Form",
    "FunctionVerifier",
    "GeneratedTests",
    "HostedRewardModel",
    "Judge",
    "MathEquivalence",
    "MeaningAgreement",
    "PairwiseJudge",
    "Plausible",
    "ProofChecker",
    "RunnableVerifier",
    "Schema",
    "StepJudge",
    "VerifierLike",
    "examples_in",
    "from_evaluator",
    "resolve_verifiers",
]


_LAZY = {
    "AlgebraSteps": "algebra",
    "ArithmeticSteps": "steps",
    "Behaviour": "behaviour",
    "Cascade": "ensemble",
    "CodeTests": "code_tests",
    "Constraints": "constraints",
    "Distilled": "distilled",
    "Ensemble": "ensemble",
    "GeneratedTests": "generated_tests",
    "HostedRewardModel": "hosted",
    "Judge": "judges",
    "MathEquivalence": "equivalence",
    "MeaningAgreement": "meaning",
    "PairwiseJudge": "judges",
    "Plausible": "plausible",
    "ProofChecker": "proofs",
    "RunnableVerifier": "evaluators",
    "Schema": "schema",
    "StepJudge": "judges",
    "examples_in": "examples",
    "from_evaluator": "evaluators",
}
"""The large ones, which few programs need: their modules are read when they are asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
