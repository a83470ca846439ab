"""One sandbox after the other: the light one first, a stronger one for what fails there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verifier_agent.errors import ConfigurationError
from verifier_agent.verifiers.sandboxes.sandbox import (
    PATIENCE,
    CodeTest,
    Limits,
    Ran,
    Sandbox,
)


class Escalation:
    """Run each program in the first sandbox; if it does not pass all tests there, in the next.

    A light sandbox may lack something, be slow, or order a set otherwise than CPython does: that a
    program passed in it is beyond doubt, that it did not is for the last sandbox to say.
    """

    def __init__(self, *sandboxes: Sandbox) -> None:
        if not sandboxes:
            raise ConfigurationError("an Escalation needs at least one sandbox")
        self.sandboxes = sandboxes
        self.name = "+".join(sandbox.name for sandbox in sandboxes)

    def run(self, program: str, tests: Sequence[CodeTest], limits: Limits) -> Ran:
        """Run `program`, then each test in its names."""
        for sandbox in self.sandboxes[:-1]:
            # what hangs shall not take its time twice, nor in every test
            brief = replace(limits, seconds=limits.seconds / PATIENCE)
            if len(tests) > 1 and sandbox.run(program, tests[:1], brief).ending != "passed":
                continue
            ran = sandbox.run(program, tests, brief)
            if ran.ending == "passed":
                return ran
        return self.sandboxes[-1].run(program, tests, limits)
