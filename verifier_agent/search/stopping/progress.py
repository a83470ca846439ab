"""Finished candidates in the order in which they were drawn, as far as a tree tells it."""

from __future__ import annotations

from verifier_agent.tree import Tree
from verifier_agent.values import Judged, order


def in_order(tree: Tree) -> tuple[Judged, ...]:
    """Return finished candidates by depth, then by id.

    That is the order in which samplers draw and chains and beams grow. It depends on the tree
    alone, never on which call came back first.
    """
    return tuple(sorted(tree.finished, key=lambda j: (j.candidate.depth, order(j.candidate.id))))
