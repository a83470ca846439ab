"""The laws of policies and selectors as checks that anybody can run on their own.

They grow synthetic trees: no model, no graph. Each raises AssertionError naming the broken law
and the seed that shows it.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence

from verifier_agent.budget import Remaining
from verifier_agent.graph.controller import check_actions
from verifier_agent.search import Policy, PolicyFunction
from verifier_agent.selection import SelectorFunction
from verifier_agent.tree import Tree
from verifier_agent.values import (
    Action,
    Candidate,
    Cost,
    Generate,
    Judged,
    Revise,
    Select,
    Task,
    Verdict,
    Verify,
)


def check_policy(policy: PolicyFunction, *, seeds: int = 20, rounds: int = 500) -> None:
    """Check the laws of a policy on `seeds` growing trees.

    Same tree, same actions; the same for a shuffled tree; actions are one kind at a time and name
    usable candidates only; the run ends within `rounds` rounds although calls and verdicts fail;
    a named policy survives pickling and its plain form.
    """
    if isinstance(policy, Policy):
        assert pickle.loads(pickle.dumps(policy)) == policy, f"{policy!r} changes when pickled"
        assert Policy.from_dict(policy.to_dict()) == policy, f"{policy!r} changes as a dict"
        assert Policy.parse(repr(policy)) == policy, f"{policy!r} changes as text"
    for seed in range(seeds):
        dice = random.Random(seed)
        candidates: list[Candidate] = []
        verdicts: list[Verdict] = []
        for _ in range(rounds):
            actions = _agreed_actions(policy, candidates, verdicts, dice, seed)
            if isinstance(actions[0], Select):
                break
            _act(actions, candidates, verdicts, dice)
        else:
            raise AssertionError(f"{policy!r} does not end within {rounds} rounds (seed {seed})")


def _agreed_actions(
    policy: PolicyFunction,
    candidates: list[Candidate],
    verdicts: list[Verdict],
    dice: random.Random,
    seed: int,
) -> Sequence[Action]:
    task = Task(question="a question")
    tree = Tree(task, candidates, verdicts, seed=seed)
    actions = list(policy(tree, Remaining()))
    assert list(policy(tree, Remaining())) == actions, f"{policy!r} is not pure (seed {seed})"
    shuffled = Tree(
        task,
        dice.sample(candidates, len(candidates)),
        dice.sample(verdicts, len(verdicts)),
        seed=seed,
    )
    assert list(policy(shuffled, Remaining())) == actions, (
        f"{policy!r} depends on the order in which candidates arrived (seed {seed})"
    )
    check_actions(actions, tree)
    return actions


def _act(
    actions: Sequence[Action],
    candidates: list[Candidate],
    verdicts: list[Verdict],
    dice: random.Random,
) -> None:
    for action in actions:
        if isinstance(action, Verify):
            verdicts += [_verdict(name, dice) for name in action.candidates]
        if isinstance(action, Generate | Revise):
            parent = action.parent if isinstance(action, Generate) else action.target
            first = sum(1 for c in candidates if (c.parent, c.via) == (parent, action.kind))
            # a round may be cut short by the budget: any part of what was asked for may come
            for ordinal in range(first, first + dice.randint(1, action.n)):
                candidate = _candidate(action, parent, ordinal, dice)
                candidates.append(candidate)
                if action.judge and candidate.error is None:
                    verdicts.append(_verdict(candidate.id, dice))


def _candidate(
    action: Generate | Revise, parent: str | None, ordinal: int, dice: random.Random
) -> Candidate:
    name = f"{'' if parent is None else parent + '.'}{action.kind[0]}{ordinal}"
    failed = dice.random() < 0.1
    stepwise = isinstance(action, Generate) and action.until == "step"
    done = not stepwise or dice.random() < 0.3
    return Candidate(
        id=name,
        parent=parent,
        via=action.kind,
        text="" if failed else f"text of {name}",
        done=done,
        answer=dice.choice(["1", "2", "3", None]) if done and not failed else None,
        cost=Cost(calls=1, output_tokens=dice.randint(1, 50)),
        error="refused" if failed else None,
    )


def _verdict(candidate: str, dice: random.Random) -> Verdict:
    if dice.random() < 0.1:
        return Verdict(candidate=candidate, verifier="dice", error="no score")
    return Verdict(
        candidate=candidate,
        verifier="dice",
        score=dice.choice([0.0, 0.05, 0.5, 0.95, 1.0]),
        hard=dice.random() < 0.1,
    )


def check_selector(selector: SelectorFunction, *, seeds: int = 100) -> None:
    """Check the laws of a selector on `seeds` random elections.

    It chooses one of the candidates, and none of none; confidence and support lie in [0, 1];
    support adds up to 1; it is pure; an answer that all share is chosen.
    """
    nobody = selector(())
    assert nobody.candidate is None, f"{selector!r} chose {nobody.candidate!r} from nobody"
    assert nobody.answer is None, f"{selector!r} answered {nobody.answer!r} from nobody"
    for seed in range(seeds):
        dice = random.Random(seed)
        judged = _election(dice)
        chosen = selector(judged)
        assert selector(judged) == chosen, f"{selector!r} is not pure (seed {seed})"
        by_id = {j.candidate.id: j.candidate for j in judged}
        assert chosen.candidate in by_id, f"{selector!r} chose {chosen.candidate!r} (seed {seed})"
        winner = by_id[str(chosen.candidate)]
        assert chosen.answer == (winner.text if winner.answer is None else winner.answer), (
            f"{selector!r} answers {chosen.answer!r}, its candidate {winner.answer!r} (seed {seed})"
        )
        numbers = [*chosen.support.values()]
        assert all(0.0 <= share <= 1.0 for share in numbers), f"support {numbers} (seed {seed})"
        assert not numbers or abs(sum(numbers) - 1) < 1e-9, f"support {numbers} (seed {seed})"
        assert chosen.confidence is None or 0.0 <= chosen.confidence <= 1.0, (
            f"{selector!r} is {chosen.confidence} sure (seed {seed})"
        )
        assert (chosen.confidence is None) == (chosen.basis == "none"), (
            f"{selector!r} does not say what its confidence is (seed {seed})"
        )


def _election(dice: random.Random) -> tuple[Judged, ...]:
    action = Generate()
    made = [_candidate(action, None, place, dice) for place in range(dice.randint(1, 12))]
    usable = [c for c in made if c.error is None] or [Candidate(id="g0", text="t", answer="1")]
    return tuple(
        Judged(candidate=c, verdicts=(_verdict(c.id, dice),) if dice.random() < 0.8 else ())
        for c in usable
    )
