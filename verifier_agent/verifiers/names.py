"""From names, functions and objects to verifiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from langchain_core.language_models import BaseChatModel

from verifier_agent.errors import ConfigurationError, nearest
from verifier_agent.models import capabilities
from verifier_agent.values import Candidate, Verifier
from verifier_agent.verifiers.agreement import Agreement, is_answered
from verifier_agent.verifiers.function import FunctionVerifier, JudgeFunction
from verifier_agent.verifiers.judge import Judge

VerifierLike = str | Verifier | JudgeFunction
"""What is accepted where a verifier is asked for."""


def resolve_verifiers(
    verifier: VerifierLike | Sequence[VerifierLike] | None, *, model: BaseChatModel
) -> tuple[Verifier, ...]:
    """Return the verifiers meant by a name, an object, a function, or several of them.

    Names: "auto", "agreement", "arithmetic", "judge" (over `model`), "judge:MODEL" (over another,
    for instance "judge:openai:gpt-5-mini"), "embedded-prm". None: nobody judges. Raises
    ConfigurationError for anything else, and for two verifiers of one name.
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


class Fallback(Judge):
    """A judge for answers that cannot be compared: it applies until a majority has keys."""

    def applies(self, finished: Sequence[Candidate]) -> bool:
        """Return False once more than half of the finished candidates can be compared.

        One key among many answers in words settles nothing: the others would go unjudged.
        """
        answered = sum(1 for candidate in finished if is_answered(candidate))
        return 2 * answered <= len(finished)


def _auto(model: BaseChatModel) -> tuple[Verifier, ...]:
    """Agreement where most answers have comparable keys, else a judge over the same model too.

    The record says which: each verdict carries its verifier's name.
    """
    able = capabilities(model)
    return (Agreement(), Fallback(model)) if able.instructions else (Agreement(),)


def _arithmetic(model: BaseChatModel) -> tuple[Verifier, ...]:
    from verifier_agent.verifiers.steps import ArithmeticSteps

    return (ArithmeticSteps(),)


def _embedded(model: BaseChatModel) -> tuple[Verifier, ...]:
    from verifier_agent.embedded import EmbeddedRewardModel

    return (EmbeddedRewardModel(),)


_NAMED: dict[str, Callable[[BaseChatModel], tuple[Verifier, ...]]] = {
    "agreement": lambda model: (Agreement(),),
    "arithmetic": _arithmetic,
    "auto": _auto,
    "embedded-prm": _embedded,
    "judge": lambda model: (Judge(model),),
}


def _resolve(verifier: VerifierLike, model: BaseChatModel) -> tuple[Verifier, ...]:
    if isinstance(verifier, str):
        if verifier.startswith("judge:"):
            return (Judge(verifier.removeprefix("judge:")),)
        if verifier not in _NAMED:
            raise ConfigurationError(
                f"unknown verifier {verifier!r}{nearest(verifier, [*_NAMED, 'judge:MODEL'])}"
            )
        return _NAMED[verifier](model)
    if isinstance(verifier, type):  # a class can look like a verifier
        raise ConfigurationError(
            f"verifier={verifier.__name__} is a class: make one of it, {verifier.__name__}(…)"
        )
    if isinstance(verifier, Verifier):
        return (verifier,)
    if callable(verifier):
        return (cast(Verifier, FunctionVerifier(verifier)),)
    raise ConfigurationError(
        f"verifier={verifier!r}: give a name such as 'judge', an object with `name` and `verify`, "
        "or a function (task, candidate) -> bool | float | Verdict"
    )
