"""A result that is told twice, late or in another order changes no decision."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.search.trees import TASK
from verifier_agent.budget import Remaining
from verifier_agent.graph.merging import merge
from verifier_agent.search import Policy
from verifier_agent.testing.made import made_candidate, made_verdict
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Revise, Select, Verdict

POLICIES = [
    "best_of(4)",
    "sample(6, 2)",
    "revise(4)",
    "chains(2, 3)",
    "thompson(6, 2)",
    "beam(2, 2, depth=4)",
    "beam(4, 2, 2, depth=4)",
    "beam(2, 2, depth=3, lookahead=1)",
    "rebase(5, depth=4)",
    "particles(4, 2, depth=4)",
    "mcts(6, 2, 2)",
    "rollouts(2, depth=3)",
    "wider_or_deeper(6, 2)",
    "wider_or_deeper(6, models=('small', 'large'), prior='beta')",
    "forced(2, 2)",
    "bandit(('small', 'large'), 6, 2)",
    "cascade(('small', 'large'), agree(0.9))",
    "then(beam(2, 2, depth=3), rebase(3, depth=3))",
    "route(agreement(3), revise(2), mcts(4, 2))",
]


def made_by(policy: Policy, seed: int) -> list[Tree]:
    """Let `policy` grow a tree of made-up candidates and verdicts; return it after every round."""
    candidates: dict[str, Candidate] = {}
    verdicts: list[Verdict] = []
    trees = []
    while True:
        trees.append(Tree(TASK, candidates.values(), verdicts, seed=seed))
        actions = policy(trees[-1], Remaining())
        if isinstance(actions[0], Select):
            return trees
        for action in actions:
            assert isinstance(action, Generate | Revise)
            parent = action.parent if isinstance(action, Generate) else action.target
            prefix = "" if parent is None else f"{parent}."
            first = len(trees[-1].children(parent, action.kind))
            for name in (f"{prefix}{action.kind[0]}{first + i}" for i in range(action.n)):
                while name in candidates:
                    head, _, last = name.rpartition(action.kind[0])
                    name = f"{head}{action.kind[0]}{int(last) + 1}"
                dice = random.Random(f"{seed}:{name}")
                candidates[name] = made_candidate(name, dice, action, failing=0.1)
                if candidates[name].error is None:
                    verdicts.append(made_verdict(name, dice, missing=0.1))


def plain(kind: str, key: str, value: Candidate | Verdict) -> dict[str, Any]:
    return {"schema": 1, "turn": 1, kind: {key: value.to_dict()}}


@pytest.mark.parametrize("text", POLICIES)
def test_told_twice_late_or_in_another_order_is_the_same(text: str) -> None:
    policy = Policy.parse(text)
    for seed in range(4):
        trees = made_by(policy, seed)
        assert len(trees) > 1
        for tree in trees:
            told = [plain("candidates", c.id, c) for c in tree]
            told += [plain("verdicts", v.key, v) for v in tree.verdicts]
            dice = random.Random(seed)
            told += dice.sample(told, len(told) // 2)
            dice.shuffle(told)
            merged: dict[str, Any] = {}
            for update in told:
                merged = merge(merged, update)
            again = Tree(
                TASK,
                map(Candidate.from_dict, merged.get("candidates", {}).values()),
                map(Verdict.from_dict, merged.get("verdicts", {}).values()),
                seed=seed,
            )
            assert policy(again, Remaining()) == policy(tree, Remaining())
