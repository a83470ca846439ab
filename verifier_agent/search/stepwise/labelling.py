"""Step labels by Monte Carlo: one answer, step by step, and what its steps lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from verifier_agent.budget import Remaining
from verifier_agent.search.policy import Count, Temperature, policy
from verifier_agent.search.stepwise.levels import ask, goes_on, own, usable
from verifier_agent.search.stepwise.monte_carlo import ROLLOUT
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Candidate, Select

Find = Literal["values", "first_error"]
RIGHT = 0.5
"""An answer with this score or a higher one is right."""


@policy
def rollouts(
    tree: Tree,
    remaining: Remaining,
    count: Count = 4,
    *,
    find: Find = "values",
    depth: Count = 24,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Write one answer step by step, then complete it `count` times from steps of it.

    "values": from every step; the share of completions that are right is its value (Math-Shepherd,
    Wang et al. 2024). "first_error": only if the answer is wrong, and by binary search for the
    first step from which no completion is right (OmegaPRM, Luo et al. 2024), so from about log2 of
    the steps; it takes for granted that nothing comes right again after it. For training data, by
    a verifier that knows the right answer; `depth` bounds the steps.
    """
    line = chain(tree)
    if not line or (goes_on(line[-1]) and len(line) < depth):
        end: dict[str, int] | dict[None, int] = {line[-1].id: 1} if line else {None: 1}
        # a step that failed is not asked for again
        if more := ask(tree, end, f"step {len(line) + 1}", temperature=temperature):
            return more
    wanted = line[:-1] if find == "values" else probe(tree, line, count)
    growing = {step.id: count for step in wanted}
    reason = "where each step leads" if find == "values" else "where the middle leads"
    more = ask(tree, growing, reason, mark=ROLLOUT, until="end", temperature=temperature)
    return more or [Select(reason=f"{len(line)} steps are labelled")]


def chain(tree: Tree) -> list[Candidate]:
    """Return the steps of the answer that is labelled, as far as they were written."""
    line: list[Candidate] = []
    while step := next(iter(usable(own(tree, line[-1].id if line else None))), None):
        line.append(step)
    return line


def value(tree: Tree, step: Candidate) -> float | None:
    """Return the share of right answers among what was completed from a step; None if unknown.

    That of a complete answer is 1 or 0.
    """
    ends = [step] if step.done else own(tree, step.id, ROLLOUT)
    scores = [score for end in ends if (score := tree.score(end.id)) is not None]
    return sum(score >= RIGHT for score in scores) / len(scores) if scores else None


def sound(tree: Tree, line: Sequence[Candidate], count: int) -> tuple[int, int]:
    """Return how many steps are known to be right, and the number of one known to be wrong.

    The first step of which it is known; one more than there are if none is. They are next to each
    other once the search has ended, unless completions could not be judged.
    """
    low, high = 0, len(line)
    if not line or not line[-1].done or value(tree, line[-1]) != 0:
        right = bool(line) and line[-1].done and value(tree, line[-1]) == 1
        return (high if right else low), high + 1
    while high - low > 1:
        middle = line[(low + high) // 2 - 1]
        found = value(tree, middle)
        if len(own(tree, middle.id, ROLLOUT)) < count or found is None:
            break
        low, high = ((low + high) // 2, high) if found else (low, (low + high) // 2)
    return low, high


def probe(tree: Tree, line: Sequence[Candidate], count: int) -> Sequence[Candidate]:
    """Return the step that the search for the first error looks at next; none if it has ended."""
    low, high = sound(tree, line, count)
    return [line[(low + high) // 2 - 1]] if high <= len(line) and high - low > 1 else []
