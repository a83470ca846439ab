"""Verifiers: task and candidates in, one verdict each out, in the same order."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from verifier_agent.verifiers.aggregated import Aggregated
from verifier_agent.verifiers.agreement import Agreement
from verifier_agent.verifiers.formal.form import Form
from verifier_agent.verifiers.function import FunctionVerifier
from verifier_agent.verifiers.names import VerifierLike, resolve_verifiers

if TYPE_CHECKING:
    from verifier_agent.verifiers.distilled import Distilled
    from verifier_agent.verifiers.ensembles.ensemble import Cascade, Ensemble
    from verifier_agent.verifiers.evaluators import RunnableVerifier, from_evaluator
    from verifier_agent.verifiers.formal.constraints import Constraints
    from verifier_agent.verifiers.formal.proofs import ProofChecker
    from verifier_agent.verifiers.formal.schema import Schema
    from verifier_agent.verifiers.hosted import HostedRewardModel
    from verifier_agent.verifiers.judges import Judge, PairwiseJudge, StepJudge
    from verifier_agent.verifiers.mathematics.algebra import AlgebraSteps
    from verifier_agent.verifiers.mathematics.equivalence import MathEquivalence
    from verifier_agent.verifiers.mathematics.plausible import Plausible
    from verifier_agent.verifiers.mathematics.steps import ArithmeticSteps
    from verifier_agent.verifiers.meaning import MeaningAgreement
    from verifier_agent.verifiers.programs.behaviour import Behaviour
    from verifier_agent.verifiers.programs.code_tests import CodeTests
    from verifier_agent.verifiers.programs.examples import examples_in
    from verifier_agent.verifiers.programs.generated_tests import GeneratedTests

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
    "AlgebraSteps": "mathematics.algebra",
    "ArithmeticSteps": "mathematics.steps",
    "Behaviour": "programs.behaviour",
    "Cascade": "ensembles.ensemble",
    "CodeTests": "programs.code_tests",
    "Constraints": "formal.constraints",
    "Distilled": "distilled",
    "Ensemble": "ensembles.ensemble",
    "GeneratedTests": "programs.generated_tests",
    "HostedRewardModel": "hosted",
    "Judge": "judges",
    "MathEquivalence": "mathematics.equivalence",
    "MeaningAgreement": "meaning",
    "PairwiseJudge": "judges",
    "Plausible": "mathematics.plausible",
    "ProofChecker": "formal.proofs",
    "RunnableVerifier": "evaluators",
    "Schema": "formal.schema",
    "StepJudge": "judges",
    "examples_in": "programs.examples",
    "from_evaluator": "evaluators",
}
"""The large ones, which few programs need: their modules are read when they are asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
