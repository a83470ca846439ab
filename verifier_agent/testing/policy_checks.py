"""The laws of policies as a check that anybody can run on their own.

It grows synthetic trees through the real controller: no model, no graph, no network. It raises
AssertionError naming the broken law and the seed that shows it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from verifier_agent.budget import Budget, Footprint, Price, Remaining, Spent
from verifier_agent.graph.controller import Bounds, Decision, Planned, decide
from verifier_agent.search import PolicyFunction
from verifier_agent.testing.made import check_forms, made_candidate, made_verdict
from verifier_agent.tree import Tree
from verifier_agent.values import (
    Action,
    Candidate,
    Cost,
    Generate,
    Revise,
    Task,
    Verdict,
    Verify,
)

_TASK = Task(question="a question")
_PRICE = Price(input=1.0, output=2.0)
_FOOTPRINT = Footprint(parameters=1e9, joules_per_flop=(1e-11, 1e-10))


def _metered(cost: Cost) -> Cost:
    return _PRICE.of(_FOOTPRINT.of(cost))


_PROMPT = 20
_JUDGING = _metered(Cost(calls=1, input_tokens=40, output_tokens=10))
_BOUNDS = Bounds(
    request=lambda action, cap: _metered(Cost(calls=1, input_tokens=_PROMPT, output_tokens=cap)),
    judging=lambda action, cap: _JUDGING if action.judge else Cost(),
    cap=lambda action: 100,
)


def check_policy(
    policy: PolicyFunction, *, seeds: int = 20, rounds: int = 500, samples: bool = False
) -> None:
    """Check the laws of a policy on `seeds` trees that it grows itself, without and with limits.

    Same tree, same actions; the same for a shuffled tree; actions are one kind at a time and name
    usable candidates only; no limit is overrun; the run ends within `rounds` rounds, whatever
    fails: some calls or all, some verdicts or all. A named policy survives pickling, its plain
    form and its text.

    Args:
        policy: What to check.
        seeds: How many trees; in some all calls fail, or all verdicts are missing.
        rounds: How many rounds a run without a budget may take.
        samples: Check also that more calls with the same seed only add candidates to the tree;
            true of policies that draw answers independently.
    """
    check_forms(policy)
    for seed in range(seeds):
        _Growth(policy, seed).run(None, rounds)
        for budget in _budgets(random.Random(seed)):
            _Growth(policy, seed).run(budget, rounds)
        if samples:
            _check_additions(policy, seed, rounds)


def _budgets(dice: random.Random) -> list[Budget]:
    calls, tokens = dice.randint(1, 40), dice.randint(200, 5000)
    return [
        Budget(calls=calls),
        Budget(tokens=tokens),
        Budget(usd=tokens * 1e-6),
        Budget(joules=0.5 * tokens),
        Budget(calls=calls, tokens=tokens, usd=2e-6 * tokens),
    ]


def _check_additions(policy: PolicyFunction, seed: int, rounds: int) -> None:
    earlier: dict[str, Candidate] = {}
    for calls in (1, 2, 3, 5, 8, 13, 40, 200):
        tree = _Growth(policy, seed, reliable=True).run(Budget(calls=calls), rounds)
        later = {c.id: c for c in tree}
        lost = [name for name in earlier if later.get(name) != earlier[name]]
        assert not lost, f"{policy!r}: with {calls} calls {lost[0]!r} is another one (seed {seed})"
        earlier = later


@dataclass
class _Growth:
    """One run: what the policy asks for is made up, by dice that depend on seed and id alone."""

    policy: PolicyFunction
    seed: int
    reliable: bool = False
    """True: no retries are needed, so that what can be bought depends on the budget alone."""
    candidates: list[Candidate] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def run(self, budget: Budget | None, rounds: int) -> Tree:
        """Grow until the run ends; return the tree."""
        limits = budget or Budget(calls=10**9)
        decision: Decision | None = None
        for _ in range(rounds):
            tree = self.tree()
            self.check_spent(limits, tree.spent)
            remaining = Remaining.of(limits, tree.spent) if budget else Remaining()
            decision = decide(
                self.agreed, tree, remaining, _BOUNDS, last=decision, steps=2 * rounds
            )
            if decision.ending:
                return tree
            for planned in decision.actions:
                self.act(planned)
            self.judge(limits, decision.actions)
        raise AssertionError(f"{self.policy!r} does not end within {rounds} rounds ({self.where})")

    @property
    def where(self) -> str:
        """Say which run it is."""
        return f"seed {self.seed}"

    def tree(self) -> Tree:
        """Return what there is so far."""
        costs = [c.cost for c in self.candidates] + [v.cost for v in self.verdicts]
        spent = Spent.of(costs)
        return Tree(_TASK, self.candidates, self.verdicts, seed=self.seed, spent=spent)

    def agreed(self, tree: Tree, remaining: Remaining) -> Sequence[Action]:
        """Ask the policy, in three ways that must not matter."""
        actions = list(self.policy(tree, remaining))
        assert list(self.policy(tree, remaining)) == actions, (
            f"{self.policy!r} is not pure ({self.where})"
        )
        dice = random.Random(self.seed)
        shuffled = Tree(
            _TASK,
            dice.sample(self.candidates, len(self.candidates)),
            dice.sample(self.verdicts, len(self.verdicts)),
            seed=self.seed,
            spent=tree.spent,
        )
        assert list(self.policy(shuffled, remaining)) == actions, (
            f"{self.policy!r} depends on the order in which candidates arrived ({self.where})"
        )
        return actions

    def check_spent(self, limits: Budget, spent: Spent) -> None:
        """Compare in every unit; sums of dollars and joules are allowed to round."""
        for unit in ("calls", "tokens", "usd", "joules"):
            limit = getattr(limits, unit)
            used = getattr(spent, unit)
            assert limit is None or used <= limit * (1 + 1e-9), (
                f"{self.policy!r} spent {used} of {limit} {unit} ({self.where})"
            )

    def dice(self, what: str) -> random.Random:
        """Return the dice of one candidate or verdict."""
        return random.Random(f"{self.seed}:{what}")

    def act(self, planned: Planned) -> None:
        """Make the candidates of one action."""
        known = {c.id for c in self.candidates}
        for name in planned.ids:
            assert name not in known, f"{name!r} is there already ({self.where})"
            known.add(name)
            self.candidates.append(self.candidate(planned, name))

    def candidate(self, planned: Planned, name: str) -> Candidate:
        """Make one candidate; it may have failed, and it may have taken retries."""
        action, dice = planned.action, self.dice(name)
        assert isinstance(action, Generate | Revise)
        made = made_candidate(name, dice, action, failing=(0.1, 0.1, 0.1, 1.0)[self.seed % 4])
        calls = 1 if self.reliable else dice.randint(1, planned.allowance.attempts)
        cap = planned.allowance.max_tokens or 0
        cost = Cost(
            calls=calls,
            input_tokens=calls * planned.allowance.input_tokens,
            output_tokens=dice.randint(0, calls * cap),
        )
        return replace(made, cost=_metered(cost))

    def judge(self, limits: Budget, actions: Sequence[Planned]) -> None:
        """Judge what is to be judged, as far as the budget goes; nothing is judged twice."""
        wanted: set[str] = set()
        for planned in actions:
            if isinstance(planned.action, Verify):
                wanted.update(planned.action.candidates)
            elif getattr(planned.action, "judge", False):
                wanted.update(planned.ids)
        wanted -= {verdict.candidate for verdict in self.verdicts}
        left = Remaining.of(limits, self.tree().spent)
        for candidate in self.candidates:
            if candidate.id in wanted and candidate.error is None and left.fits(_JUDGING) >= 1:
                left = left.minus(_JUDGING)
                missing = (0.1, 0.1, 1.0, 0.1)[self.seed % 4]
                verdict = made_verdict(candidate.id, self.dice(f"{candidate.id}?"), missing)
                self.verdicts.append(replace(verdict, cost=_JUDGING))
