"""Policies on recorded answers without the graph: the same rounds, and many times as fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from langchain_core.messages import message_to_dict

from verifier_agent.budget import Remaining, Spent
from verifier_agent.errors import ConfigurationError
from verifier_agent.evaluation.measured import Point
from verifier_agent.evaluation.recordings.pools import Survey
from verifier_agent.evaluation.replaying.recorded import Draws, Recorded, run_seed
from verifier_agent.evaluation.replaying.replay import Replay, Replayer
from verifier_agent.evaluation.settings import AtMost
from verifier_agent.graph.checking import check_actions
from verifier_agent.graph.choosing import choose
from verifier_agent.graph.growing import STATED
from verifier_agent.graph.judging import Batch, applies, ask
from verifier_agent.search import PolicyFunction
from verifier_agent.selection import SelectorFunction
from verifier_agent.tree import Tree
from verifier_agent.values import (
    Action,
    Candidate,
    Cost,
    Generate,
    Select,
    Task,
    Verdict,
    Verifier,
    Verify,
)


class Simulator:
    """Runs policies on the questions of a pool, as `Replayer` does, without the graph.

    The rounds, verdicts and choices are the graph's own, one after the other; what is left out is
    what the graph is for: checkpoints, concurrency, faults, allowances. Where every answer that is
    asked for was recorded, the run is the graph's.
    """

    def __init__(self, settings: Replay, survey: Survey) -> None:
        """Raise ConfigurationError for wrong settings, as the graph would."""
        self._replayer = Replayer.of(settings, survey)

    @property
    def selector(self) -> SelectorFunction:
        """What answers are chosen by."""
        return self._replayer.selector

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """Who judges."""
        return self._replayer.verifiers

    def run(
        self, question: Recorded, seed: int, policy: PolicyFunction, most: int | None = None
    ) -> Point:
        """Return what came of one run; it draws at most so many answers.

        Raises ConfigurationError for a policy that needs more than recorded whole answers.
        """
        tree, ending = self._play(question, seed, policy, most)
        return self._replayer.point(question, tree, choose(self.selector, tree, ending))

    def tree(self, question: Recorded, seed: int, policy: PolicyFunction) -> Tree:
        """Return the tree of one run; raises what `run` raises."""
        return self._play(question, seed, policy, None)[0]

    def _play(
        self, question: Recorded, seed: int, policy: PolicyFunction, most: int | None
    ) -> tuple[Tree, Select]:
        replayer = self._replayer
        most = min(most or replayer.max_samples, replayer.max_samples, len(question.places))
        message = question.message(seed)
        draws = replayer.desk.runs[str(message.id)] = Draws(question, seed)
        task = Task(question=question.question, messages=(message_to_dict(message),))
        run = _Run(task, draws, replayer.verifiers, run_seed(seed, len(question.places)))
        budget, held = replayer.budget(most), AtMost(policy, most)
        try:
            while True:
                tree = run.tree()
                actions = tuple(held(tree, Remaining.of(budget, tree.spent)))
                check_actions(actions, tree)
                ending = actions[0] if isinstance(actions[0], Select) else run.play(actions)
                if ending is not None:
                    return run.tree(), ending
        finally:
            del replayer.desk.runs[str(message.id)]


@dataclass(slots=True)
class _Run:
    """One run under way."""

    task: Task
    draws: Draws
    verifiers: Sequence[Verifier]
    seed: int
    candidates: list[Candidate] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    wanted: set[str] = field(default_factory=set)
    """Candidates that are to be judged."""

    def tree(self) -> Tree:
        spent = Spent.of([c.cost for c in self.candidates] + [v.cost for v in self.verdicts])
        return Tree(self.task, self.candidates, self.verdicts, seed=self.seed, spent=spent)

    def play(self, actions: Sequence[Action]) -> Select | None:
        """Do one round; return how the run ends if nothing came of it."""
        before = len(self.candidates), len(self.verdicts)
        for action in actions:
            if isinstance(action, Verify):
                self.wanted.update(action.candidates)
            elif isinstance(action, Generate) and action.parent is None and action.until == "end":
                self._generate(action)
            else:
                raise ConfigurationError(
                    f"{action.kind} is asked for: a pool holds independent whole answers, which "
                    "are neither revised nor continued"
                )
        self._judge()
        if (len(self.candidates), len(self.verdicts)) == before:
            return Select(outcome="plateau", reason="nothing is left to draw or to judge")
        return None

    def _generate(self, action: Generate) -> None:
        for _ in range(action.n):
            at = len(self.candidates)
            sample = self.draws.draw(at, action.model)
            if sample is None:
                error, model = "no answer is left to draw", action.model or ""
                self.candidates.append(
                    Candidate(id=f"g{at}", model=model, mark=action.mark, error=error)
                )
                continue
            answer = self.draws.recorded.answers[sample]
            self.candidates.append(
                Candidate(
                    id=f"g{at}",
                    text=answer.text,
                    answer=answer.key,
                    message={"data": {"response_metadata": {STATED: {"sample": sample}}}},
                    model=answer.model,
                    mark=action.mark,
                    logprob=answer.logprob,
                    cost=Cost(calls=1, output_tokens=answer.tokens or 0),
                )
            )
            if action.judge:
                self.wanted.add(f"g{at}")

    def _judge(self) -> None:
        """Have all verifiers judge what they are to and have not yet, as the node `verify` does."""
        for verifier in self.verifiers:
            tree = self.tree()
            if not applies(verifier, tree):
                continue
            fresh = [c for c in tree if c.id in self.wanted and c.error is None]
            compares = bool(getattr(verifier, "relational", False))
            # what compares answers judges all of them anew, whenever some arrive
            version = len(fresh) if compares else 0
            judged = {
                v.candidate
                for v in self.verdicts
                if v.verifier == verifier.name and v.version >= version
            }
            left = tuple(c for c in fresh if c.id not in judged)
            if left:
                batch = Batch(verifier=verifier, candidates=left, version=version)
                self.verdicts += [replace(v, version=version) for v in ask(self.task, batch)]
