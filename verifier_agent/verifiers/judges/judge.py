"""The judge: any chat model as a verifier that reasons, gives feedback, and then a grade.

LLM-as-a-judge: Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena".
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from verifier_agent.budget import times
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import text_bound
from verifier_agent.values import Candidate, Cost, Task, Verdict
from verifier_agent.verifiers.agreement import is_answered
from verifier_agent.verifiers.conversation import beyond_text
from verifier_agent.verifiers.judges.interview import (
    Heard,
    Interviewer,
    Question,
    check_counts,
)
from verifier_agent.verifiers.judges.prompts import ENGLISH, Wording, check_levels
from verifier_agent.verifiers.judges.reports import Marks, above, feedback, form, read
from verifier_agent.verifiers.judges.showing import Stage, read_criteria
from verifier_agent.verifiers.readout import Readout, readout

DIGITS = 9
"""The best grade where token probabilities are read: each grade is then one token, everywhere."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One report, and what the token probabilities say of its grade, where they are known."""

    marks: Marks
    odds: Readout | None

    @property
    def grade(self) -> float:
        """The expected grade, or else the one that was given."""
        return self.marks.score if self.odds is None else self.odds.value


class Judge:
    """Grade each candidate with a chat model.

    score: the grade, divided by the best one; a model's opinion, not a probability until it is
    calibrated. feedback: what the judge finds wrong, per criterion. The judge is shown the whole
    conversation, and a reference answer if there is one in `task.context["reference"]`; criteria of
    this task alone, in `task.context["criteria"]`, take the place of its own. It reads text only:
    where a message holds an image, sound or a file, each verdict is an error, and nothing is sent.

    evidence: the reasoning, the model, the id of the prompt, and the grade of each vote; where
    probabilities were read, those of the levels and their mass.

    Args:
        model: A chat model, or its name.
        criteria: Name and meaning of what is judged; None: those of the wording.
        levels: What grades mean, from 0 to the best; None: those of the wording.
        votes: How often each candidate is judged; the score is the mean. More than half must be
            readable, else the verdict is an error. Each vote costs a request, and has a seed of
            its own where the model takes one.
        probabilities: True: the score is the expected grade over the levels, by the probabilities
            of their tokens. Grades then go from 0 to 9, so that each is one token. Where the
            model gives no probabilities the plain grade counts, and `evidence["read"]` says so.
        temperature: None: the model's own. With several votes it should not be 0.
        wording: The prompt's texts.
        max_tokens: Cap on the tokens of one report.
        attempts: Requests per vote at most: a report that cannot be read, or a transient error,
            is asked for again.
        name: The verifier's name in the record.
    """

    hard = False
    per_candidate = True

    def __init__(
        self,
        model: BaseChatModel | str,
        *,
        criteria: Mapping[str, str] | None = None,
        levels: Mapping[int, str] | None = None,
        votes: int = 1,
        probabilities: bool = False,
        temperature: float | None = None,
        wording: Wording = ENGLISH,
        max_tokens: int = 1024,
        attempts: int = 2,
        name: str = "judge",
    ) -> None:
        check_counts("judge", votes=votes)
        self._interviewer = Interviewer(
            model,
            max_tokens=max_tokens,
            attempts=attempts,
            temperature=temperature,
            logprobs=probabilities,
        )
        self._stage = stage(wording, criteria)
        self.levels = _levels(wording.levels if levels is None else levels, probabilities, levels)
        self.best = max(self.levels)
        self.votes = votes
        self.probabilities = probabilities
        self.attempts = attempts
        self.name = name
        self.model = self._interviewer.model
        self.capabilities = self._interviewer.capabilities
        self._form = form(Marks, self.best)

    @property
    def model_name(self) -> str | None:
        """The model that is paid for, as in price tables; None if it is free."""
        return self._interviewer.model_name

    def bound(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that judging one candidate of so many bytes can cost, with retries.

        Nothing, if the conversation holds more than text.
        """
        if beyond_text(task):
            return Cost()
        return times(self._most(task, candidate_bytes), self.votes * self.attempts)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Grade all candidates side by side."""
        return list(await asyncio.gather(*(self._averify(task, c) for c in candidates)))

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Grade one candidate after the other."""
        return [self._verify(task, candidate) for candidate in candidates]

    def _verify(self, task: Task, candidate: Candidate) -> Verdict:
        asked = self._questions(task, candidate)
        return self._verdict(task, candidate, map(self._interviewer.ask, asked))

    async def _averify(self, task: Task, candidate: Candidate) -> Verdict:
        asked = self._questions(task, candidate)
        heard = await asyncio.gather(*map(self._interviewer.aask, asked))
        return self._verdict(task, candidate, heard)

    def _questions(self, task: Task, candidate: Candidate) -> list[Question[Vote]]:
        if beyond_text(task):
            return []
        messages = self._messages(task, candidate.text)
        shown = messages[-1].text

        def reader(message: AIMessage) -> Vote:
            found = read(message, shown, Marks, wrong=above(self.best))
            asked = self.probabilities and found.spelled
            odds = readout(message, found.spelled, "score", self._values) if asked else None
            return Vote(found.report, odds)

        most = self._most(task, text_bound(candidate.text))
        return [
            Question(
                messages=messages,
                form=self._form,
                read=reader,
                most=most,
                seed=vote if self.votes > 1 else None,
            )
            for vote in range(self.votes)
        ]

    def _most(self, task: Task, candidate_bytes: int) -> Cost:
        return self._interviewer.most(self._messages(task, ""), self._form, candidate_bytes)

    @property
    def _values(self) -> dict[str, float]:
        return {str(grade): float(grade) for grade in range(self.best + 1)}

    def _verdict(self, task: Task, candidate: Candidate, answers: Iterable[Heard[Vote]]) -> Verdict:
        if unseen := beyond_text(task):
            return Verdict(candidate=candidate.id, verifier=self.name, error=unseen)
        heard = list(answers)
        cost = Cost.total(h.cost for h in heard)
        votes = [h.report for h in heard if h.report is not None]
        if 2 * len(votes) <= len(heard):
            error = next(h.error for h in reversed(heard) if h.report is None)
            told = f"{len(votes)} of {len(heard)} votes could be read: " if self.votes > 1 else ""
            return Verdict(
                candidate=candidate.id, verifier=self.name, error=told + error, cost=cost
            )
        grade = fmean(vote.grade for vote in votes)
        # the words of the vote that is nearest to what all say; of two, the stricter one's
        told_by = min(votes, key=lambda vote: (abs(vote.grade - grade), vote.grade))
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=grade / self.best,
            raw=grade,
            feedback=feedback(told_by.marks, list(self._stage.wanted(task)), self.best),
            evidence=self._evidence(votes, told_by),
            cost=cost,
        )

    def _evidence(self, votes: Sequence[Vote], told_by: Vote) -> dict[str, Any]:
        evidence: dict[str, Any] = {
            "reasoning": told_by.marks.reasoning,
            "model": self.capabilities.name,
            "prompt": self._stage.wording.id,
        }
        if self.votes > 1:
            evidence["votes"] = [vote.grade for vote in votes]
        if self.probabilities:
            known = [vote.odds for vote in votes if vote.odds is not None]
            by = ("grade", "both", "probabilities")
            evidence["read"] = by[bool(known) + (len(known) == len(votes))]
            if told_by.odds is not None:
                evidence["levels"], evidence["mass"] = told_by.odds.levels, told_by.odds.mass
        return evidence

    def _messages(self, task: Task, text: str) -> list[BaseMessage]:
        levels = "\n".join(f"{grade}: {self.levels[grade]}." for grade in sorted(self.levels)[::-1])
        return self._stage.messages(
            "grade", task, [("ANSWER", text)], levels=levels, best=self.best
        )


def stage(wording: Wording, criteria: Mapping[str, str] | None) -> Stage:
    """Return what the requests of a judge have in common, with a secret of their own."""
    chosen = read_criteria(wording.criteria if criteria is None else criteria)
    return Stage(wording=wording, criteria=chosen, secret=secrets.token_bytes(16))


def _levels(
    levels: Mapping[int, str], probabilities: bool, given: Mapping[int, str] | None
) -> dict[int, str]:
    """Return the levels; the wording's own are drawn together where each must be one token."""
    check_levels(levels)
    best = max(levels)
    if not probabilities or best <= DIGITS:
        return dict(levels)
    if given is not None:
        raise ConfigurationError(
            f"judge levels up to {best}: with probabilities=True the best grade is at most "
            f"{DIGITS}, so that each is one token"
        )
    return {round(grade * DIGITS / best): meaning for grade, meaning in levels.items()}


class Fallback(Judge):
    """A judge for answers that cannot be compared: it applies until a majority has keys."""

    def applies(self, finished: Sequence[Candidate]) -> bool:
        """Return False once more than half of the finished candidates can be compared.

        One key among many answers in words settles nothing: the others would go unjudged.
        """
        answered = sum(1 for candidate in finished if is_answered(candidate))
        return 2 * answered <= len(finished)
