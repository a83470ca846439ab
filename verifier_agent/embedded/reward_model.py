"""The embedded process reward model as a verifier: a score for each line of a solution."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from verifier_agent.aggregation import Aggregation, aggregate, check_aggregation
from verifier_agent.budget import Footprint
from verifier_agent.embedded.decoding import CONTEXT_WINDOW
from verifier_agent.embedded.footprint import footprint
from verifier_agent.embedded.judge import closed, judge
from verifier_agent.embedded.tokenizer import SOLVE_ID, OutsideVocabulary, encode
from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Candidate, Cost, Task, Verdict

SUSPICIOUS = 0.5
"""Feedback names the first line that is less likely right than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedRewardModel:
    """Judges solutions to questions of `verifier_agent.embedded.family`, line by line.

    A verdict's `steps` hold P(line right) for each non-blank line, earlier lines taken as they
    stand; its score is their product, or what else `aggregate` names. Partial solutions are judged
    too. What it cannot read gets a verdict without a score, with an error.
    """

    aggregate: Aggregation = "product"

    def __post_init__(self) -> None:
        check_aggregation(self.aggregate)
        if self.aggregate == "model":
            raise ConfigurationError(
                "aggregate='model': this model makes no score of its own, only one per line; "
                "take 'product'"
            )

    @property
    def name(self) -> str:
        """The verifier's name in the record."""
        return "embedded-prm"

    @property
    def hard(self) -> bool:
        """A learned score is no proof."""
        return False

    @property
    def footprint(self) -> Footprint:
        """Its size, and what it takes of energy."""
        return footprint(judge().parameters)

    def bound(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that judging one candidate of so many bytes can cost.

        Each token but the two that close question and solution takes at least one byte.
        """
        most = len(task.question.encode()) + candidate_bytes + 2
        return Cost(calls=1, input_tokens=most)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> Sequence[Verdict]:
        """Judge candidates in a worker thread; see `verify_sync`."""
        return await asyncio.to_thread(self.verify_sync, task, candidates)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> Sequence[Verdict]:
        """Judge candidates; one verdict each, in the same order."""
        try:
            question = (*encode(task.question), SOLVE_ID)
        except OutsideVocabulary as error:
            return [self._unread(candidate, str(error)) for candidate in candidates]
        verdicts: dict[int, Verdict] = {}
        readable: list[tuple[int, list[int]]] = []
        for at, candidate in enumerate(candidates):
            try:
                readable.append((at, _tokens(candidate, len(question))))
            except ConfigurationError as error:
                verdicts[at] = self._unread(candidate, str(error))
        scores = judge().scores(question, [tokens for _, tokens in readable])
        for (at, tokens), steps in zip(readable, scores, strict=True):
            cost = Cost(calls=1, input_tokens=len(question) + len(tokens))
            verdicts[at] = self._verdict(candidates[at], [float(s) for s in steps], cost)
        return [verdicts[at] for at in range(len(candidates))]

    def _verdict(self, candidate: Candidate, steps: list[float], cost: Cost) -> Verdict:
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=aggregate(steps, self.aggregate),
            steps=tuple(steps),
            feedback=_feedback(candidate.text, steps),
            cost=cost,
        )

    def _unread(self, candidate: Candidate, error: str) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, error=error)


def _tokens(candidate: Candidate, question: int) -> list[int]:
    """Return a candidate's closed token ids; raises ConfigurationError if it cannot be read."""
    tokens = closed(encode(candidate.text), candidate.done)
    if not tokens:
        raise ConfigurationError("there is no text to judge")
    if question + len(tokens) > CONTEXT_WINDOW:
        raise ConfigurationError(
            f"question and solution have {question + len(tokens)} tokens; "
            f"the embedded reward model reads {CONTEXT_WINDOW}"
        )
    return tokens


def _feedback(text: str, steps: Sequence[float]) -> str:
    """Name the first line that is probably wrong; empty if there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for number, (line, score) in enumerate(zip(lines, steps, strict=True), start=1):
        if score < SUSPICIOUS:
            return f"step {number} is probably wrong: `{line}`"
    return ""
