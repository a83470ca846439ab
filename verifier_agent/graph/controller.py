"""The controller's decision: from a tree and what remains to the next round. Pure.

Before each round every action gets an allowance, so that all allowances together are at most what
remains, with enough kept back to judge what will be made. What cannot be paid for is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from verifier_agent.budget import UNITS, Allowance, Remaining, times
from verifier_agent.errors import BudgetTooSmall, ConfigurationError, PolicyError
from verifier_agent.graph.checking import check_actions
from verifier_agent.plain import Value
from verifier_agent.search import PolicyFunction
from verifier_agent.tree import Tree
from verifier_agent.values import (
    Action,
    Cost,
    Generate,
    Revise,
    Select,
    Verify,
    order,
)

ATTEMPTS = 3
"""Requests per candidate where the budget allows it: one and two retries of transient errors."""
DEFAULT_CAP = 1024
"""Generated tokens per request under a limit in tokens or dollars, where nobody named a number."""
LEAST_CAP = 16
"""No request is sent with a lower cap: it would pay for a prompt and get no answer."""
LEAST_SECONDS = 0.05
"""No round is begun with less time; also kept back, since a deadline is met a little late."""
LEAST_FAILURES = 3
"""So many failed candidates, and no other, end a run: more of the same would only cost."""
STEPS_PER_ROUND = 2
"""Supersteps of one round: generate or revise, then verify."""
STEPS_TO_FINISH = 2
"""Supersteps kept for `select`: its own, and the one in which the host notices the end."""


NOTHING = Allowance(attempts=0)
"""What an action that sends no request may use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned(Value):
    """One action, the ids of the candidates it will make, and what each of them may use."""

    action: Annotated[Generate | Revise | Verify | Select, Field(discriminator="kind")]
    ids: tuple[str, ...] = ()
    allowance: Allowance = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Value):
    """One round: what is done, and with what in hand."""

    round: int
    actions: tuple[Planned, ...]
    remaining: dict[str, float] = field(default_factory=dict)
    """What was left in the limited units when it was decided."""

    @property
    def ending(self) -> Select | None:
        """The select action, if this round ends the run."""
        action = self.actions[0].action
        return action if isinstance(action, Select) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How to bound what one candidate can cost; all of it is pure."""

    request: Callable[[Generate | Revise, int], Cost]
    """(action, cap in tokens) → the most that one request for it can cost."""
    judging: Callable[[Generate | Revise, int], Cost]
    """(action, cap in tokens) → what judging one such candidate will cost at most, as foreseen."""
    cap: Callable[[Generate | Revise], int | None]
    """action → the cap on generated tokens that was asked for, if any."""
    attempts: int = ATTEMPTS
    """Requests per candidate at most."""


def decide(
    policy: PolicyFunction,
    tree: Tree,
    remaining: Remaining,
    bounds: Bounds,
    *,
    last: Decision | None,
    steps: int,
) -> Decision:
    """Return the round after `last`: what the policy asks for, cut to what can be paid.

    `steps` is how many supersteps the host still allows. Raises PolicyError for impossible
    actions, and BudgetTooSmall if not even the first candidate can be paid for.
    """
    actions = _asked(policy, tree, remaining)
    ending = _ending(actions[0], tree, remaining, steps)
    planned = () if ending else _planned(actions, tree, remaining, bounds)
    if ending is None and not planned:
        if not len(tree):
            raise BudgetTooSmall(_too_small(actions[0], remaining, bounds))
        ending = Select(outcome="budget", reason="what is left cannot pay for another candidate")
    if last is not None and planned == last.actions:
        # a judging that changed nothing: a policy is pure, so it would ask for it for ever
        reason = "what it wants judged again is judged already, or cannot be paid for"
        ending = Select(outcome="plateau", reason=reason)
    return Decision(
        round=1 if last is None else last.round + 1,
        actions=(Planned(action=ending),) if ending else planned,
        remaining={
            unit: getattr(remaining, unit)
            for unit in UNITS
            if getattr(remaining, unit) != float("inf")
        },
    )


def _asked(policy: PolicyFunction, tree: Tree, remaining: Remaining) -> tuple[Action, ...]:
    given = policy(tree, remaining)
    if not isinstance(given, Iterable):
        raise PolicyError(f"the policy returned {given!r}; return a list of actions")
    actions = tuple(given)
    check_actions(actions, tree)
    return actions


def _ending(wanted: Action, tree: Tree, remaining: Remaining, steps: int) -> Select | None:
    """Return how the run ends now; None if it goes on as `wanted`."""
    if isinstance(wanted, Select):
        return wanted
    if len(tree) >= LEAST_FAILURES and all(c.error is not None for c in tree):
        # each was tried again where that could help: the next one would fail as well
        return Select(outcome="failed", reason=f"all of {len(tree)} candidates failed")
    if steps < STEPS_PER_ROUND + STEPS_TO_FINISH:
        if not len(tree):
            raise ConfigurationError(
                f"the host's recursion_limit leaves {steps} steps; one round and its answer need "
                f"{STEPS_PER_ROUND + STEPS_TO_FINISH}"
            )
        return Select(outcome="steps", reason=f"the host's recursion limit leaves {steps} steps")
    if remaining.seconds <= LEAST_SECONDS:
        if not len(tree):
            raise BudgetTooSmall(
                f"the budget cannot pay for one answer: {remaining.seconds:g} seconds are too few; "
                "raise the budget"
            )
        return Select(outcome="budget", reason="the seconds are used up")
    return None


def _planned(
    actions: Sequence[Action], tree: Tree, remaining: Remaining, bounds: Bounds
) -> tuple[Planned, ...]:
    judging = [a for a in actions if isinstance(a, Verify)]
    if judging:
        names = tuple(name for action in judging for name in action.candidates)
        return (Planned(action=replace(judging[0], candidates=names)),)
    growing = [a for a in actions if isinstance(a, Generate | Revise)]
    if not tree.finished and (step := _best_step(growing, tree)):
        # kept back to finish one answer: a search that ends among its steps has none to give
        _, reserve = _cap(step, tree, remaining, bounds)
        planned = _afford(growing, tree, remaining.minus(reserve), bounds)
        if planned and remaining.fits(reserve) >= 2:
            return planned
        growing = [replace(step, n=1, until="end")]
    return _afford(growing, tree, remaining, bounds)


def _best_step(actions: Sequence[Generate | Revise], tree: Tree) -> Generate | None:
    """Return the action that goes on from the best step, the first of equals; None without one."""

    def score(action: Generate) -> float:
        known = None if action.parent is None else tree.score(action.parent)
        return -1.0 if known is None else known

    steps = [a for a in actions if isinstance(a, Generate) and a.until == "step"]
    return max(steps, key=score, default=None)


def _afford(
    actions: Sequence[Generate | Revise], tree: Tree, remaining: Remaining, bounds: Bounds
) -> tuple[Planned, ...]:
    """Clamp each action's `n` to what remains, then share out the rest as retries."""
    chosen: list[tuple[Generate | Revise, int | None, Cost]] = []
    left = remaining
    for action in actions:
        cap, unit = _cap(action, tree, left, bounds)
        n = int(min(action.n, left.fits(unit)))
        if not n and not chosen and not tree.finished:
            # an answer that nobody could judge is better than none
            n = int(min(1, left.fits(bounds.request(action, cap or 0))))
        if n >= 1:
            chosen.append((replace(action, n=n), cap, bounds.request(action, cap or 0)))
            left = left.minus(times(unit, n))
    again = Cost.total(times(request, a.n) for a, _, request in chosen)
    more = left.fits(again) if chosen else 0
    attempts = 1 + int(min(more, bounds.attempts - 1))
    spare = int(min(more - (attempts - 1), attempts))
    seconds = None if remaining.seconds == float("inf") else remaining.seconds - LEAST_SECONDS
    return tuple(
        Planned(
            action=action,
            ids=ids,
            allowance=Allowance(
                attempts=attempts,
                spare=spare,
                max_tokens=cap,
                input_tokens=request.input_tokens,
                seconds=seconds,
            ),
        )
        for (action, cap, request), ids in zip(chosen, _new_ids(chosen, tree), strict=True)
    )


def _cap(
    action: Generate | Revise, tree: Tree, left: Remaining, bounds: Bounds
) -> tuple[int | None, Cost]:
    """Return the cap on generated tokens, and what one judged candidate costs at most under it.

    Tokens are known only after the call, so under a limit in tokens or dollars a request is
    budgeted at its cap. Once some answers are there, twice the longest is cap enough; when not
    even one request fits, the cap is halved until one does.
    """
    cap = bounds.cap(action)
    if left.priced:
        longest = max((c.cost.output_tokens for c in tree if c.error is None), default=0)
        cap = cap or DEFAULT_CAP
        if longest:
            cap = min(cap, max(2 * longest, 4 * LEAST_CAP))

    def unit(cap: int) -> Cost:
        return bounds.request(action, cap) + bounds.judging(action, cap)

    if cap is not None and left.priced:
        while left.fits(unit(cap)) < 1 and cap > LEAST_CAP:
            cap = max(LEAST_CAP, cap // 2)
    return cap, unit(cap or 0)


def _new_ids(
    chosen: Sequence[tuple[Generate | Revise, Any, Any]], tree: Tree
) -> list[tuple[str, ...]]:
    """Name the candidates to come: `parent.via.ordinal`, ordinals counting on from the tree."""
    used: dict[tuple[str | None, str], int] = {}
    ids: list[tuple[str, ...]] = []
    for action, _, _ in chosen:
        parent = action.parent if isinstance(action, Generate) else action.target
        via = action.kind
        last = max((order(c.id)[-1][1] for c in tree.children(parent, via)), default=-1)
        first = used.get((parent, via), last + 1)
        used[parent, via] = first + action.n
        prefix = "" if parent is None else f"{parent}."
        ids.append(tuple(f"{prefix}{via[0]}{first + i}" for i in range(action.n)))
    return ids


def _too_small(action: Action, remaining: Remaining, bounds: Bounds) -> str:
    assert isinstance(action, Generate | Revise)
    unit = bounds.request(action, LEAST_CAP)
    has = ", ".join(
        f"{needed:g} {name} of {left:g}"
        for name, needed, left in (
            ("calls", unit.calls, remaining.calls),
            ("tokens", unit.tokens, remaining.tokens),
            ("usd", unit.usd or 0.0, remaining.usd),
            ("joules", unit.joules or 0.0, remaining.joules),
        )
        if left != float("inf")
    )
    hidden = " (its own retries included: set max_retries=0 on it)" if unit.calls > 1 else ""
    return f"the budget cannot pay for one answer: a call can need {has}{hidden}; raise the budget"
