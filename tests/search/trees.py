"""Trees for tests of policies: written out by hand, or grown by a policy on given scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from verifier_agent.budget import Remaining, Spent
from verifier_agent.search import PolicyFunction
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Generate, Revise, Select, Task, Verdict

TASK = Task(question="q")


def drawn(
    *answers: str | None, scores: Iterable[float | None] = (), spent: Spent | None = None
) -> Tree:
    """Return the drafts g0, g1, … with these answers and scores."""
    return Tree(
        TASK,
        [Candidate(id=f"g{i}", text=f"t{i}", answer=answer) for i, answer in enumerate(answers)],
        [
            Verdict(candidate=f"g{i}", verifier="v", score=score)
            for i, score in enumerate(scores)
            if score is not None
        ],
        spent=spent,
    )


def grown(
    policy: PolicyFunction,
    score: Callable[[str], float | None],
    done: Callable[[str], bool] = lambda name: False,
    failed: Callable[[str], bool] = lambda name: False,
    seed: int = 0,
) -> tuple[list[list[str]], Select]:
    """Let `policy` grow a tree to its end; return the ids of each round, and how it ended.

    `done` says which steps complete an answer; whole answers are always complete.
    """
    candidates: list[Candidate] = []
    rounds: list[list[str]] = []
    while True:
        names = [c.id for c in candidates]
        said = [
            Verdict(candidate=name, verifier="v", score=value)
            for name in names
            if (value := score(name)) is not None
        ]
        actions = policy(Tree(TASK, candidates, said, seed=seed), Remaining())
        if isinstance(actions[0], Select):
            return rounds, actions[0]
        rounds.append([])
        for action in actions:
            assert isinstance(action, Generate | Revise)
            parent = action.parent if isinstance(action, Generate) else action.target
            prefix = "" if parent is None else f"{parent}."
            first = sum(c.parent == parent and c.via == action.kind for c in candidates)
            step = isinstance(action, Generate) and action.until == "step"
            for name in (f"{prefix}{action.kind[0]}{first + i}" for i in range(action.n)):
                candidates.append(
                    Candidate(
                        id=name,
                        parent=parent,
                        via=action.kind,
                        done=not step or done(name),
                        mark=action.mark,
                        error="refused" if failed(name) else None,
                    )
                )
                rounds[-1].append(name)
