"""What the node `verify` does: which candidates each verifier is shown, and what it said.

Everything here that decides is pure; the two functions at the end ask a verifier and turn
whatever happens into one verdict per candidate. A failure is a verdict with an error, never a 0.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from langgraph.errors import GraphBubbleUp

from verifier_agent.budget import Remaining, times
from verifier_agent.errors import UnreadableVerdict, VerifierAgentError
from verifier_agent.graph.calls import left, storable, within
from verifier_agent.graph.charging import bound, charged
from verifier_agent.graph.once import Piece
from verifier_agent.graph.settings import Parts
from verifier_agent.models import text_bound
from verifier_agent.models.background import wait_for
from verifier_agent.tree import Tree
from verifier_agent.values import Candidate, Cost, Task, Verdict, Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Candidates for one verifier to judge at once."""

    verifier: Verifier
    candidates: tuple[Candidate, ...]
    version: int = 0
    deadline: float = math.inf
    """On the clock of `time.perf_counter`: one for the whole round, however long a batch waits."""
    lost: int = 0
    """How often it may have been asked already, by a process that died or in a round broken off."""

    @property
    def key(self) -> str:
        """A name that is unique in the run."""
        last = self.candidates[-1].id
        return f"{self.verifier.name}:{self.version}:{self.candidates[0].id}-{last}"


def shown(decisions: Sequence[dict[str, Any]]) -> frozenset[str]:
    """Return the ids of all candidates that the decisions so far want judged."""
    wanted: set[str] = set()
    for decision in decisions:
        for planned in decision["actions"]:
            action = planned["action"]
            if action["kind"] == "verify":
                wanted.update(action["candidates"])
            elif action.get("judge"):
                wanted.update(planned["ids"])
    return frozenset(wanted)


def batches(
    parts: Parts,
    tree: Tree,
    wanted: frozenset[str],
    remaining: Remaining,
    *,
    deadline: float,
    lost: int,
) -> list[Batch]:
    """Return what is to be judged: the `wanted` candidates that a verifier has not judged yet.

    Paid verifiers get as many candidates, in the order of their ids, as what remains can pay for;
    each makes a batch of its own, so that each paid verdict is recorded by itself.
    """
    made: list[Batch] = []
    for verifier in parts.verifiers:
        if not applies(verifier, tree):
            continue
        version, fresh = _unjudged(verifier, tree, wanted)
        affordable: list[Candidate] = []
        for candidate in fresh:
            # after a crash it is paid for twice: once for what may have been asked already
            cost = times(bound(parts, verifier, tree.task, candidate), 1 + lost)
            if remaining.fits(cost) < 1:
                break
            remaining = remaining.minus(cost)
            affordable.append(candidate)
        alone = getattr(verifier, "per_candidate", False)
        groups = [(c,) for c in affordable] if alone else [tuple(affordable)]
        made += [
            Batch(verifier=verifier, candidates=g, version=version, deadline=deadline, lost=lost)
            for g in groups
            if g
        ]
    return made


def _unjudged(
    verifier: Verifier, tree: Tree, wanted: frozenset[str]
) -> tuple[int, list[Candidate]]:
    """Return the `wanted` candidates that a verifier has not judged, and under which version."""
    fresh = [c for c in tree if c.id in wanted and c.error is None]
    version = 0
    if getattr(verifier, "relational", False):
        # its scores depend on the others: whenever some arrive, all are judged anew
        version = sum(1 for c in fresh if c.done)
        fresh = [c for c in fresh if c.done]
    return version, [c for c in fresh if not _is_judged(tree, c, verifier, version)]


def read_by(verifiers: Sequence[Verifier], tree: Tree, wanted: frozenset[str]) -> frozenset[str]:
    """Return the candidates that a round of `verify` reads; of the others it needs no words."""
    read = {c.id for v in verifiers for c in _unjudged(v, tree, wanted)[1]}
    if any(hasattr(verifier, "applies") for verifier in verifiers):
        read.update(judged.candidate.id for judged in tree.finished)
    return frozenset(read)


def applies(verifier: Verifier, tree: Tree) -> bool:
    """Return False if the verifier says that it has nothing to add to a tree like this one."""
    question = getattr(verifier, "applies", None)
    return question is None or bool(question([j.candidate for j in tree.finished]))


def _is_judged(tree: Tree, candidate: Candidate, verifier: Verifier, version: int) -> bool:
    said = tree.judged(candidate.id).verdicts
    return any(v.verifier == verifier.name and v.version >= version for v in said)


def batch_bound(parts: Parts, task: Task, batch: Batch) -> Cost:
    """Return the most that judging a batch can cost; after a crash it is paid for twice."""
    whole = Cost.total(bound(parts, batch.verifier, task, c) for c in batch.candidates)
    return times(whole, 1 + batch.lost)


def piece(parts: Parts, task: Task, batch: Batch, number: int) -> Piece:
    """Return the batch as work that is paid for once."""

    def packed(verdicts: Sequence[Verdict]) -> dict[str, Any]:
        if batch.lost:
            # this runs only if no verdict was recorded: what was asked before is charged too
            most = [bound(parts, batch.verifier, task, c) for c in batch.candidates]
            before = [replace(times(one, batch.lost), exact=False) for one in most]
            verdicts = [
                replace(v, cost=v.cost + one) for v, one in zip(verdicts, before, strict=True)
            ]
        return {"verdicts": [storable(verdict.to_dict()) for verdict in verdicts]}

    def work() -> dict[str, Any]:
        return packed(ask(task, batch))

    async def awork() -> dict[str, Any]:
        return packed(await aask(task, batch))

    return Piece(f"{number}:{batch.key}", work, awork)


def verdicts(parts: Parts, batch: Batch, result: dict[str, Any]) -> list[Verdict]:
    """Return the batch's verdicts from a recorded result: priced, calibrated where the agent is,
    and under the batch's version."""
    said: list[Verdict] = []
    for candidate, plain in zip(batch.candidates, result["verdicts"], strict=True):
        verdict = Verdict.from_dict(plain)
        if parts.calibration is not None:
            verdict = parts.calibration.verdict(verdict, candidate.model)
        cost = charged(parts, batch.verifier, verdict)
        said.append(replace(verdict, version=batch.version, cost=cost))
    return said


def ask(task: Task, batch: Batch) -> list[Verdict]:
    """Ask the verifier and wait; verifiers that are async only run on one loop thread of ours."""
    verifier, seconds = batch.verifier, left(batch.deadline)
    if seconds is not None and seconds <= 0:
        return not_begun(batch)

    def judge() -> Sequence[Verdict]:
        direct = getattr(verifier, "verify_sync", None)
        if direct is not None:
            given: Sequence[Verdict] = direct(task, batch.candidates)
            return given
        return wait_for(_verify(verifier, task, batch.candidates), seconds)

    try:
        return checked(batch, within(seconds, judge))
    except Exception as error:
        return failed(task, batch, error)


async def aask(task: Task, batch: Batch) -> list[Verdict]:
    """Ask the verifier."""
    seconds = left(batch.deadline)
    if seconds is not None and seconds <= 0:
        return not_begun(batch)
    try:
        async with asyncio.timeout(seconds):
            return checked(batch, await batch.verifier.verify(task, batch.candidates))
    except Exception as error:
        return failed(task, batch, error)


async def _verify(
    verifier: Verifier, task: Task, candidates: Sequence[Candidate]
) -> Sequence[Verdict]:
    return await verifier.verify(task, candidates)


def not_begun(batch: Batch) -> list[Verdict]:
    """Return verdicts that say that the time was over before the verifier was asked."""
    return [
        Verdict(candidate=c.id, verifier=batch.verifier.name, error="the seconds are used up")
        for c in batch.candidates
    ]


def checked(batch: Batch, given: Sequence[Verdict]) -> list[Verdict]:
    """Return `given` if it is one verdict per candidate in order; else raise UnreadableVerdict."""
    name = batch.verifier.name
    given = list(given)
    if len(given) != len(batch.candidates):
        raise UnreadableVerdict(
            f"verifier {name!r} gave {len(given)} verdicts for {len(batch.candidates)} candidates"
        )
    for verdict, candidate in zip(given, batch.candidates, strict=True):
        if not isinstance(verdict, Verdict):
            raise UnreadableVerdict(f"verifier {name!r} gave {verdict!r}, which is no Verdict")
        if verdict.candidate != candidate.id:
            raise UnreadableVerdict(
                f"verifier {name!r} answered for {verdict.candidate!r} where {candidate.id!r} "
                "was asked: verdicts come in the order of the candidates"
            )
    return [
        replace(v, verifier=name)
        if v.score is not None or v.error
        else replace(v, verifier=name, error="the verifier gave no score and no reason")
        for v in given
    ]


def failed(task: Task, batch: Batch, error: Exception) -> list[Verdict]:
    """Return one verdict with the error per candidate; bubble-ups of the host are raised again."""
    if isinstance(error, GraphBubbleUp):
        raise error
    own = isinstance(error, VerifierAgentError)
    text = str(error) if own else f"{type(error).__name__}: {error}"
    bounds = getattr(batch.verifier, "bound", None)
    return [
        Verdict(
            candidate=candidate.id,
            verifier=batch.verifier.name,
            error=text,
            # it may have paid before it failed
            cost=Cost()
            if bounds is None
            else replace(bounds(task, text_bound(candidate.text)), exact=False),
        )
        for candidate in batch.candidates
    ]
