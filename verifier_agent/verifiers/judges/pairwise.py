"""The pairwise judge: a chat model compares two answers at a time, in both orders."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from verifier_agent.budget import times
from verifier_agent.models import text_bound
from verifier_agent.values import Candidate, Cost, Task, Verdict, order
from verifier_agent.verifiers.conversation import beyond_text
from verifier_agent.verifiers.judges.interview import (
    Heard,
    Interviewer,
    Question,
    check_counts,
)
from verifier_agent.verifiers.judges.judge import stage
from verifier_agent.verifiers.judges.prompts import ENGLISH, Wording
from verifier_agent.verifiers.judges.reports import Comparison, form, read
from verifier_agent.verifiers.readout import readout

WON = {"A": 1.0, "tie": 0.5, "B": 0.0}
"""How surely A is the better one."""


@dataclass(frozen=True, slots=True)
class Told:
    """One comparison: what was reported, and how surely A is the better one."""

    report: Comparison
    won: float


@dataclass(frozen=True, slots=True)
class Game:
    """Two candidates in the order in which they are shown."""

    a: Candidate
    b: Candidate


class PairwiseJudge:
    """Compare each candidate with its neighbours, each pair in both orders.

    Judges compare more reliably than they grade (2603.04304), but favour a place; so each pair is
    shown twice, as A and B and as B and A. `evidence["pairs"]` says how each comparison ended, in
    the form that the selector `tournament` reads; `evidence["swayed"]`, in how many of the pairs
    the two orders named different winners. score: the mean of what the candidate won, in [0, 1]:
    it says how it stands among these candidates, and is no probability. feedback: what the judge
    said where the candidate did not win.

    It is `relational`: when candidates arrive, all finished ones are compared anew, so it goes
    best with policies that draft in one batch. With n candidates it costs 2 n requests for each
    ring (2 for n = 2). Candidates that are no full answers, and a single one, have no score.

    Args:
        model: A chat model, or its name.
        criteria: Name and meaning of what is compared, where the task has none of its own in its
            context; None: those of the wording.
        rings: How many neighbours each candidate meets on either side; n // 2 compares all pairs.
        probabilities: True: `won` is read from the probabilities of the winner's token, where the
            model gives them.
        wording: The prompt's texts.
        max_tokens: Cap on the tokens of one report.
        attempts: Requests per comparison at most.
        concurrency: Comparisons under way at once, per batch.
        name: The verifier's name in the record.
    """

    hard = False
    relational = True
    per_candidate = False

    def __init__(
        self,
        model: BaseChatModel | str,
        *,
        criteria: Mapping[str, str] | None = None,
        rings: int = 1,
        probabilities: bool = False,
        wording: Wording = ENGLISH,
        max_tokens: int = 1024,
        attempts: int = 2,
        concurrency: int = 16,
        name: str = "pairwise",
    ) -> None:
        check_counts("pairwise judge", rings=rings, concurrency=concurrency)
        self._interviewer = Interviewer(
            model, max_tokens=max_tokens, attempts=attempts, logprobs=probabilities
        )
        self._stage = stage(wording, criteria)
        self.rings = rings
        self.probabilities = probabilities
        self.attempts = attempts
        self.concurrency = concurrency
        self.name = name
        self.model = self._interviewer.model
        self.capabilities = self._interviewer.capabilities
        self._form = form(Comparison)

    @property
    def model_name(self) -> str | None:
        """The model that is paid for, as in price tables; None if it is free."""
        return self._interviewer.model_name

    def bound(self, task: Task, candidate_bytes: int) -> Cost:
        """Return the most that one candidate's part in all comparisons can cost.

        It opens 2 comparisons for each ring, and is shown in 4. What a comparison costs is divided
        between its two candidates by their lengths, so that each stays within its own bound.
        """
        if beyond_text(task):
            return Cost()
        opened = times(self._most(task, 0), 2 * self.rings * self.attempts)
        shown = 4 * self.rings * self.attempts * self._interviewer.per_attempt * candidate_bytes
        return replace(opened, input_tokens=opened.input_tokens + shown)

    async def verify(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Compare all pairs side by side."""
        games = self._games(task, candidates)
        places = asyncio.Semaphore(self.concurrency)

        async def play(game: Game) -> Heard[Told]:
            async with places:
                return await self._interviewer.aask(self._question(task, game))

        heard = await asyncio.gather(*map(play, games))
        return self._verdicts(task, candidates, games, heard)

    def verify_sync(self, task: Task, candidates: Sequence[Candidate]) -> list[Verdict]:
        """Compare all pairs side by side, in threads."""
        games = self._games(task, candidates)
        with ThreadPoolExecutor(self.concurrency) as pool:
            asked = [
                pool.submit(
                    contextvars.copy_context().run,
                    self._interviewer.ask,
                    self._question(task, game),
                )
                for game in games
            ]
            heard = [one.result() for one in asked]
        return self._verdicts(task, candidates, games, heard)

    def _games(self, task: Task, candidates: Sequence[Candidate]) -> list[Game]:
        """Return who meets whom: rings of growing width, by the order of ids, in both orders."""
        if beyond_text(task):
            return []
        able = sorted((c for c in candidates if _is_able(c)), key=lambda c: order(c.id))
        met: dict[frozenset[str], tuple[Candidate, Candidate]] = {}
        for width in range(1, min(self.rings, len(able) // 2) + 1):
            for place, one in enumerate(able):
                other = able[(place + width) % len(able)]
                met.setdefault(frozenset((one.id, other.id)), (one, other))
        return [game for a, b in met.values() for game in (Game(a, b), Game(b, a))]

    def _question(self, task: Task, game: Game) -> Question[Told]:
        messages = self._messages(task, game.a.text, game.b.text)
        shown = messages[-1].text

        def reader(message: AIMessage) -> Told:
            found = read(message, shown, Comparison)
            asked = self.probabilities and found.spelled
            odds = readout(message, found.spelled, "winner", WON) if asked else None
            return Told(found.report, WON[found.report.winner] if odds is None else odds.value)

        most = self._most(task, text_bound(game.a.text) + text_bound(game.b.text))
        return Question(messages=messages, form=self._form, read=reader, most=most)

    def _most(self, task: Task, shown_bytes: int) -> Cost:
        most = self._interviewer.most(self._messages(task, "", ""), self._form, shown_bytes)
        # even, so that half of it is a whole number
        return replace(most, input_tokens=most.input_tokens + most.input_tokens % 2)

    def _messages(self, task: Task, a: str, b: str) -> list[BaseMessage]:
        return self._stage.messages("compare", task, [("ANSWER A", a), ("ANSWER B", b)])

    def _verdicts(
        self,
        task: Task,
        candidates: Sequence[Candidate],
        games: Sequence[Game],
        heard: Sequence[Heard[Told]],
    ) -> list[Verdict]:
        unseen, criteria = beyond_text(task), list(self._stage.wanted(task))
        played = list(zip(games, heard, strict=True))
        half = self._most(task, 0).input_tokens // 2 if played else 0
        made = []
        for candidate in candidates:
            own = [(g, h) for g, h in played if candidate.id in (g.a.id, g.b.id)]
            cost = Cost.total(_part(candidate, g, h.cost, half) for g, h in own)
            if unseen or not own:
                made.append(self._unscored(candidate, unseen or _alone(candidate), cost))
                continue
            made.append(self._verdict(candidate, own, cost, criteria))
        return made

    def _verdict(
        self,
        candidate: Candidate,
        own: Sequence[tuple[Game, Heard[Told]]],
        cost: Cost,
        criteria: Sequence[str],
    ) -> Verdict:
        pairs: list[dict[str, Any]] = []
        said: list[str] = []
        for game, heard in own:
            if heard.report is None:
                continue
            is_a = game.a.id == candidate.id
            won = heard.report.won if is_a else 1 - heard.report.won
            other = game.b if is_a else game.a
            pairs.append({"against": other.id, "place": "A" if is_a else "B", "won": won})
            if won < 0.5:
                said.append(_words(heard.report.report, criteria))
        if not pairs:
            return self._unscored(candidate, own[-1][1].error, cost)
        return Verdict(
            candidate=candidate.id,
            verifier=self.name,
            score=fmean(pair["won"] for pair in pairs),
            feedback="\n".join(dict.fromkeys(filter(None, said))),
            evidence={
                "pairs": pairs,
                "swayed": _swayed(pairs),
                "model": self.capabilities.name,
                "prompt": self._stage.wording.id,
            },
            cost=cost,
        )

    def _unscored(self, candidate: Candidate, why: str, cost: Cost) -> Verdict:
        return Verdict(candidate=candidate.id, verifier=self.name, error=why, cost=cost)


def _is_able(candidate: Candidate) -> bool:
    return candidate.done and candidate.error is None


def _alone(candidate: Candidate) -> str:
    able = _is_able(candidate)
    return "a single answer has nothing to be compared with" if able else "no answer to compare"


def _part(candidate: Candidate, game: Game, cost: Cost, half: int) -> Cost:
    """Return the candidate's part of what one game cost: the two parts together are all of it.

    `half`: of the bound on what both have in common. A opened the game, and has the calls and the
    output; the prompt is divided by what each may have added to it.
    """
    sizes = (half + text_bound(game.a.text), half + text_bound(game.b.text))
    of_b = cost.input_tokens * sizes[1] // sum(sizes)
    if candidate.id == game.b.id:
        return Cost(
            input_tokens=of_b,
            cached_tokens=min(of_b, cost.cached_tokens // 2),
            usd=cost.usd,
            exact=cost.exact,
        )
    rest = cost.input_tokens - of_b
    cached = cost.cached_tokens - min(of_b, cost.cached_tokens // 2)
    return replace(cost, input_tokens=rest, cached_tokens=min(rest, cached))


def _swayed(pairs: Sequence[Mapping[str, Any]]) -> int:
    """Count the opponents against whom winning hung on the place."""
    by: dict[str, set[bool]] = {}
    for pair in pairs:
        if pair["won"] != 0.5:
            by.setdefault(pair["against"], set()).add(pair["won"] > 0.5)
    return sum(len(outcomes) == 2 for outcomes in by.values())


def _words(report: Comparison, criteria: Sequence[str]) -> str:
    said = [
        f"{mark.name}: {mark.feedback.strip()}"
        for mark in report.criteria
        if mark.feedback.strip() and mark.name in criteria
    ]
    return "\n".join(said) or report.reasoning.strip()
