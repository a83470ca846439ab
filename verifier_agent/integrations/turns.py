"""What becomes of a turn that calls tools: judged like any answer, voted on, or passed through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from verifier_agent.budget import Remaining
from verifier_agent.search import PolicyFunction
from verifier_agent.tree import Tree
from verifier_agent.values import (
    Action,
    Candidate,
    Generate,
    Judged,
    Select,
    Verdict,
    Verifier,
)
from verifier_agent.verifiers import Agreement
from verifier_agent.verifiers.around import Around

Turns = Literal["verify", "vote", "pass"]
"""How turns that call tools are handled; see `VerifierMiddleware`."""

FIRST = "g0"
"""The candidate that is drawn first."""


def calls_tools(candidate: Candidate) -> bool:
    """Return True if the candidate's message calls a tool."""
    return bool(candidate.message.get("data", {}).get("tool_calls"))


@dataclass(frozen=True, slots=True)
class UnlessCalling:
    """A policy that draws one answer first; unless that calls tools, `policy` goes on.

    So it does where the call is proven wrong: it does not fit its tool's schema.
    """

    policy: PolicyFunction

    def __call__(self, tree: Tree, remaining: Remaining) -> Sequence[Action]:
        """Return the next round."""
        if not len(tree):
            return [Generate(reason="does this turn call tools?")]
        if FIRST in tree and _passes(tree.judged(FIRST)):
            return [Select(reason="the turn calls tools, which pass through")]
        return self.policy(tree, remaining)


def _passes(first: Judged) -> bool:
    wrong = any(v.hard and v.score == 0.0 for v in first.verdicts)
    return first.candidate.error is None and calls_tools(first.candidate) and not wrong


class OnWords(Around):
    """Judges as `verifier` does, but no candidate that calls tools: that is nothing it can read."""

    def __init__(self, verifier: Verifier) -> None:
        super().__init__(verifier, verifier.name)

    def shown(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Return those that answer in words."""
        return [c for c in candidates if not calls_tools(c)]

    def said(self, candidates: Sequence[Candidate], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return no score for those that call tools."""
        given = iter(verdicts)
        return [
            Verdict(candidate=c.id, verifier=self.name, error="tool calls are not judged here")
            if calls_tools(c)
            else next(given)
            for c in candidates
        ]


def for_turns(
    turns: Turns, policy: PolicyFunction, verifiers: Sequence[Verifier]
) -> tuple[PolicyFunction, tuple[Verifier, ...]]:
    """Return the policy and the verifiers that handle turns with tool calls as asked."""
    if turns == "verify":
        return policy, tuple(verifiers)
    votes = [v for v in verifiers if getattr(v, "relational", False)]
    others: list[Verifier] = [OnWords(v) for v in verifiers if v not in votes]
    if turns == "pass":
        return UnlessCalling(policy), (*votes, *others)
    return policy, (*(votes or [Agreement()]), *others)
