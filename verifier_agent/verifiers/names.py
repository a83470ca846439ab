"""From names, functions and objects to verifiers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable

from verifier_agent.aggregation import AGGREGATIONS
from verifier_agent.errors import ConfigurationError, nearest, takes
from verifier_agent.models import capabilities
from verifier_agent.values import Verifier
from verifier_agent.verifiers.aggregated import Aggregated
from verifier_agent.verifiers.agreement import Agreement
from verifier_agent.verifiers.function import FunctionVerifier, JudgeFunction

VerifierLike = str | Verifier | JudgeFunction | Runnable[Any, Any]
"""What is accepted where a verifier is asked for."""


def resolve_verifiers(
    verifier: VerifierLike | Sequence[VerifierLike] | None, *, model: BaseChatModel
) -> tuple[Verifier, ...]:
    """Return the verifiers meant by a name, an object, a function, or several of them.

    Names are those of `known_names`, which docs/verifiers.md lists with what each judges and needs:
    "judge" is one over `model`, "judge:openai:gpt-5-mini" one over another, "prm:PRESET:PATH" a
    reward model on this machine, "hosted:WIRE:URL" one behind a server, "mean:NAME,NAME" several as
    one. With "@HOW" behind it, for instance "embedded-prm@min", step scores are put together so
    (`Aggregation`). None: nobody judges. Raises ConfigurationError for anything else, and for two
    verifiers of one name.
    """
    given: Sequence[VerifierLike | None] = (
        cast(Sequence[VerifierLike], verifier)
        if isinstance(verifier, list | tuple)
        else [cast(VerifierLike | None, verifier)]
    )
    found = [v for one in given if one is not None for v in _resolve(one, model)]
    names = [v.name for v in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(
            f"two verifiers are called {twice!r}; give one of them another name, for instance "
            "FunctionVerifier(function, name=…)"
        )
    return tuple(found)


def _auto(model: BaseChatModel) -> tuple[Verifier, ...]:
    """Agreement where most answers have comparable keys, else a judge over the same model too.

    The record says which: each verdict carries its verifier's name.
    """
    if not capabilities(model).instructions:
        return (Agreement(),)
    from verifier_agent.verifiers.judges import Fallback

    return (Agreement(), Fallback(model))


def _plain(place: str) -> Callable[[BaseChatModel], tuple[Verifier, ...]]:
    """Return what makes a verifier by its defaults; its module is read when it is asked for."""
    module, _, kind = place.rpartition(".")
    return lambda model: (getattr(import_module(f"verifier_agent.{module}"), kind)(),)


def _judge(model: BaseChatModel | str) -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.judges import Judge

    return (Judge(model),)


def _pairwise(model: BaseChatModel | str) -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.judges import PairwiseJudge

    return (PairwiseJudge(model),)


def _step_judge(model: BaseChatModel | str) -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.judges import StepJudge

    return (StepJudge(model),)


def _code(sandbox: str = "auto") -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.programs.code_tests import CodeTests

    return (CodeTests(sandbox),)


def _generated_tests(sandbox: str = "auto") -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.programs.generated_tests import GeneratedTests

    return (GeneratedTests(sandbox),)


def _behaviour(sandbox: str = "auto") -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.programs.behaviour import Behaviour

    return (Behaviour(sandbox),)


def _proof(checker: str) -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.formal.proofs import ProofChecker

    return (ProofChecker(checker),)


def _prm(rest: str) -> tuple[Verifier, ...]:
    """Read "PRESET:PATH" of a checkpoint, or "onnx:PATH" of an exported model."""
    from verifier_agent.verifiers.local import PRESETS

    kind, _, path = rest.partition(":")
    if not path or kind not in (EXPORTED, *PRESETS):
        raise ConfigurationError(
            f"verifier 'prm:{rest}': write prm:PRESET:PATH for a checkpoint, or prm:onnx:PATH for "
            f"what verifier-agent export wrote{nearest(kind, [EXPORTED, *PRESETS])}"
        )
    from verifier_agent.verifiers.local import LocalRewardModel

    if kind == EXPORTED:
        return (LocalRewardModel.from_onnx(path),)
    return (LocalRewardModel.from_checkpoint(path, kind),)


def _hosted(rest: str) -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.hosted.names import named_reward_model

    return (named_reward_model(rest),)


def _distilled(path: str) -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.distilled import Distilled

    return (Distilled.from_file(path),)


EXPORTED = "onnx"
_FAMILIES: dict[str, Callable[[str], tuple[Verifier, ...]]] = {
    "behaviour": _behaviour,
    "code": _code,
    "distilled": _distilled,
    "generated-tests": _generated_tests,
    "hosted": _hosted,
    "judge": _judge,
    "pairwise": _pairwise,
    "prm": _prm,
    "proof": _proof,
    "step-judge": _step_judge,
}
"""Names that say more behind a colon."""
_NAMED: dict[str, Callable[[BaseChatModel], tuple[Verifier, ...]]] = {
    "agreement": lambda model: (Agreement(),),
    "algebra": _plain("verifiers.mathematics.algebra.AlgebraSteps"),
    "arithmetic": _plain("verifiers.mathematics.steps.ArithmeticSteps"),
    "auto": _auto,
    "behaviour": lambda model: _behaviour(),
    "code": lambda model: _code(),
    "constraints": _plain("verifiers.formal.constraints.Constraints"),
    "embedded-prm": _plain("embedded.EmbeddedRewardModel"),
    "generated-tests": lambda model: _generated_tests(),
    "judge": _judge,
    "math": _plain("verifiers.mathematics.equivalence.MathEquivalence"),
    "pairwise": _pairwise,
    "plausible": _plain("verifiers.mathematics.plausible.Plausible"),
    "schema": _plain("verifiers.formal.schema.Schema"),
    "step-judge": _step_judge,
}


def known_names() -> tuple[str, ...]:
    """Return the names that `resolve_verifiers` knows; what is in capitals is to be filled in."""
    families = (*_FAMILIES, *COMBINED)
    return tuple(sorted((*_NAMED, *(f"{one}:{_REST.get(one, 'NAME,NAME')}" for one in families))))


_REST = {
    "behaviour": "SANDBOX",
    "code": "SANDBOX",
    "distilled": "FILE",
    "generated-tests": "SANDBOX",
    "hosted": "WIRE:URL",
    "judge": "MODEL",
    "pairwise": "MODEL",
    "prm": "PRESET:PATH",
    "proof": "CHECKER",
    "step-judge": "MODEL",
    "weighted": "FILE",
}
"""What stands behind the colon of a family."""


COMBINED = ("mean", "any", "all", "cascade", "weighted")
"""What the names of ensembles begin with."""


def is_combined(name: str) -> bool:
    """Return True if a text names an ensemble."""
    kind, colon, _ = name.partition(":")
    return bool(colon) and kind in COMBINED


def _combined(text: str, model: BaseChatModel) -> Verifier:
    from verifier_agent.verifiers.ensembles.combinations import Combination

    combination = Combination.read(text)
    return combination.of([_single(name, model) for name in combination.names])


def _runnable(verifier: Runnable[Any, Any]) -> Verifier:
    from verifier_agent.verifiers.evaluators import RunnableVerifier

    return RunnableVerifier(verifier)


def _function(function: Callable[..., Any]) -> Verifier:
    """Return a function as a verifier; one that asks for `outputs` by name is an evaluator."""
    if takes(function, 2):
        return cast(Verifier, FunctionVerifier(function))
    from verifier_agent.verifiers.evaluators import from_evaluator, is_evaluator

    made = from_evaluator if is_evaluator(function) else FunctionVerifier
    return cast(Verifier, made(function))


def _single(name: str, model: BaseChatModel) -> Verifier:
    """Return the one verifier that a name of a combination means."""
    found = _resolve(name, model)
    if len(found) > 1:
        raise ConfigurationError(f"verifier {name!r} is several, and cannot be a part of one")
    return found[0]


def _resolve(verifier: VerifierLike, model: BaseChatModel) -> tuple[Verifier, ...]:
    if isinstance(verifier, str):
        if is_combined(verifier):
            return (_combined(verifier, model),)
        inner, at, how = verifier.rpartition("@")
        if at and how in AGGREGATIONS:
            return tuple(Aggregated(one, how) for one in _resolve(inner, model))
        family, colon, rest = verifier.partition(":")
        if colon and family in _FAMILIES:
            return _FAMILIES[family](rest)
        if verifier not in _NAMED:
            raise ConfigurationError(
                f"unknown verifier {verifier!r}{nearest(verifier, known_names())}"
            )
        return _NAMED[verifier](model)
    if isinstance(verifier, type):  # a class can look like a verifier
        raise ConfigurationError(
            f"verifier={verifier.__name__} is a class: make one of it, {verifier.__name__}(…)"
        )
    if isinstance(verifier, Verifier):
        if not inspect.iscoroutinefunction(verifier.verify):
            raise ConfigurationError(
                f"verifier {verifier.name!r}: `verify` must be an async method; name a sync one "
                "`verify_sync`, beside an async `verify` that calls it"
            )
        return (verifier,)
    if isinstance(verifier, Runnable):
        return (_runnable(verifier),)
    if callable(verifier):
        return (_function(verifier),)
    raise ConfigurationError(
        f"verifier={verifier!r}: give a name such as 'judge', an object with `name` and `verify`, "
        "or a function (task, candidate) -> bool | float | Verdict"
    )
