"""From names to sandboxes."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from verifier_agent.errors import (
    ConfigurationError,
    MissingExtra,
    VerifierUnavailable,
    nearest,
)
from verifier_agent.verifiers.sandboxes.escalation import Escalation
from verifier_agent.verifiers.sandboxes.sandbox import Sandbox

SandboxLike = str | Sandbox
"""What is accepted where a sandbox is asked for."""


def resolve_sandbox(sandbox: SandboxLike) -> Sandbox:
    """Return the sandbox meant by "auto", "monty", "bubblewrap", "unsafe-subprocess", or an object.

    "auto" is monty, with bubblewrap for what does not pass there, where both are there; else the
    one that is. It is never a plain process. Raises ConfigurationError for anything else, also
    where what it needs is missing.
    """
    if not isinstance(sandbox, str):
        if isinstance(sandbox, Sandbox) and not isinstance(sandbox, type):
            return sandbox
        raise ConfigurationError(
            f"sandbox={sandbox!r}: give a name such as 'auto', or an object with `name` and `run`"
        )
    if sandbox not in _NAMED:
        raise ConfigurationError(f"unknown sandbox {sandbox!r}{nearest(sandbox, _NAMED)}")
    try:
        return _NAMED[sandbox]()
    except VerifierUnavailable as error:
        raise ConfigurationError(str(error)) from None


def _monty() -> Sandbox:
    from verifier_agent.verifiers.sandboxes.monty import Monty

    return Monty()


def _bubblewrap() -> Sandbox:
    from verifier_agent.verifiers.sandboxes.bubblewrap import Bubblewrap

    return Bubblewrap()


def _unsafe() -> Sandbox:
    from verifier_agent.verifiers.sandboxes.unsafe_subprocess import UnsafeSubprocess

    return UnsafeSubprocess()


def _auto() -> Sandbox:
    found: list[Sandbox] = []
    missing: MissingExtra | None = None
    try:
        found.append(_monty())
    except MissingExtra as error:
        missing = error
    try:
        found.append(_bubblewrap())
    except VerifierUnavailable:
        if missing is not None:
            raise missing from None
    return found[0] if len(found) == 1 else cast(Sandbox, Escalation(*found))


_NAMED: dict[str, Callable[[], Sandbox]] = {
    "auto": _auto,
    "bubblewrap": _bubblewrap,
    "monty": _monty,
    "unsafe-subprocess": _unsafe,
}
