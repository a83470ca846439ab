from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier_agent.budget import Remaining, times
from verifier_agent.errors import BudgetTooSmall, ConfigurationError, PolicyError
from verifier_agent.graph.controller import (
    ATTEMPTS,
    DEFAULT_CAP,
    LEAST_CAP,
    LEAST_SECONDS,
    Bounds,
    Decision,
    decide,
)
from verifier_agent.search import PolicyFunction, best_of, sample
from verifier_agent.tree import Tree
from verifier_agent.values import (
    Action,
    Candidate,
    Cost,
    Generate,
    Revise,
    Select,
    Task,
    Verdict,
    Verify,
)

TASK = Task(question="q")
EMPTY = Tree(TASK)
# gaps in the ordinals: somebody may have edited the state
TREE = Tree(
    TASK,
    [
        Candidate(id="g0", done=False, cost=Cost(output_tokens=40)),
        Candidate(id="g2", answer="7"),
        Candidate(id="g3", error="refused", cost=Cost(output_tokens=900)),
        Candidate(id="g0.g1", parent="g0"),
        Candidate(id="g2.r4", parent="g2", via="revise"),
    ],
)
UNJUDGED = Tree(TASK, [Candidate(id="g0", done=False)])


def always(*actions: Action) -> PolicyFunction:
    def policy(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return actions

    return policy


def priced(
    *, calls: int = 1, prompt: int = 100, judge: Cost | None = None, cap: int | None = None
) -> Bounds:
    """Return bounds of a model at 1 µ$ a token, and of a judge of fixed cost."""

    def request(action: Generate | Revise, cap: int) -> Cost:
        tokens = calls * (prompt + cap)
        return Cost(
            calls=calls, input_tokens=calls * prompt, output_tokens=calls * cap, usd=tokens * 1e-6
        )

    return Bounds(
        request=request,
        judging=lambda action, cap: (judge or Cost()) if action.judge else Cost(),
        cap=lambda action: cap,
    )


def decided(
    policy: PolicyFunction,
    tree: Tree = EMPTY,
    bounds: Bounds | None = None,
    *,
    last: Decision | None = None,
    steps: int = 25,
    **left: float,
) -> Decision:
    return decide(policy, tree, Remaining(**left), bounds or priced(), last=last, steps=steps)


growing = st.builds(
    Generate,
    parent=st.sampled_from([None, "g0"]),
    n=st.integers(1, 9),
    judge=st.booleans(),
) | st.builds(Revise, target=st.sampled_from(["g0", "g2", "g0.g1"]), n=st.integers(1, 9))
limit = st.just(math.inf) | st.integers(0, 30)
all_bounds = st.builds(
    priced,
    calls=st.integers(1, 3),
    prompt=st.integers(0, 400),
    judge=st.builds(
        Cost, calls=st.integers(0, 2), input_tokens=st.integers(0, 300), usd=st.floats(0, 1e-3)
    ),
    cap=st.none() | st.integers(1, 2000),
)


@settings(max_examples=600)
@given(
    st.lists(growing, min_size=1, max_size=4),
    all_bounds,
    limit,
    limit.map(lambda n: n * 200),
    limit.map(lambda n: n * 3e-4),
    st.just(math.inf) | st.floats(0.03, 60),
)
def test_allowances_never_exceed_what_remains(
    actions: list[Generate | Revise],
    bounds: Bounds,
    calls: float,
    tokens: float,
    usd: float,
    seconds: float,
) -> None:
    remaining = Remaining(calls=calls, tokens=tokens, usd=usd, seconds=seconds)
    decision = decide(always(*actions), TREE, remaining, bounds, last=None, steps=25)
    if decision.ending:
        assert decision.ending.outcome == "budget"
        return
    most = judged = Cost()
    ids: list[str] = []
    for planned in decision.actions:
        action, allowance = planned.action, planned.allowance
        assert isinstance(action, Generate | Revise)
        cap = allowance.max_tokens
        request = bounds.request(action, cap or 0)
        assert 1 <= allowance.attempts <= ATTEMPTS
        assert 0 <= allowance.spare <= allowance.attempts
        most += times(request, action.n * (allowance.attempts + allowance.spare))
        judged += times(request + bounds.judging(action, cap or 0), action.n)
        assert allowance.input_tokens == request.input_tokens
        if cap is None:
            assert not remaining.priced
        elif (wanted := bounds.cap(action)) is not None:
            assert min(LEAST_CAP, wanted) <= cap <= wanted
        assert allowance.seconds == (None if seconds == math.inf else seconds - LEAST_SECONDS)
        assert len(planned.ids) == action.n
        ids += planned.ids
    for cost in (most, judged):
        assert cost.calls <= calls
        assert cost.tokens <= tokens
        assert cost.usd is not None
        assert cost.usd <= usd * (1 + 1e-9)
    assert len(ids) == len(set(ids))
    assert not any(name in TREE for name in ids)


@pytest.mark.parametrize(
    ("calls", "n", "attempts", "spare"),
    [
        # of 8 wanted at 1 call each, by hand
        (3, 3, 1, 0),
        (8, 8, 1, 0),
        (15, 8, 1, 0),
        (16, 8, 2, 0),
        (24, 8, 3, 0),
        (32, 8, 3, 1),
        (48, 8, 3, 3),
        (1000, 8, 3, 3),
    ],
)
def test_calls_go_to_candidates_first_then_to_retries_then_to_crashes(
    calls: int, n: int, attempts: int, spare: int
) -> None:
    (planned,) = decided(best_of(8), calls=calls).actions
    allowance = planned.allowance
    assert (planned.action.n, allowance.attempts, allowance.spare) == (n, attempts, spare)  # type: ignore[union-attr]


def test_enough_is_kept_back_to_judge_what_is_made() -> None:
    (planned,) = decided(best_of(8), bounds=priced(judge=Cost(calls=3)), calls=12).actions
    assert planned.action.n == 3  # type: ignore[union-attr]
    # what is not to be judged needs nothing kept back
    unseen = always(Generate(n=8, judge=False))
    (planned,) = decided(unseen, bounds=priced(judge=Cost(calls=3)), calls=12).actions
    assert planned.action.n == 8  # type: ignore[union-attr]


def test_one_answer_that_nobody_can_judge_is_better_than_none() -> None:
    expensive = priced(judge=Cost(calls=5))
    (planned,) = decided(best_of(8), bounds=expensive, calls=2).actions
    assert planned.action.n == 1  # type: ignore[union-attr]
    # but with an answer in hand there is no point in another one
    answered = Tree(TASK, [Candidate(id="g0")])
    decision = decided(best_of(8), answered, expensive, calls=2)
    assert decision.ending
    assert decision.ending.outcome == "budget"


def test_the_last_action_is_cut_first() -> None:
    policy = always(Generate(n=2), Revise(target="g2", n=4), Generate(parent="g0", n=2))
    actions = [p.action for p in decided(policy, TREE, calls=5).actions]
    assert [(a.kind, a.n) for a in actions] == [("generate", 2), ("revise", 3)]  # type: ignore[union-attr]


def test_ids_go_on_after_the_highest_ordinal_there_is() -> None:
    policy = always(
        Generate(n=2),
        Generate(n=1, reason="again below the same parent"),
        Generate(parent="g0", n=2),
        Revise(target="g2", n=1),
        Revise(target="g0.g1", n=1),
    )
    ids = [planned.ids for planned in decided(policy, TREE).actions]
    assert ids == [("g4", "g5"), ("g6",), ("g0.g2", "g0.g3"), ("g2.r5",), ("g0.g1.r0",)]


@pytest.mark.parametrize(
    ("tree", "cap", "tokens", "expected"),
    [
        (EMPTY, None, 10**6, DEFAULT_CAP),
        (EMPTY, 300, 10**6, 300),
        # 100 of prompt leave 500: the cap is halved until it fits
        (EMPTY, None, 600, 256),
        (EMPTY, 8, 10**6, 8),
        (EMPTY, 8, 108, 8),
        # the longest usable answer so far had 40 tokens; the failed one does not count
        (TREE, None, 10**6, 80),
        (TREE, 50, 10**6, 50),
        (TREE, None, 170, 40),
        (TREE, None, 116, LEAST_CAP),
    ],
)
def test_the_cap_on_generated_tokens(
    tree: Tree, cap: int | None, tokens: int, expected: int
) -> None:
    (planned,) = decided(always(Generate()), tree, priced(cap=cap), tokens=tokens).actions
    assert planned.allowance.max_tokens == expected


def test_short_answers_keep_room_to_grow() -> None:
    tree = Tree(TASK, [Candidate(id="g0", cost=Cost(output_tokens=2))])
    (planned,) = decided(always(Generate()), tree, tokens=10**6).actions
    assert planned.allowance.max_tokens == 4 * LEAST_CAP


def test_without_a_limit_in_tokens_or_dollars_the_cap_is_what_was_asked_for() -> None:
    assert decided(always(Generate()), calls=5).actions[0].allowance.max_tokens is None
    capped = decided(always(Generate()), bounds=priced(cap=700), calls=5)
    assert capped.actions[0].allowance.max_tokens == 700


@pytest.mark.parametrize(
    ("left", "needs"),
    [
        ({"calls": 0}, "1 calls of 0"),
        ({"tokens": 50}, "116 tokens of 50"),
        ({"usd": 0.00005}, "0.000116 usd of 5e-05"),
        ({"tokens": 50, "calls": 9}, "1 calls of 9, 116 tokens of 50"),
        ({"seconds": 0.01}, "0.01 seconds are too few"),
    ],
)
def test_a_budget_too_small_for_one_call_is_refused_by_name(
    left: dict[str, float], needs: str
) -> None:
    with pytest.raises(BudgetTooSmall, match=r"cannot pay for one answer.*raise the budget") as it:
        decided(best_of(8), **left)
    assert needs in str(it.value)


def test_an_unknown_price_under_a_limit_in_dollars_pays_for_nothing() -> None:
    free = Bounds(
        request=lambda a, c: Cost(calls=1, usd=None), judging=lambda a, c: Cost(), cap=lambda a: 9
    )
    with pytest.raises(BudgetTooSmall):
        decided(best_of(8), bounds=free, usd=1.0)
    assert decided(best_of(8), bounds=free, calls=9).actions[0].action.n == 8  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("left", "reason"),
    [({"calls": 0}, "another candidate"), ({"seconds": LEAST_SECONDS}, "seconds are used up")],
)
def test_a_budget_used_up_is_an_outcome(left: dict[str, float], reason: str) -> None:
    decision = decided(sample(8), UNJUDGED, **left)
    assert decision.ending
    assert decision.ending.outcome == "budget"
    assert reason in decision.ending.reason


def test_running_out_of_the_hosts_steps_is_an_outcome_with_two_kept_to_finish() -> None:
    # a round takes two supersteps, ending two more
    assert decided(sample(8), UNJUDGED, steps=4).ending is None
    ending = decided(sample(8), UNJUDGED, steps=3).ending
    assert ending
    assert ending.outcome == "steps"
    # ending by itself needs no more steps
    done = decided(always(Select(outcome="agreed")), UNJUDGED, steps=2).ending
    assert done
    assert done.outcome == "agreed"


def test_a_host_that_allows_not_even_one_round_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="recursion_limit leaves 3 steps"):
        decided(sample(8), steps=3)


def test_a_decision_tells_its_round_and_what_was_left_in_the_limited_units() -> None:
    first = decided(sample(8), calls=9, seconds=2.5)
    assert (first.round, first.remaining) == (1, {"calls": 9, "seconds": 2.5})
    assert decided(sample(8), UNJUDGED, last=first).round == 2
    assert Decision.from_dict(first.to_dict()) == first


def test_several_verify_actions_are_one_round() -> None:
    policy = always(Verify(candidates=("g0",)), Verify(candidates=("g2",)))
    (planned,) = decided(policy, TREE).actions
    assert planned.action == Verify(candidates=("g0", "g2"))
    assert planned.allowance.attempts == 0


def test_judging_that_changed_nothing_is_not_asked_for_again() -> None:
    def judge(tree: Tree, remaining: Remaining) -> Sequence[Action]:
        return [Verify(candidates=("g0",))]

    first = decided(judge, UNJUDGED)
    assert first.ending is None
    second = decided(judge, UNJUDGED, last=first)
    assert second.ending
    assert second.ending.outcome == "plateau"
    assert second.round == 2


JUDGED = Tree(TASK, TREE.candidates, [Verdict(candidate="g2", verifier="v", score=0.5)])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "no action"),
        (None, "returned None"),
        (7, "returned 7"),
        (["generate"], "'generate', which is no action"),
        ([Generate(), Verify(candidates=("g0",))], "one kind of round at a time"),
        ([Revise(target="g2"), Select()], "one kind of round at a time"),
        ([Generate(n=0)], "n must be at least 1"),
        ([Revise(target="g2", n=-1)], "n must be at least 1"),
        ([Generate(parent="g9")], "'g9', which does not exist"),
        ([Generate(parent="")], "'', which does not exist"),
        ([Revise(target="g9")], "'g9', which does not exist"),
        ([Verify(candidates=("g0", "g9"))], "'g9', which does not exist"),
        ([Verify(candidates=())], "names no candidate"),
        ([Generate(parent="g3")], "which failed: refused"),
        ([Revise(target="g3")], "which failed: refused"),
        ([Verify(candidates=("g3",))], "which failed: refused"),
        ([Generate(parent="g2")], "'g2', which is complete"),
    ],
)
def test_an_impossible_action_is_an_error_of_the_policy(given: Any, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        decided(lambda tree, remaining: given, JUDGED)


def test_generate_and_revise_go_together() -> None:
    both = decided(always(Generate(n=1), Revise(target="g2")), JUDGED)
    assert [planned.action.kind for planned in both.actions] == ["generate", "revise"]
