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
    # of the models that something is known of, a policy may ask a few only
    found = [
        part.arguments.get(key)
        for part in parts(policy)
        if not isinstance(part, Reliability)
        for key in ("model", "models")
    ]
    known = [part.arguments.get("reliability") for part in parts(policy)]
    found += [
        one.models
        for one, part in zip(known, parts(policy), strict=True)
        if isinstance(one, Reliability) and not part.arguments.get("models")
    ]
    return [
        name
        for given in found
        if given is not None
        for name in ([given] if isinstance(given, str) else given)
    ]


def models_of(policy: object, names: Collection[str]) -> list[str | None]:
    """Return the models that policies of these names ask; None is the agent's first."""
    return [part.arguments.get("model") for part in parts(policy) if part.name in names]
