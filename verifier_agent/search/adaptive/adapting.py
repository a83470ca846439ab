"""The policy that goes on only while the next action is worth its price."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from verifier_agent.budget import Remaining
from verifier_agent.calibration import Poll, Reliability
from verifier_agent.search.adaptive.arms import Arms
from verifier_agent.search.adaptive.believing import Belief, believed, opinion
from verifier_agent.search.adaptive.racing import Race, race
from verifier_agent.search.policy import Count, Share, Temperature, policy
from verifier_agent.search.revising import shown
from verifier_agent.tree import Tree
from verifier_agent.values import Action, Generate, Outcome, Revise, Select, Verify

Price = Annotated[float, Field(ge=0.0, le=1.0)]
Amount = Annotated[float, Field(gt=0.0)]
Factor = Annotated[float, Field(ge=0.0, le=100.0)]
PRICE = 0.0024
"""Chosen for votes, on recorded answers: as on each half of them; see docs/benchmarks.md."""
SPEECHLESS = 8
"""Where at most one of so many answers has a key, votes will not tell. Before, no answer leads that
is outnumbered by those that have none."""


@policy
def adaptive(
    tree: Tree,
    remaining: Remaining,
    n: Count = 64,
    *,
    price: Price = PRICE,
    first: Count = 1,
    batch: Count = 1,
    models: tuple[str, ...] = (),
    reliability: Reliability | None = None,
    costs: tuple[Amount, ...] = (),
    judge: Literal["always", "undecided"] = "always",
    repair: Factor = 0.0,
    damage: Share = 0.0,
    temperature: Temperature | None = None,
) -> Sequence[Action]:
    """Take the next action that is worth most, and end when none is worth its price.

    Works with votes alone: what more of them are worth is an optimal stopping problem (`race`).
    With several models whose reliability is known, it goes by what their answers say together, and
    asks the one that is expected to tell most for its cost, each once, until even certainty would
    be worth less than a call. Where verifiers judged, it goes by what they believe (`believed`):
    another answer is worth the chance that the leader is wrong times the chance that the next one
    is good, so both a sure answer and a hopeless question end it. Every reason carries these
    numbers.

    Args:
        tree: What there is.
        remaining: What is left; no more is looked ahead than it can pay for.
        n: At most so many answers.
        price: What the tenth call costs, in right answers. Where votes decide, the k-th costs
            10 · `price` / k: at 0.0024 twice as many calls have to be worth 1.7 points of accuracy,
            wherever one is. By verdicts or reliabilities all cost the same, 0.0024: 417 of them are
            worth a right answer.
        first: How many answers are drawn before anything is decided.
        batch: How many are drawn at once at least. With votes it is as many as are needed before
            it could end, if that is more.
        models: Arms: the first answer comes from the first model, each further one from the next;
            after the last, from the first again, but for those that failed. Without any, the
            agent's first model makes all, or those of `reliability` do.
        reliability: What the models' answers are worth: `verifier-agent tune` learns it, and the
            selector `reliable_vote` chooses by it.
        costs: What a call to each of the models costs, in any unit; only ratios count. Default:
            all the same.
        judge: "undecided" draws without the verifier, and shows it the answers only where the
            votes end without a majority of all.
        repair: How much likelier a revision of the best answer is to be good than a new one; 0
            never revises. For the embedded models it is above 1.
        damage: The chance that a revision takes the place of a right answer and is wrong. The
            best answer is revised only while that is worth most, (1 - right) times the chance
            of a repair less right · damage (VRR-Stop, 2607.17641).
        temperature: None: the model's own.
    """
    made = [c for c in tree if c.done]
    if not models and reliability is not None:
        models = reliability.models
    arms = Arms(models, reliability, costs)
    plan = _Plan(tree, remaining, n - len(made), price, batch, arms, judge, temperature)
    if len(made) < min(first, n):
        return plan.draw(min(first, n) - len(made), "the first answers")
    if plan.left <= 0:
        return [Select(reason=f"all {n} answers are made")]
    if belief := believed(tree.finished):
        return plan.by_belief(belief, repair, damage)
    if poll := arms.poll(tree):
        return plan.by_poll(poll)
    return plan.by_votes()


@dataclass(frozen=True, slots=True)
class _Plan:
    """One decision: what there is, and how it may go on."""

    tree: Tree
    remaining: Remaining
    left: int
    price: float
    batch: int
    arms: Arms
    judge: Literal["always", "undecided"]
    temperature: float | None

    def by_votes(self) -> list[Action]:
        """Go by the votes for the two leading answers."""
        voices = Counter(
            j.candidate.answer
            for j in self.tree.finished
            if j.candidate.answer is not None and not j.refuted
        )
        heard, drawn = voices.total(), len(self.tree.finished)
        (leader, votes), (_, rival) = [*voices.most_common(2), (None, 0), (None, 0)][:2]
        if drawn >= SPEECHLESS and drawn > SPEECHLESS * heard:
            return self.settle(
                f"{drawn - heard} of {drawn} answers cannot be compared", 2 * votes > drawn
            )
        if not heard:
            # of so many the first that can be compared may be expected
            wanted = min(drawn + 2, SPEECHLESS - drawn)
            return self.draw(wanted, f"none of {drawn} answers can be compared")
        # of the votes that can still come, as many are for one of the two as have been so far
        reach = max(1, math.ceil(self.horizon() * (votes + rival + 1) / (drawn + 2)))
        worth = race(votes, rival, reach, self.price)
        said = _said(leader, votes, rival, drawn, worth)
        if worth.least:
            return self.draw(worth.least, said)
        if drawn < SPEECHLESS and drawn - heard >= votes:
            return self.draw(1, f"{said}, but as many answers cannot be compared")
        return self.settle(said, 2 * votes > drawn)

    def by_poll(self, poll: Poll) -> list[Action]:
        """Go by what the answers of models of known reliability say together."""
        right = 0.0 if poll.leader is None else poll.chances[poll.leader]
        said = f"{(poll.leader or 'nothing')[:60]!r} is right with {right:.4f}"
        if 1 - right <= self.price:
            return self.settle(f"{said}: to be certain is not worth {self.price:g}", agreed=True)
        next_ones = self.arms.next(self.tree, 1)
        if not next_ones:
            return self.settle(f"{said}, and every model has been asked", agreed=False)
        told = f"{next_ones[0]} is expected to tell {poll.tells(next_ones[0]):.3f} nats"
        return self.draw(1, f"{said}; {told}")

    def settle(self, said: str, agreed: bool) -> list[Action]:
        """End by votes, or have the answers judged if they leave it undecided."""
        silent = tuple(j.candidate.id for j in self.tree.finished if opinion(j) is None)
        if self.judge == "undecided" and not agreed and silent:
            return [Verify(candidates=silent, reason=f"{said}; the verifier decides")]
        return [Select(outcome="agreed" if agreed else "plateau", reason=said)]

    def by_belief(self, belief: Belief, repair: float, damage: float) -> list[Action]:
        """Go by what verifiers believe: draw, revise the best, or end."""
        best, right = belief.leader.candidate, belief.right
        revision = belief.gain * repair - right * damage if repair else 0.0
        said = (
            f"{best.id} is believed right with {right:.3f}; another answer is worth "
            f"{belief.gain:+.4f} (good with {belief.promise:.3f})"
        )
        said += f", a revision {revision:+.4f}" if repair else ""
        if belief.proven or max(belief.gain, revision) <= self.price:
            outcome: Outcome = "gave_up" if right < 0.5 else "completed"
            if belief.proven:
                outcome = "verified"
            return [Select(outcome=outcome, reason=f"{said}, a call costs {self.price:g}")]
        if revision > belief.gain:
            others = shown(self.tree.finished, belief.leader)
            return [Revise(target=best.id, shown=others, temperature=self.temperature, reason=said)]
        return self.draw(self.batch, said)

    def horizon(self) -> int:
        """Return how many more answers can be drawn, by what one has cost so far."""
        made, spent = max(1, len(self.tree)), self.tree.spent
        pairs = (
            (self.remaining.calls, spent.calls),
            (self.remaining.tokens, spent.tokens),
            (self.remaining.usd, spent.usd or 0.0),
            (self.remaining.joules, spent.joules or 0.0),
        )
        times = [left * made / used for left, used in pairs if used]
        return max(1, int(min([self.left, *times])))

    def draw(self, wanted: int, reason: str) -> list[Action]:
        """Ask for so many answers, or for a whole batch."""
        wanted = min(self.left, max(wanted, self.batch))
        judged = self.judge == "always" or any(self.tree.verdicts)
        arms = self.arms.next(self.tree, wanted) if self.arms.models else [""] * wanted
        return [
            Generate(
                n=times,
                model=model or None,
                mark=model or "",
                temperature=self.temperature,
                judge=judged,
                reason=reason,
            )
            for model, times in Counter(arms).items()
        ] or [Select(reason="no model is left to ask")]


def _said(leader: str | None, votes: int, rival: int, drawn: int, worth: Race) -> str:
    counted = f"{(leader or 'nothing')[:60]!r} has {votes} of {drawn} votes, the next {rival}"
    if not worth.least:
        return f"{counted}: no number of further calls is worth its price"
    return (
        f"{counted}: about {worth.votes:.1f} further calls are worth {worth.gain:+.4f}, "
        f"and cost {worth.cost:.4f}"
    )
