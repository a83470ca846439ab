"""Examples in the text of a task, as tests: what it says that the program gives for what."""

from verifier_agent.verifiers.programs.examples.reading import examples_in

__all__ = ["examples_in"]
