"""What actions a policy may ask for: one kind of round, of candidates that exist. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from verifier_agent.errors import PolicyError
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Revise, Select, Verify


def check_actions(actions: Sequence[Action], tree: Tree) -> None:
    """Raise PolicyError unless `actions` are one kind of round and name what exists."""
    if not actions:
        raise PolicyError("the policy returned no action; return [Select(…)] to end the run")
    strange = [a for a in actions if not isinstance(a, Generate | Revise | Verify | Select)]
    if strange:
        raise PolicyError(f"the policy returned {strange[0]!r}, which is no action")
    kinds = {"grow" if isinstance(a, Generate | Revise) else a.kind for a in actions}
    if len(kinds) > 1:
        raise PolicyError(f"one kind of round at a time, not {sorted(a.kind for a in actions)}")
    for action in actions:
        if isinstance(action, Generate | Revise) and action.n < 1:
            raise PolicyError(f"{action!r}: n must be at least 1")
        if isinstance(action, Verify) and not action.candidates:
            raise PolicyError("a verify action names no candidate")
        for name in _named_in(action):
            if name not in tree:
                raise PolicyError(f"{action!r} names {name!r}, which does not exist")
            if tree[name].error is not None:
                raise PolicyError(f"{action!r} names {name!r}, which failed: {tree[name].error}")
        if (
            isinstance(action, Generate)
            and action.parent
            and tree[action.parent].done
            and not action.append
        ):
            raise PolicyError(f"{action!r} continues {action.parent!r}, which is complete")


def _named_in(action: Action) -> tuple[str, ...]:
    match action:
        case Generate(parent=parent):
            return () if parent is None else (parent,)
        case Revise(target=target, shown=shown):
            return (target, *shown)
        case Verify(candidates=candidates):
            return candidates
        case _:
            return ()
