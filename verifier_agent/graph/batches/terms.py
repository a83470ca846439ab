"""What holds for all questions of a batch, and how each of them begins."""

from __future__ import annotations

from dataclasses import dataclass

from verifier_agent.budget import Budget
from verifier_agent.graph.batches.questions import Question
from verifier_agent.graph.merging import Plain
from verifier_agent.graph.settings import Parts, begin, per_call
from verifier_agent.graph.state import SCHEMA, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a batch is run under."""

    name: str
    budget: Budget
    settings: Plain
    """Of each run: policy and seed, where they are another one than the agent's."""
    price: float
    """What another answer has to gain at least, in right answers."""
    jobs: int
    """Questions in flight at most."""

    def thread(self, question: Question) -> str:
        """Return the thread of a question, which is its run's id too."""
        return f"{self.name}/{question.id}"

    def of(self, question: Question) -> Plain:
        """Return the settings of a question's run, but for its budget."""
        return {**self.settings, "context": dict(question.context)}

    def blank(self, parts: Parts, question: Question) -> Run:
        """Return the run of a question before its first decision.

        Raises ConfigurationError for settings that the agent cannot have.
        """
        own = {**self.of(question), "budget": self.budget}
        parts, _ = per_call(parts, {"configurable": {"verifier_agent": own}})
        begun = {"schema": SCHEMA, "turn": 1, "run": begin(parts, self.thread(question))}
        return Run(begun, question.messages)
