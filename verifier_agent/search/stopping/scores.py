"""Stop rules that look at scores: they need a verifier."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from verifier_agent.search.policy import Count, Share
from verifier_agent.search.stopping.expecting import expected_improvement
from verifier_agent.search.stopping.progress import in_order
from verifier_agent.search.stopping.rule import stop_rule
from verifier_agent.tree import Tree
from verifier_agent.values import Outcome


def _best(tree: Tree) -> str:
    best = tree.incumbent
    if best is None or best.score is None:
        return ""
    return f"best is {best.candidate.id} with score {best.score:.2f} of {len(_scores(tree))} judged"


def _ended(tree: Tree) -> Outcome:
    best = tree.incumbent
    return "verified" if best and best.proven else "completed"


@stop_rule(_ended, _best)
def passed(tree: Tree, score: Share = 0.9, count: Count = 1) -> bool:
    """At least `count` finished candidates score at least `score`.

    It ends with "verified" where the best of them is proven by a hard verdict, else "completed".
    """
    return sum(1 for found in _scores(tree) if found >= score) >= count


@stop_rule("verified", _best)
def proven(tree: Tree, count: Count = 1) -> bool:
    """At least `count` finished candidates are accepted by hard verifiers, and by all that spoke.

    Accepted is a hard verdict with the score 1. No soft score is proof, however high it is.
    """
    return sum(1 for judged in tree.finished if judged.proven) >= count


@stop_rule("gave_up", _best)
def hopeless(tree: Tree, after: Count = 8, below: Share = 0.1) -> bool:
    """After at least `after` finished and judged candidates, none scores `below` or more."""
    scores = _scores(tree)
    return len(scores) >= after and max(scores) < below


@stop_rule("plateau", _best)
def plateau(tree: Tree, patience: Count = 4, *, gain: Share = 0.0) -> bool:
    """The last `patience` judged candidates raised the best score by `gain` at most.

    Last is by depth, then by id: what a sampler drew last, or the end of a chain of revisions.
    """
    scores = _scores(tree)
    earlier, last = scores[:-patience], scores[-patience:]
    return bool(earlier) and max(last) - max(earlier) <= gain


@stop_rule("plateau", _best)
def fair_cap(
    tree: Tree,
    price: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01,
    *,
    after: Annotated[Count, Field(ge=3)] = 3,
) -> bool:
    """One more candidate is expected to raise the best score by no more than its `price`.

    The price of a call is in points of score: 0.01 says that a hundred calls are worth a right
    answer. The fair cap of Pandora's box (Weitzman 1979) is the score t at which E[(v - t)+] is
    the price; the rule holds once the best score reaches it. v, the next score, is predicted from
    all given so far (see `expected_improvement`), at least `after`.
    """
    scores = _scores(tree)
    return len(scores) >= after and expected_improvement(scores) <= price


def _scores(tree: Tree) -> list[float]:
    return [score for judged in in_order(tree) if (score := judged.score) is not None]
