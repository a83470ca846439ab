"""What ensembles have in common: whom they ask about what, sync and async, and who failed."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from typing import cast

from verifier_agent.errors import ConfigurationError, UnreadableVerdict, VerifierAgentError
from verifier_agent.models import text_bound
from verifier_agent.values import Candidate, Cost, Task, Verdict, Verifier
from verifier_agent.verifiers.bubbling import let_by
from verifier_agent.verifiers.ensembles.combining import Joint, joined

Ask = tuple[Verifier, Sequence[Candidate]]
Asking = Generator[Sequence[Ask], Sequence[list[Verdict]], list[Verdict]]
"""Yields whom to ask next about what, side by side; is sent what they said; returns verdicts."""


class Several(ABC):
    """A verifier that is made of others; it has a sync form if all of them have one."""

    def __init__(self, members: Sequence[Verifier], name: str, *, least: int) -> None:
        self.members = tuple(members)
        self.name = name
        _check_members(self.members, least)
        self.hard = all(getattr(member, "hard", False) for member in members)
        self.relational = any(getattr(member, "relational", False) for member in members)
        paid = any(getattr(member, "per_candidate", False) for member in members)
        # one that compares candidates has to see them together
        self.per_candidate = paid and not self.relational
        if any(hasattr(member, "bound") for member in members):
            self.bound: Callable[[Task, int], Cost] = self._bound
        if all(hasattr(member, "verify_sync") for member in members):
            self.verify_sync: Callable[..., list[Verdict]] = self._verify_sync

    @abstractmethod
    def turns(self) -> Iterable[Sequence[Verifier]]:
        """Return who is asked first, and who about what is open then."""

    @abstractmethod
    def settles(self, verdict: Verdict) -> bool:
        """Return True if this word leaves nothing open, whatever others would say."""

    @abstractmethod
    def combine(self, verdicts: Sequence[Verdict]) -> Joint:
        """Return one word of those who were asked, in the order of the members."""

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Judge each candidate; members of one turn are asked side by side."""
        asking = self._asking(candidates)
        try:
            turn = next(asking)
            while True:
                turn = asking.send(await asyncio.gather(*(_averdicts(task, ask) for ask in turn)))
        except StopIteration as end:
            return cast(list[Verdict], end.value)

    def _verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        asking = self._asking(candidates)
        try:
            turn = next(asking)
            while True:
                turn = asking.send([_verdicts(task, ask) for ask in turn])
        except StopIteration as end:
            return cast(list[Verdict], end.value)

    def _bound(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that judging one candidate of so many bytes can cost."""
        bounds = (getattr(member, "bound", None) for member in self.members)
        return Cost.total(bound(task, candidate_bytes) for bound in bounds if bound is not None)

    def _asking(self, candidates: Sequence[Candidate]) -> Asking:
        """Decide whom to ask about what; the caller asks. Nothing here waits."""
        said: dict[str, dict[str, Verdict]] = {c.id: {} for c in candidates}
        open_ = list(candidates)
        for turn in self.turns():
            if not open_ or not turn:
                continue
            asks = [(member, candidates if _counts_all(member) else open_) for member in turn]
            answers = yield asks
            wanted = {candidate.id for candidate in open_}
            for (member, _), verdicts in zip(asks, answers, strict=True):
                for verdict in verdicts:
                    if verdict.candidate in wanted:
                        said[verdict.candidate][member.name] = verdict
            open_ = [c for c in open_ if not any(map(self.settles, said[c.id].values()))]
        return [self._verdict(said[c.id]) for c in candidates]

    def _verdict(self, said: dict[str, Verdict]) -> Verdict:
        # in the order of the members, whoever was asked first
        verdicts = [said[member.name] for member in self.members if member.name in said]
        return joined(self.name, verdicts, self.combine(verdicts))


def _counts_all(member: Verifier) -> bool:
    """Return True of one that compares candidates for free: a vote is of all there are."""
    return getattr(member, "relational", False) and not hasattr(member, "bound")


def _check_members(members: Sequence[Verifier], least: int) -> None:
    names = [member.name for member in members]
    if len(members) < least:
        raise ConfigurationError(f"an ensemble needs {least} verifiers, not {len(members)}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"two members are called {twice!r}; give one another name")
    coming = next((member.name for member in members if hasattr(member, "applies")), None)
    if coming is not None:
        raise ConfigurationError(
            f"{coming!r} is asked of some runs only, and cannot be a part of an ensemble"
        )


def _verdicts(task: Task, ask: Ask) -> list[Verdict]:
    member, shown = ask
    try:
        direct = getattr(member, "verify_sync")  # noqa: B009  # it is no part of the protocol
        return _checked(member, shown, direct(task, shown))
    except Exception as error:
        return _failed(task, ask, let_by(error))


async def _averdicts(task: Task, ask: Ask) -> list[Verdict]:
    member, shown = ask
    try:
        return _checked(member, shown, await member.verify(task, shown))
    except Exception as error:
        return _failed(task, ask, let_by(error))


def _checked(
    member: Verifier, shown: Sequence[Candidate], given: Sequence[Verdict]
) -> list[Verdict]:
    told = [verdict.candidate for verdict in given]
    if told != [candidate.id for candidate in shown]:
        raise UnreadableVerdict(
            f"it gave verdicts on {', '.join(told) or 'nothing'} where it was asked about "
            f"{', '.join(candidate.id for candidate in shown)}"
        )
    return [
        replace(
            v,
            verifier=member.name,
            error=v.error
            or (None if v.score is not None else "the verifier gave no score and no reason"),
        )
        for v in given
    ]


def _failed(task: Task, ask: Ask, error: Exception) -> list[Verdict]:
    """Return missing scores; a member that has a price may have been paid before it failed."""
    member, shown = ask
    own = isinstance(error, VerifierAgentError)
    text = str(error) if own else f"{type(error).__name__}: {error}"
    bound = getattr(member, "bound", None)
    return [
        Verdict(
            candidate=candidate.id,
            verifier=member.name,
            error=text,
            cost=Cost()
            if bound is None
            else replace(bound(task, text_bound(candidate.text)), exact=False),
        )
        for candidate in shown
    ]
