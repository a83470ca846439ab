"""Replay: the real graph, run on recorded answers. No model is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from verifier_agent.budget import Budget
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.pools import Survey
from verifier_agent.evaluation.recorded import Desk, Recorded, ReplayChatModel, place, run_seed
from verifier_agent.evaluation.recorded_scores import Scale, recorded_verifiers
from verifier_agent.graph import Run, create_verifier_agent
from verifier_agent.graph.build import default_selector
from verifier_agent.graph.choosing import choose
from verifier_agent.graph.judging import Batch, applies, ask, shown
from verifier_agent.search import PolicyFunction, agree, resolve_policy, sample, until
from verifier_agent.selection import SelectorFunction, resolve_selector
from verifier_agent.tree import Tree
from verifier_agent.values import Outcome, Select, Selection, Verifier, order
from verifier_agent.verifiers import VerifierLike, resolve_verifiers

STEPS = 100_000
"""LangGraph's own limit must not end a run: the budget and the policy do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How a pool is replayed. Raises ConfigurationError for a wrong number."""

    policy: str | PolicyFunction | None = None
    """None: draw until 95 % sure of the majority, 4 at a time."""
    selector: str | SelectorFunction | None = None
    """None: what an agent with this verifier chooses by."""
    verifier: VerifierLike | Sequence[VerifierLike] | None = "agreement"
    """As for an agent; also "scores:NAME" and "tests", for what is recorded. None: nobody judges.
    A judge is refused, since replay calls no model."""
    max_samples: int | None = None
    """The most answers that a run may draw; None: all that there are."""
    seeds: int = 1
    """Runs per question: seeds 0, 1, …; each draws in another order."""
    in_order: bool = False
    """Draw in the order of the file."""

    def __post_init__(self) -> None:
        for name in ("max_samples", "seeds"):
            value = getattr(self, name)
            if value is None and name == "max_samples":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(
                    f"{name}={value!r}: a whole number of at least 1 is needed"
                )

    @property
    def verifiers(self) -> list[VerifierLike]:
        """The verifiers asked for, as a list."""
        if isinstance(self.verifier, list | tuple):
            return list(self.verifier)
        return [] if self.verifier is None else [cast(VerifierLike, self.verifier)]


@dataclass(frozen=True, slots=True)
class Point:
    """Where a run stands after at most so many samples: what it would choose, what it has used."""

    sample: int | None
    """Index, in the pool's file, of the chosen sample; None if there was none to choose."""
    samples_used: int
    tokens: int | None
    """Recorded tokens of those samples; None where one of them has none recorded."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One run of one question."""

    id: str
    seed: int
    answer: str | None
    end: Point
    confidence: float | None
    basis: str
    outcome: Outcome
    curve: tuple[Point, ...]
    """The same for each of the smaller limits."""


@dataclass
class Replayer:
    """One compiled graph for all questions of a pool."""

    settings: Replay
    scales: Mapping[str, Scale]
    tests: bool
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
        most = settings.max_samples or survey.most_samples
        return cls(settings, scales, survey.tests, most, limits)

    def __post_init__(self) -> None:
        model = ReplayChatModel(desk=self.desk)
        likes = recorded_verifiers(
            self.settings.verifiers, self.desk, self.scales, tests=self.tests
        )
        self.verifiers: tuple[Verifier, ...] = resolve_verifiers(likes, model=model)
        selector = self.settings.selector
        self.selector = (
            default_selector(self.verifiers) if selector is None else resolve_selector(selector)
        )
        policy = self.settings.policy
        self.policy = (
            until(sample(self.max_samples), agree(0.95))
            if policy is None
            else resolve_policy(policy)
        )
        self.agent = create_verifier_agent(
            model,
            verifier=self.verifiers,
            policy=self.policy,
            selector=self.selector,
            budget=Budget(calls=self.max_samples),
        )

    def replay(self, question: Recorded) -> list[Replayed]:
        """Run one question, once with each seed.

        Raises ConfigurationError for a policy that needs more than recorded whole answers.
        """
        return [self._replayed(question, seed) for seed in range(self.settings.seeds)]

    def run(self, question: Recorded, seed: int) -> Run:
        """Run one question through the graph; `seed` fixes the order in which answers come."""
        n = len(question.answers)
        configurable: dict[str, Any] = {
            "seed": run_seed(seed, n),
            # drawing without replacement ends with the pool
            "budget": {"calls": min(self.max_samples, n)},
        }
        self.desk.questions[question.id] = question
        try:
            state = self.agent.invoke(
                {"messages": [question.message(seed)]},
                {"recursion_limit": STEPS, "configurable": {"verifier_agent": configurable}},
            )
        finally:
            del self.desk.questions[question.id]
        return Run.of(state)

    def _replayed(self, question: Recorded, seed: int) -> Replayed:
        run = self.run(question, seed)
        if any(c.parent is not None for c in run.candidates):
            raise ConfigurationError(
                f"policy={self.policy!r} revises answers or grows them step by step; a pool "
                "holds independent whole answers: use best_of or sample, with any stop rule"
            )
        prefixes = Prefixes(run, self.verifiers, self.selector)
        selection = run.selection
        return Replayed(
            id=question.id,
            seed=seed,
            answer=selection.answer,
            end=_point(question, seed, run.tree, selection),
            confidence=selection.confidence,
            basis=selection.basis,
            outcome=selection.outcome,
            curve=tuple(_point(question, seed, *prefixes.at(limit)) for limit in self.limits),
        )


def _point(question: Recorded, seed: int, tree: Tree, selection: Selection) -> Point:
    drawn = question.drawn(seed)
    chosen = selection.candidate
    tokens = [question.answers[drawn[place(c.id)]].tokens for c in tree]
    known = [n for n in tokens if n is not None]
    return Point(
        sample=None if chosen is None else drawn[place(chosen)],
        samples_used=len(tree),
        tokens=sum(known) if len(known) == len(tokens) else None,
    )


class Prefixes:
    """The beginnings of a finished run: what it would have had and chosen under smaller budgets.

    A policy that decides by the tree alone, as all that ship do, makes the same draws under a
    smaller budget until it ends, so a beginning of the run is that run; this is not so for one
    that looks at what remains. Verifiers that compare answers are asked again about the beginning.
    """

    def __init__(self, run: Run, verifiers: Sequence[Verifier], selector: SelectorFunction) -> None:
        self._run = run
        self._selector = selector
        self._again = [v for v in verifiers if getattr(v, "relational", False)]
        self._wanted = shown(run.decisions)
        again = {v.name for v in self._again}
        self._kept = [v for v in run.tree.verdicts if v.verifier not in again]

    def at(self, limit: int) -> tuple[Tree, Selection]:
        """Return the tree of the first `limit` candidates, and what is chosen from it."""
        tree = self._run.tree
        if limit >= len(tree):
            return tree, self._run.selection
        first = sorted(tree, key=lambda c: order(c.id))[:limit]
        names = {candidate.id for candidate in first}
        kept = [verdict for verdict in self._kept if verdict.candidate in names]
        bare = Tree(tree.task, first, kept, seed=tree.seed)
        judged = [c for c in first if c.id in self._wanted and c.done and c.error is None]
        for verifier in self._again:
            if judged and applies(verifier, bare):
                kept += ask(tree.task, Batch(verifier=verifier, candidates=tuple(judged)))
        prefix = Tree(tree.task, first, kept, seed=tree.seed) if self._again else bare
        return prefix, choose(self._selector, prefix, Select())
