"""The step judge: a chat model checks each step of an answer, in words and then by a grade.

Generative process verification, as in GenPRM (2504.00891) and ThinkPRM (2504.16828): a critique
comes before each step's grade.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from verifier_agent.aggregation import Aggregation, aggregate, check_aggregation
from verifier_agent.budget import times
from verifier_agent.errors import ConfigurationError
from verifier_agent.models import text_bound
from verifier_agent.values import Candidate, Cost, Task, Verdict
from verifier_agent.verifiers.conversation import beyond_text
from verifier_agent.verifiers.judges.interview import (
    Heard,
    Interviewer,
    Question,
    check_counts,
)
from verifier_agent.verifiers.judges.judge import stage
from verifier_agent.verifiers.judges.prompts import ENGLISH, Wording
from verifier_agent.verifiers.judges.reports import Checks, form, read
from verifier_agent.verifiers.judges.showing import Stage
from verifier_agent.verifiers.mathematics.steps import steps_of

MOST_STEPS = 100
"""An answer of more is not judged: no report of that length can be relied on."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What of one candidate is asked about; no steps where it cannot be judged, and why."""

    steps: tuple[str, ...] = ()
    error: str = ""


class StepJudge:
    """Have a chat model check every step of each candidate, with one request per candidate.

    steps: the grade of each step divided by the best one. score: these, aggregated. feedback: the
    judge's words on the first step that it thinks is more wrong than right. The report must have
    one entry for each step, in order, or it is asked for again. An unfinished candidate is judged
    by the steps it has.

    Args:
        model: A chat model, or its name.
        split: Text to steps, which must be parts of it; the lines that are not blank, as everywhere
            in this package.
        aggregation: How step scores become one; see `Aggregation`.
        best: The highest grade.
        criteria: Name and meaning of what is checked, where the task has none of its own in its
            context; None: those of the wording.
        wording: The prompt's texts.
        max_tokens: Cap on the tokens of one report; it has to hold a sentence for each step.
        attempts: Requests per candidate at most.
        name: The verifier's name in the record.
    """

    hard = False
    per_candidate = True

    def __init__(
        self,
        model: BaseChatModel | str,
        *,
        split: Callable[[str], Sequence[str]] = steps_of,
        aggregation: Aggregation = "min",
        best: int = 10,
        criteria: Mapping[str, str] | None = None,
        wording: Wording = ENGLISH,
        max_tokens: int = 4096,
        attempts: int = 2,
        name: str = "step-judge",
    ) -> None:
        check_aggregation(aggregation)
        if aggregation == "model":
            raise ConfigurationError("step judge aggregation='model': it gives step scores only")
        check_counts("step judge", best=best)
        self._interviewer = Interviewer(model, max_tokens=max_tokens, attempts=attempts)
        self._stage: Stage = stage(wording, criteria)
        self.split = split
        self.aggregation: Aggregation = aggregation
        self.best = best
        self.attempts = attempts
        self.name = name
        self.model = self._interviewer.model
        self.capabilities = self._interviewer.capabilities
        self._form = form(Checks, best)

    @property
    def model_name(self) -> str | None:
        """The model that is paid for, as in price tables; None if it is free."""
        return self._interviewer.model_name

    def bound(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that judging one candidate of so many bytes can cost, with retries."""
        if beyond_text(task):
            return Cost()
        return times(self._most(task, candidate_bytes), self.attempts)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check all candidates side by side."""
        return list(await asyncio.gather(*(self._averify(task, c) for c in candidates)))

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Check one candidate after the other."""
        return [self._verify(task, candidate) for candidate in candidates]

    def _verify(self, task: Task, candidate: Candidate) -> Verdict:
        shown = self._shown(task, candidate)
        if shown.error:
            return self._unscored(candidate, shown.error, Cost())
        heard = self._interviewer.ask(self._question(task, candidate, shown))
        return self._verdict(candidate, shown, heard)

    async def _averify(self, task: Task, candidate: Candidate) -> Verdict:
        shown = self._shown(task, candidate)
        if shown.error:
            return self._unscored(candidate, shown.error, Cost())
        heard = await self._interviewer.aask(self._question(task, candidate, shown))
        return self._verdict(candidate, shown, heard)

    def _shown(self, task: Task, candidate: Candidate) -> Shown:
        if unseen := beyond_text(task):
            return Shown(error=unseen)
        steps = tuple(self.split(candidate.text))
        if not steps:
            return Shown(error="no step to check")
        if len(steps) > MOST_STEPS:
            return Shown(error=f"{len(steps)} steps are too many to check; at most {MOST_STEPS}")
        return Shown(steps)

    def _question(self, task: Task, candidate: Candidate, shown: Shown) -> Question[Checks]:
        messages = self._messages(task, shown.steps)
        seen = messages[-1].text

        def reader(message: AIMessage) -> Checks:
            return read(
                message, seen, Checks, wrong=lambda report: self._wrong(report, shown)
            ).report

        most = self._most(task, text_bound(candidate.text))
        return Question(messages=messages, form=self._form, read=reader, most=most)

    def _wrong(self, report: Checks, shown: Shown) -> str:
        told = [step.step for step in report.steps]
        if told != list(range(1, len(shown.steps) + 1)):
            return f"it reports on steps {told[:20]} where there are {len(shown.steps)}"
        high = next((step for step in report.steps if step.score > self.best), None)
        return "" if high is None else f"the grade {high.score:g} is above {self.best}"

    def _most(self, task: Task, candidate_bytes: int) -> Cost:
        # around each step: its heading and number, the mark twice, the end, spaces and line feeds
        heading, end = self._stage.wording.heading("STEP"), self._stage.wording.heading("END")
        frame = text_bound(f"{heading} {MOST_STEPS} {'0' * 16}\n\n{end} {'0' * 16}\n")
        framed = frame * min(MOST_STEPS, candidate_bytes)
        messages = self._messages(task, ())
        return self._interviewer.most(messages, self._form, candidate_bytes + framed)

    def _messages(self, task: Task, steps: Sequence[str]) -> list[BaseMessage]:
        parts = [(f"STEP {number}", step) for number, step in enumerate(steps, 1)]
        # at its longest where nothing is shown yet, so that this bounds the rest
        count = len(steps) or MOST_STEPS
        return self._stage.messages("check", task, parts, count=count, best=self.best)

    def _verdict(self, candidate: Candidate, shown: Shown, heard: Heard[Checks]) -> Verdict:
        if heard.report is None:
            return self._unscored(candidate, heard.error, heard.cost)
        steps = tuple(step.score / self.best for step in heard.report.steps)
        first = next((i for i, score in enumerate(steps) if score < 0.5), None)
        checks = [step.check for step in heard.report.steps]
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=aggregate(steps, self.aggregation),
            steps=steps,
            feedback="" if first is None else f"Step {first + 1}: {checks[first].strip()}",
            evidence={
                "checks": checks,
                "model": self.capabilities.name,
                "prompt": self._stage.wording.id,
            },
            cost=heard.cost,
        )

    def _unscored(self, candidate: Candidate, why: str, cost: Cost) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, error=why, cost=cost)
