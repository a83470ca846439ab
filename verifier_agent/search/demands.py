"""What a policy will ask of the agent's models, read from the policy before anything is spent."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from verifier_agent.calibration import Reliability
from verifier_agent.spec import Spec

CONTINUING = frozenset({"beam", "mcts", "particles", "rebase", "rollouts"})
"""The policies that let a model continue a partial answer."""
APPENDING = frozenset({"forced"})
"""Those that put words of their own below it first."""


def parts(policy: object) -> Iterator[Spec]:
    """Yield a named policy and all that it is made of; nothing of a plain function."""
    if isinstance(policy, Spec):
        yield policy
        for argument in policy.arguments.values():
            yield from parts(argument)
    elif isinstance(policy, tuple):
        for item in policy:
            yield from parts(item)


def named_models(policy: object) -> list[str]:
    """Return the names of the models that the policy and its parts ask."""
    names: list[str] = []
    for part in parts(policy):
        # of the models that something is known of, a policy may ask a few only
        if isinstance(part, Reliability):
            continue
        model, models = part.arguments.get("model"), part.arguments.get("models")
        known = part.arguments.get("reliability")
        if not models and isinstance(known, Reliability):
            models = known.models
        for given in (model, models):
            names += [given] if isinstance(given, str) else given or ()
    return names


def models_of(policy: object, names: Collection[str]) -> list[str | None]:
    """Return the models that policies of these names ask; None is the agent's first."""
    return [part.arguments.get("model") for part in parts(policy) if part.name in names]
