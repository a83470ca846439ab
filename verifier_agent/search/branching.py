"""Adaptive branching: a new answer, or a revision of one that is there, by what each has given."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.posteriors import Prior, favourite, scores_by_mark
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Generate, Revise, Select

Arm = tuple[str | None, str | None]
"""What is asked: the candidate to revise (None: a new answer) and the model (None: the first)."""


@policy
def wider_or_deeper(
    tree: Tree,
    remaining: Remaining,
    n: Count = 16,
    batch: Count = 1,
    *,
    models: tuple[str, ...] = (),
    prior: Prior = "gaussian",
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Make `n` answers in all, `batch` at a time, each where the draws from posteriors point.

    From the question down, "one more from here" is drawn against "go on below": the scores of
    what was made from here against those of what was made below that. Where one goes on, the
    children are drawn against each other by their own score and those below. One more from the
    question is a new answer, one more from an answer is a revision. With several `models` the one
    to ask is drawn by the scores of all its answers. AB-MCTS-A: Inoue et al. 2025, with the update
    rules of their code. A batch is drawn from the same posteriors: at most 5 is advised there.
    """
    made = sum(1 for c in tree if c.done)
    if made >= n:
        return [Select(reason=f"all {n} answers are made")]
    below = _below(tree)
    dice = [tree.random("wider or deeper", made + place) for place in range(min(batch, n - made))]
    wanted = Counter(
        (_descended(tree, below, prior, d), _model(tree, models, prior, d)) for d in dice
    )
    return [_action(arm, times, temperature) for arm, times in wanted.items()]


def _action(arm: Arm, n: int, temperature: float | None) -> Action:
    target, model = arm
    mark = model or ""
    if target is None:
        return Generate(n=n, model=model, mark=mark, temperature=temperature, reason="wider")
    reason = f"deeper: {target} looks most promising"
    return Revise(
        target=target, n=n, model=model, mark=mark, temperature=temperature, reason=reason
    )


def _kids(tree: Tree, node: str | None) -> list[Candidate]:
    via = tree.children(node, "generate" if node is None else "revise")
    return [c for c in via if c.done and c.error is None]


def _below(tree: Tree) -> dict[str, list[float]]:
    """Return, for each answer, the scores of all that was made from it, its own left out."""
    below: dict[str, list[float]] = {c.id: [] for c in tree}
    for candidate in tree:
        score = tree.score(candidate.id)
        if score is not None and candidate.done:
            for above in tree.path(candidate.id)[:-1]:
                below[above.id].append(score)
    return below


def _descended(
    tree: Tree, below: dict[str, list[float]], prior: Prior, dice: random.Random
) -> str | None:
    """Return the candidate to make one more from; None is the question."""
    node: str | None = None
    while kids := _kids(tree, node):
        known = {kid.id: [s] if (s := tree.score(kid.id)) is not None else [] for kid in kids}
        made = [score for scores in known.values() for score in scores]
        under = [score for kid in kids for score in below[kid.id]]
        if favourite({"wider": made, "deeper": under}, prior, dice) == "wider":
            break
        node = favourite({name: own + below[name] for name, own in known.items()}, prior, dice)
    return node


def _model(tree: Tree, models: tuple[str, ...], prior: Prior, dice: random.Random) -> str | None:
    return favourite(scores_by_mark(tree, models), prior, dice) if models else None
