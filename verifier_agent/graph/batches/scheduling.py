"""Which question of a batch is worked on next, and what it may spend: decided here, done elsewhere.

Nothing here waits, and no clock is read: seconds are those that the runs have worked.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from verifier_agent.accounts import MemoryAccount
from verifier_agent.accounts.held import Held
from verifier_agent.budget import UNITS, Budget, Remaining, Spent
from verifier_agent.errors import (
    AccountEmpty,
    BudgetTooSmall,
    ConfigurationError,
    VerifierAgentError,
)
from verifier_agent.graph.batches.jobs import BrokenOff, Job, config, invoked, told
from verifier_agent.graph.batches.recalling import Line, Tally, seconds_used
from verifier_agent.graph.batches.terms import Terms
from verifier_agent.graph.merging import Plain
from verifier_agent.graph.pausing import Foreseen, end, grant
from verifier_agent.graph.settings import Parts
from verifier_agent.graph.state import Run
from verifier_agent.search.adaptive.allocating import Allocation
from verifier_agent.search.adaptive.prospects import Prospect
from verifier_agent.values import Select

CHOICE = 4
"""One in so many questions is under way at a time, beyond first answers."""
MANY = 10**15
"""Calls, where the batch has no limit in them: every lease has one."""


class Schedule:
    """The books of a batch: what every question has come to, and who is next."""

    def __init__(self, parts: Parts, terms: Terms, lines: Sequence[Line]) -> None:
        """Begin, or go on from where the questions stand, of which each has a line.

        Raises ConfigurationError for one that the agent cannot be asked, and for a budget that is
        too small for any answer.
        """
        self.lines = lines
        self.tally = Tally.of(lines)
        """Of all questions together, kept up with every job."""
        self._parts, self._terms = parts, terms
        self._seconds = seconds_used(terms.budget, lines)
        self._check()
        calls = terms.budget.calls or MANY
        self._account = MemoryAccount(replace(terms.budget, calls=calls, seconds=None))
        self._flying: set[int] = set()
        # those that hold what they were granted first: of the others nobody knows what they need
        broken = (place for place, line in enumerate(lines) if line.broken)
        self._broken = deque(sorted(broken, key=lambda place: lines[place].run is None))
        self._closing: deque[int] = deque()
        known = [Prospect() if x.run is None else Prospect.of(x.run.tree) for x in lines]
        self._allocation = Allocation(known, price=terms.price)
        for place, line in enumerate(lines):
            if line.run is not None and not line.broken:
                self._charge(line)
            if line.ended or line.broken:
                self._allocation.drop(place)

    @property
    def spent(self) -> Spent:
        """What all questions have used; of work that goes on side by side, seconds count once."""
        return replace(self.tally.spent, seconds=self._seconds)

    @property
    def under_way(self) -> int:
        """How many questions are being worked on."""
        return len(self._flying)

    def next(self) -> Job | None:
        """Return what to begin now; None if there is nothing, or nothing until a job has ended."""
        while len(self._flying) < self._terms.jobs:
            # first what a kill broke off: it holds a part of the budget until it is done
            waiting = self._broken or self._closing
            chosen, closing = not waiting, waiting is self._closing and bool(waiting)
            place = self._allocation.take() if chosen else waiting.popleft()
            if place is None:
                if self._flying or not self._close():
                    return None
                continue
            if chosen and self._crowded(place):
                self._allocation.put(place, self._allocation.prospects[place])
                return None
            try:
                job = self._job(place, closing=closing)
            except VerifierAgentError as error:
                self._fail(place, str(error))
                continue
            if job is not None:
                self._flying.add(place)
                return job
            if self._flying:
                # what those under way leave over may pay for it
                if self.lines[place].broken:
                    self._broken.appendleft(place)
                else:
                    self._allocation.put(place, self._allocation.prospects[place])
                return None
        return None

    def take(self, job: Job, result: Run | Exception) -> None:
        """Take in what a job came to."""
        line, before = self.lines[job.place], self.lines[job.place].run
        self._flying.discard(job.place)
        self.charge(job)
        line.broken = False
        if isinstance(result, Exception):
            broken = result if isinstance(result, BrokenOff) else BrokenOff(result, None)
            self._grown(line, broken.run)
            self._fail(job.place, str(broken))
            return
        self._grown(line, result)
        if line.ended:
            self.tally.ended += 1
        elif before is not None and result.plain == before.plain:
            line.lost = True
            self._fail(job.place, "its run stopped within a round; it may be waiting for somebody")
        else:
            prospect = Prospect.of(result.tree)
            self._allocation.put(job.place, prospect, self._cost(line))
            if prospect.proven:
                self._closing.append(job.place)

    def charge(self, job: Job) -> None:
        """Take in what a job has spent, however it ended."""
        line = self.lines[job.place]
        if job.held.spent is None:  # it failed before it was begun
            job.held.settle(job.held.granted, line.spent)
        spent = job.held.spent or line.spent
        # whoever waited for nobody began at 0, and whoever waited began when a place was free
        ended = job.begun + max(0.0, spent.seconds - line.spent.seconds)
        self._seconds = max(self._seconds, ended)
        self.tally.spend(line.spent, spent)
        line.spent = spent

    def _grown(self, line: Line, run: Run | None) -> None:
        """Take in how far a run has come, if that is known."""
        if run is not None:
            self.tally.grown(line.run, run)
            line.run = run

    def _fail(self, place: int, error: str) -> None:
        """Give up the work on a question; a run that has answers ends with them, if it can."""
        line = self.lines[place]
        line.broken = False
        line.lost = line.lost or line.run is None or line.error is not None
        line.error = line.error or error
        if line.lost:
            self.tally.ended += 1
        else:
            self._closing.append(place)

    def _crowded(self, place: int) -> bool:
        """Return True if a question should wait until those under way have shown what they gain.

        With all of them under way at once there would be nothing to choose from. First answers
        need no choice.
        """
        room = max(1, (len(self.lines) - self.tally.ended) // CHOICE)
        return len(self._flying) >= room and not math.isinf(self._allocation.gain(place))

    def _close(self) -> bool:
        """Have every run that was begun end with what it has; False if there is none."""
        self._closing += [i for i, x in enumerate(self.lines) if x.run is not None and not x.ended]
        return bool(self._closing)

    def _job(self, place: int, *, closing: bool) -> Job | None:
        """Return what to do for a question; None if it cannot be paid for now."""
        line = self.lines[place]
        if line.broken:
            try:
                return self._mend(place, line)
            except (AccountEmpty, BudgetTooSmall):
                if self._flying:
                    return None
                raise
        if closing:
            return self._end(place, line, self._reason(place))
        available = self._available()
        run = line.run or self._terms.blank(self._parts, line.question)
        try:
            foreseen = Foreseen.of(self._parts, run, available)
        except BudgetTooSmall:
            return None
        ending = foreseen.decision.ending
        if ending is not None and ending.outcome == "budget":
            # so says the controller, or else its policy, whatever is left
            ending = Foreseen.of(self._parts, run, Remaining()).decision.ending
            if ending is None:
                return None
        if ending is not None:
            return self._end(place, line, ending)
        budget = foreseen.budget(line.spent, available, self._share(available))
        held = self._lease(line, budget, resumed=line.run is not None)
        if line.run is None:
            work = invoked({"messages": list(line.question.messages)}, self._config(line, held))
        else:
            work = told(grant(line.run, budget), self._config(line, held))
        return Job(place=place, work=work, held=held, begun=self._seconds)

    def _end(self, place: int, line: Line, ending: Select) -> Job:
        """Return the end of a run with what it has, which costs nothing."""
        assert line.run is not None, "a policy begins with an answer"
        held = self._free(line)
        work = told(end(line.run, ending), self._config(line, held))
        return Job(place=place, work=work, held=held, begun=self._seconds)

    def _mend(self, place: int, line: Line) -> Job:
        """Return the rest of the round in which an earlier process broke off."""
        available = self._available()
        if line.run is None:
            blank = self._terms.blank(self._parts, line.question)
            foreseen = Foreseen.of(self._parts, blank, available)
            held = self._lease(line, foreseen.budget(line.spent, available, available))
        elif line.run.ending is not None:
            held = self._free(line)
        else:
            held = self._lease(line, line.run.budget)
        work = invoked(None, self._config(line, held))
        return Job(place=place, work=work, held=held, begun=self._seconds)

    def _reason(self, place: int) -> Select:
        """Return why a question is given no more."""
        if (error := self.lines[place].error) is not None:
            return Select(outcome="failed", reason=error)
        gain = self._allocation.gain(place)
        if gain > self._terms.price:
            reason = f"the budget of the batch is used up; another answer was worth {gain:+.4f}"
            return Select(outcome="budget", reason=reason)
        return self._allocation.prospects[place].ending(gain, self._terms.price)

    def _available(self) -> Remaining:
        """Return what nobody has spent or holds."""
        left, budget = self._account.remaining(), self._terms.budget
        calls = math.inf if budget.calls is None else left.calls
        seconds = math.inf if budget.seconds is None else budget.seconds - self._seconds
        return replace(left, calls=calls, seconds=max(0.0, seconds))

    def _share(self, available: Remaining) -> Remaining:
        free = self._terms.jobs - len(self._flying)
        return Remaining(**{unit: getattr(available, unit) / free for unit in UNITS})

    def _lease(self, line: Line, budget: Budget, *, resumed: bool = False) -> Held:
        lease = self._account.lease(self._terms.thread(line.question), budget, resumed=resumed)
        return Held(self._account, lease)

    def _free(self, line: Line) -> Held:
        """Return a lease of a purse of its own, for what is known to cost nothing."""
        assert line.run is not None
        purse = MemoryAccount(line.run.budget)
        return Held(purse, purse.lease(self._terms.thread(line.question), line.run.budget))

    def _charge(self, line: Line) -> None:
        """Charge what earlier calls have spent on a question."""
        assert line.run is not None
        try:
            held = self._lease(line, line.run.budget)
        except AccountEmpty:
            return  # nothing is left to be spent: how much is missing is all the same
        held.settle(held.granted, line.spent)

    def _cost(self, line: Line) -> float:
        """Return the share of its tightest limit that an answer of this question has taken."""
        assert line.run is not None
        answers, budget = max(1, len(line.run.tree)), self._terms.budget
        shares = [
            (getattr(line.spent, unit) or 0.0) / answers / limit
            for unit in UNITS
            if unit != "seconds" and (limit := getattr(budget, unit)) is not None
        ]
        return max(shares, default=1.0) or 1.0

    def _config(self, line: Line, held: Held) -> Plain:
        question = line.question
        return config(self._terms.thread(question), held, self._terms.of(question))

    def _check(self) -> None:
        """Raise what is wrong with the first decision on a question, or on all of them."""
        whole = Remaining.of(self._terms.budget, Spent())
        unbegun = [line for line in self.lines if line.run is None and not line.broken]
        short: list[BudgetTooSmall] = []
        for line in unbegun:
            try:
                Foreseen.of(self._parts, self._terms.blank(self._parts, line.question), whole)
            except BudgetTooSmall as error:
                short.append(error)
            except ConfigurationError as error:
                raise type(error)(f"question {line.question.id!r}: {error}") from None
        if short and len(short) == len(self.lines):
            raise short[0]
