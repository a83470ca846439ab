"""Where programs that nobody has read run: one protocol, and what promises how much."""

from verifier_agent.verifiers.sandboxes.bubblewrap import Bubblewrap
from verifier_agent.verifiers.sandboxes.escalation import Escalation
from verifier_agent.verifiers.sandboxes.monty import Monty
from verifier_agent.verifiers.sandboxes.names import SandboxLike, resolve_sandbox
from verifier_agent.verifiers.sandboxes.sandbox import (
    CodeTest,
    Ending,
    Limits,
    Ran,
    Sandbox,
    Tested,
)
from verifier_agent.verifiers.sandboxes.unsafe_subprocess import UnsafeSubprocess

__all__ = [
    "Bubblewrap",
    "CodeTest",
    "Ending",
    "Escalation",
    "Limits",
    "Monty",
    "Ran",
    "Sandbox",
    "SandboxLike",
    "Tested",
    "UnsafeSubprocess",
    "resolve_sandbox",
]
