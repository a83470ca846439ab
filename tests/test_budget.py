from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.budget import Budget, Price, Remaining, Spent, times
from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Cost

counts = st.integers(0, 10**6)
dollars = st.floats(0, 1000)
costs = st.builds(
    Cost, calls=counts, input_tokens=counts, output_tokens=counts, usd=st.none() | dollars
)
remainings = st.builds(
    Remaining,
    calls=counts | st.just(math.inf),
    tokens=counts | st.just(math.inf),
    usd=dollars | st.just(math.inf),
)


@pytest.mark.parametrize("unit", ["calls", "tokens", "usd", "seconds"])
@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf, -math.inf, "8", True, 10**400])
def test_a_limit_that_is_no_positive_finite_number_is_refused(unit: str, limit: object) -> None:
    with pytest.raises(ConfigurationError, match=f"budget {unit}="):
        Budget(**{unit: limit})  # type: ignore[arg-type]


def test_calls_and_tokens_are_whole_numbers() -> None:
    assert Budget(calls=8.0).calls == 8  # type: ignore[arg-type]
    assert isinstance(Budget(tokens=1e6).to_dict()["tokens"], int)  # type: ignore[arg-type]
    for unit in ("calls", "tokens"):
        with pytest.raises(ConfigurationError, match="a whole number"):
            Budget(**{unit: 2.5})  # type: ignore[arg-type]


def test_a_budget_without_any_limit_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least one limit"):
        Budget()


@given(st.lists(costs, max_size=6), st.floats(0, 1e6))
def test_spent_is_the_sum_of_its_costs(used: list[Cost], seconds: float) -> None:
    spent = Spent.of(used, seconds)
    assert spent.calls == sum(cost.calls for cost in used)
    assert spent.tokens == sum(cost.input_tokens + cost.output_tokens for cost in used)
    assert spent.seconds == seconds
    if any(cost.usd is None for cost in used):
        assert spent.usd is None
    else:
        assert spent.usd == pytest.approx(math.fsum(cost.usd or 0.0 for cost in used))


def test_one_inexact_cost_makes_the_sum_inexact() -> None:
    assert Spent.of([Cost(), Cost()]).exact
    assert not Spent.of([Cost(), Cost(exact=False)]).exact


def test_what_remains_is_never_below_nothing() -> None:
    budget = Budget(calls=3, tokens=100, seconds=2.0)
    left = Remaining.of(budget, Spent(calls=5, tokens=40, usd=9.0, seconds=2.5))
    assert left == Remaining(calls=0, tokens=60, usd=math.inf, seconds=0)


def test_dollars_that_are_unknown_leave_nothing_of_a_limit_in_dollars() -> None:
    assert Remaining.of(Budget(usd=1.0), Spent(usd=None)).usd == 0
    assert Remaining.of(Budget(calls=1), Spent(usd=None)).usd == math.inf


@given(remainings, costs)
def test_what_fits_can_be_paid_and_one_more_cannot(left: Remaining, cost: Cost) -> None:
    n = left.fits(cost)
    if math.isinf(n):
        assert (cost.calls == 0) or math.isinf(left.calls)
        assert (cost.tokens == 0) or math.isinf(left.tokens)
        assert (cost.usd == 0) or math.isinf(left.usd)
        return
    assert n == int(n) >= 0
    assert cost.calls * n <= left.calls
    assert cost.tokens * n <= left.tokens
    if n and math.isfinite(left.usd):
        assert cost.usd is not None
        assert cost.usd * n <= left.usd * (1 + 1e-9)
    more = n + 1
    assert (
        cost.calls * more > left.calls
        or cost.tokens * more > left.tokens
        or (math.isfinite(left.usd) and (cost.usd is None or cost.usd * more > left.usd))
    )


def test_three_dimes_are_thirty_cents_though_floats_say_otherwise() -> None:
    dime, left = Cost(usd=0.1), Remaining(usd=0.3)
    assert 0.3 / 0.1 < 3
    assert left.fits(dime) == 3
    left = left.minus(dime).minus(dime)
    assert left.usd < 0.1
    assert left.fits(dime) == 1
    assert left.minus(dime).fits(dime) == 0


def test_whole_units_are_never_forgiven() -> None:
    huge = 10**13
    assert Remaining(tokens=huge).fits(Cost(output_tokens=1)) == huge
    assert Remaining(tokens=huge - 1).fits(Cost(output_tokens=huge)) == 0


@given(remainings, costs)
def test_subtracting_is_exact_and_stops_at_nothing(left: Remaining, cost: Cost) -> None:
    after = left.minus(cost)
    assert after.calls == max(0, left.calls - cost.calls)
    assert after.tokens == max(0, left.tokens - cost.tokens)
    assert after.usd == max(0, left.usd - (cost.usd or 0))
    assert after.seconds == left.seconds


@given(costs, st.integers(0, 50))
def test_times_is_repeated_addition(cost: Cost, n: int) -> None:
    added = sum([cost] * n, Cost())
    if n:
        assert times(cost, n).usd == pytest.approx(added.usd)
    assert (times(cost, n).calls, times(cost, n).tokens) == (added.calls, added.tokens)


def test_a_call_is_bounded_only_under_a_limit_in_tokens_or_dollars() -> None:
    assert Remaining(tokens=5).priced
    assert Remaining(usd=5).priced
    assert not Remaining(calls=5, seconds=5).priced


def test_a_price_is_dollars_per_million_tokens() -> None:
    cost = Cost(calls=1, input_tokens=3_000_000, cached_tokens=1_000_000, output_tokens=500_000)
    # 2 M fresh at 2 $, 1 M cached at 0.5 $, half a million out at 8 $
    assert Price(input=2.0, output=8.0, cached=0.5).of(cost).usd == 2 * 2 + 0.5 + 4
    assert Price(input=2.0, output=8.0).of(cost).usd == 3 * 2 + 4


@pytest.mark.parametrize("price", [-0.1, math.nan, math.inf])
def test_a_price_below_nothing_is_refused(price: float) -> None:
    with pytest.raises(ConfigurationError, match="price output="):
        Price(input=1.0, output=price)
