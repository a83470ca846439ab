"""A verifier whose step scores are put together in another way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verifier_agent.aggregation import Aggregation, check_aggregation, rescored
from verifier_agent.values import Candidate, Verdict, Verifier
from verifier_agent.verifiers.around import Around


class Aggregated(Around):
    """Judges as `verifier` does; the score of its step scores is made by `how`.

    Policy, stop rules and selector all see that score. It asks nothing more of the verifier and
    costs the same. In text it is `NAME@HOW`, for instance "embedded-prm@min", and so it is called
    in the record. A verdict without step scores, and a hard one, stay as they are.
    """

    def __init__(self, verifier: Verifier, how: Aggregation) -> None:
        check_aggregation(how)
        super().__init__(verifier, f"{verifier.name}@{how}")
        self.how = how

    def said(self, candidates: Sequence[Candidate], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return the verdicts with their scores made anew."""
        return [replace(rescored(verdict, self.how), verifier=self.name) for verdict in verdicts]
