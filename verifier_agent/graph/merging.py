"""How updates of the one state channel merge, and how the channel is stored. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import reduce
from typing import Annotated, Any

from langgraph.channels import DeltaChannel

from verifier_agent.errors import ConfigurationError

Plain = dict[str, Any]

SNAPSHOT = 50
"""Updates between two records that are stored whole; as deepagents does for its messages."""

_KEYED = ("decisions", "candidates", "verdicts", "clock", "grants")
_WHOLE = ("run", "ending", "selection", "spent")


def merge(left: Plain, right: Plain) -> Plain:
    """Merge two updates: the later turn wins whole, equal turns are joined key by key.

    Associative, commutative and idempotent, so the order of parallel nodes does not matter.
    """
    if not left or not right:
        return left or right
    if left["turn"] != right["turn"]:
        return max(left, right, key=lambda update: int(update["turn"]))
    merged: Plain = {"schema": max(left["schema"], right["schema"]), "turn": left["turn"]}
    for name in _KEYED:
        if name in left or name in right:
            merged[name] = _join(left.get(name, {}), right.get(name, {}))
    # half of one selection and half of another would be nobody's
    whole = ({name: side[name] for name in _WHOLE if name in side} for side in (left, right))
    return merged | _join(*whole)


def _join(left: Plain, right: Plain) -> Plain:
    joined = {**left, **right}
    for key in left.keys() & right.keys():
        if left[key] != right[key]:
            # only two executions of the same work differ; which one stays must not depend on order
            joined[key] = min(left[key], right[key], key=lambda v: json.dumps(v, sort_keys=True))
    return joined


def fold(record: Plain, updates: Sequence[Plain]) -> Plain:
    """Merge `updates` into `record`."""
    return reduce(merge, updates, record)


Record = Annotated[dict[str, Any], DeltaChannel(fold, snapshot_frequency=SNAPSHOT)]
"""A checkpoint stores what its step added, not the whole record again: what a run stores grows
with its answers and not with their square. A reader folds the updates since the last whole one."""


def lean(record: Plain, read: Collection[str]) -> Plain:
    """Return the record with the words of those candidates alone that are `read`.

    For the payload of a round of `verify`, which is stored once more: who has judged what, and what
    all of it has cost, is still there.
    """
    candidates = {
        name: one if name in read else {**one, "text": "", "message": {}}
        for name, one in record.get("candidates", {}).items()
    }
    verdicts = {
        key: {**one, "feedback": "", "evidence": {}, "steps": []}
        for key, one in record.get("verdicts", {}).items()
    }
    return {**record, "candidates": candidates, "verdicts": verdicts}


def check_whole(record: Plain) -> None:
    """Raise ConfigurationError if a record lacks its beginning.

    It is folded from the checkpoints since the last whole one; whoever deletes those takes
    answers from it, and their spend.
    """
    rounds = sorted(map(int, record.get("decisions", {})))
    if "run" not in record or rounds != list(range(1, len(rounds) + 1)):
        raise ConfigurationError(
            "the record of this run lacks its beginning: checkpoints before the latest were "
            "deleted, or are not kept by this checkpointer; ask the question anew"
        )
