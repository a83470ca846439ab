"""Replay: the real graph, run on recorded answers. No model is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from verifier_agent.budget import Budget, Remaining
from verifier_agent.calibration import named, weigh
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.measured import Beginnings, Measured, Point, measure
from verifier_agent.evaluation.recordings.pools import RecordedCost, Survey
from verifier_agent.evaluation.replaying.recorded import (
    NAME,
    Desk,
    Draws,
    Recorded,
    ReplayChatModel,
    run_seed,
    sample_of,
)
from verifier_agent.evaluation.replaying.recorded_scores import (
    RecordedScores,
    Scale,
    recorded_as,
    recorded_verifiers,
)
from verifier_agent.evaluation.settings import AtMost, Settings, check_count
from verifier_agent.evaluation.usage import usage
from verifier_agent.graph import Run, create_verifier_agent
from verifier_agent.graph.tables import single
from verifier_agent.search import PolicyFunction, sample
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Cost, Selection, Verifier

STEPS = 100_000
"""LangGraph's own limit must not end a run: the budget and the policy do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay(Settings):
    """How a pool is replayed.

    A verifier may also be "scores:NAME" or "tests", for what is recorded; a judge is refused,
    since replay calls no model. Without `max_samples` a run may draw all that there are. Each seed
    draws in another order.
    """

    in_order: bool = False
    """Draw in the order of the file."""
    mean_samples: int | None = None
    """One budget over all questions: so many samples for each on average, spent where it gains most
    (`Agent.solve_many`). None: every question has the same."""

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if self.mean_samples is not None:
            check_count("mean_samples", self.mean_samples)

    def resolved_policy(self, most: int) -> PolicyFunction:
        """Return the policy; in a batch answers are drawn one at a time unless it is said."""
        if self.policy is None and self.mean_samples is not None:
            return sample(most, batch=1)
        return Settings.resolved_policy(self, most)


@dataclass(frozen=True, slots=True, repr=False)
class AsRecorded(AtMost):
    """A policy held to so many candidates, and to those that there are of each question."""

    desk: Desk

    def __call__(self, tree: Tree, remaining: Remaining) -> Sequence[Action]:
        """Return what the policy says, as far as there is something to draw."""
        there = len(self.desk.run(tree.task).recorded.places)
        return AtMost(self.policy, min(self.most, there))(tree, remaining)


@dataclass
class Replayer:
    """Compiled graphs for all questions of a pool."""

    settings: Replay
    scales: Mapping[str, Scale]
    tests: bool
    models: Sequence[str]
    """Who wrote the answers; a policy may name them."""
    max_samples: int
    limits: Sequence[int] = ()
    """Smaller limits in samples at which each run is looked at too."""
    desk: Desk = field(default_factory=Desk)

    @classmethod
    def of(cls, settings: Replay, survey: Survey, limits: Sequence[int] = ()) -> Replayer:
        """Build the graph for pools like the one that was surveyed.

        Raises ConfigurationError for wrong settings.
        """
        scales = {name: Scale(*ends) for name, ends in survey.scores.items()}
        if settings.calibration is not None:
            # what was fitted holds for numbers as they were read then
            fitted = {
                recorded_as(fit.verifier, scales)[0]: Scale(*fit.scale)
                for fit in settings.calibration.scores
            }
            scales |= {name: scale for name, scale in fitted.items() if name in scales}
        most = settings.max_samples or survey.most_samples
        return cls(settings, scales, survey.tests, sorted(survey.models), most, limits)

    def __post_init__(self) -> None:
        self.verifiers: tuple[Verifier, ...] = recorded_verifiers(
            self.settings.verifiers, self.desk, self.scales, self._models[NAME], tests=self.tests
        )
        self._recorded_scores = any(isinstance(v, RecordedScores) for v in single(self.verifiers))
        models = [*self.models] or [NAME]
        self.selector = self.settings.resolved_selector(models, self.verifiers)
        self.policy = self.settings.resolved_policy(self.max_samples)
        self._agents: dict[int, Any] = {}
        self._agent(self.max_samples)  # so that wrong settings are found before anything runs

    def replay(self, question: Recorded) -> list[Measured]:
        """Run one question, once with each seed."""
        return [
            self.measured(question, seed, self.run(question, seed))
            for seed in range(self.settings.seeds)
        ]

    def run(self, question: Recorded, seed: int) -> Run:
        """Run one question through the graph; `seed` fixes the order in which answers come."""
        n = len(question.places)
        configurable: dict[str, Any] = {"seed": run_seed(seed, n)}
        message = question.message(seed)
        self.desk.runs[str(message.id)] = Draws(question, seed)
        try:
            # drawing without replacement ends with the pool
            state = self._agent(min(self.max_samples, n)).invoke(
                {"messages": [message]},
                {"recursion_limit": STEPS, "configurable": {"verifier_agent": configurable}},
            )
        finally:
            del self.desk.runs[str(message.id)]
        return Run.of(state)

    @cached_property
    def _models(self) -> dict[str, ReplayChatModel]:
        """Return one that gives anyone's answers, and one for each recorded model."""
        own = {name: ReplayChatModel(desk=self.desk, only=name) for name in self.models}
        return {NAME: ReplayChatModel(desk=self.desk), **own}

    def _agent(self, most: int) -> Any:
        """Return the agent for questions of which a run draws at most so many answers."""
        if most not in self._agents:
            together = self.settings.mean_samples is not None
            self._agents[most] = create_verifier_agent(
                self._models,
                verifier=self.verifiers,
                policy=AsRecorded(self.policy, most, self.desk)
                if together
                else AtMost(self.policy, most),
                selector=self.selector,
                calibration=self.settings.calibration,
                risk=self.settings.risk,
                budget=self.budget(most),
            )
        return self._agents[most]

    def budget(self, most: int) -> Budget:
        """Return what a run needs that draws at most so many answers."""
        # a verifier that computes takes a call for each answer, too
        paid = sum(hasattr(verifier, "bound") for verifier in single(self.verifiers))
        return Budget(calls=most * (1 + paid))

    def run_together(self, questions: Sequence[Recorded], seed: int) -> list[Run | None]:
        """Run all questions as one batch; None is a question that the budget did not reach."""
        messages = {question.id: question.message(seed) for question in questions}
        for question in questions:
            self.desk.runs[str(messages[question.id].id)] = Draws(question, seed)
        most = (self.settings.mean_samples or 1) * len(questions)
        try:
            batch = self._agent(self.max_samples).solve_many(
                [{"id": name, "messages": [message]} for name, message in messages.items()],
                budget=self.budget(most),
                policy=None,
                seed=run_seed(seed, self.max_samples),
                jobs=1,
            )
        finally:
            for message in messages.values():
                del self.desk.runs[str(message.id)]
        for result in batch.results:
            if result.error is not None:
                raise ConfigurationError(f"question {result.id!r}: {result.error}")
        return [result.run for result in batch.results]

    def measured(self, question: Recorded, seed: int, run: Run) -> Measured:
        """Read off a run of a question.

        Raises ConfigurationError for a policy that needs more than recorded whole answers.
        """
        if any(c.parent is not None for c in run.candidates):
            raise ConfigurationError(
                f"policy={self.policy!r} revises answers or grows them step by step; a pool "
                "holds independent whole answers: use best_of or sample, with any stop rule"
            )
        beginnings = Beginnings(run, self.verifiers, self.selector)

        def point(tree: Tree, selection: Selection) -> Point:
            return self.point(question, tree, selection)

        found = measure(question.id, seed, beginnings, self.limits, point)
        return replace(found, scores=self._scores(run.tree))

    def _scores(self, tree: Tree) -> tuple[tuple[str, int, float], ...]:
        compared = {v.name for v in self.verifiers if getattr(v, "relational", False)}
        return tuple(
            (named(verdict.verifier), sample, verdict.score)
            for verdict in tree.verdicts
            if verdict.score is not None
            and not verdict.hard
            and verdict.verifier not in compared
            and (sample := sample_of(tree[verdict.candidate])) is not None
        )

    def point(self, question: Recorded, tree: Tree, selection: Selection) -> Point:
        """Return what a run of the question has used and what it chooses."""
        chosen = selection.candidate
        drawn = [sample for c in tree if (sample := sample_of(c)) is not None]
        answers = [question.answers[sample] for sample in drawn]
        judging: list[Cost | RecordedCost] = [verdict.cost for verdict in tree.verdicts]
        if self._recorded_scores:
            judged = {verdict.candidate for verdict in tree.verdicts}
            judging += [
                question.answers[sample].verifier_cost
                for c in tree
                if c.id in judged and (sample := sample_of(c)) is not None
            ]
        tokens = [answer.tokens for answer in answers if answer.tokens is not None]
        return Point(
            sample=None if chosen is None else sample_of(tree[chosen]),
            samples_used=len(drawn),
            tokens=sum(tokens) if len(tokens) == len(answers) else None,
            usage=usage([answer.cost for answer in answers], judging),
            evidence=weigh(selection, tree.finished),
        )
