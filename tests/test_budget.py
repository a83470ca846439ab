from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_agent.budget import Budget, Footprint, Price, Remaining, Spent, times
from verifier_agent.errors import ConfigurationError
from verifier_agent.values import Cost

counts = st.integers(0, 10**6)
dollars = st.floats(0, 1000)
costs = st.builds(
    Cost,
    calls=counts,
    input_tokens=counts,
    output_tokens=counts,
    usd=st.none() | dollars,
    joules=st.none() | dollars,
)
remainings = st.builds(
    Remaining,
    calls=counts | st.just(math.inf),
    tokens=counts | st.just(math.inf),
    usd=dollars | st.just(math.inf),
    joules=dollars | st.just(math.inf),
)


@pytest.mark.parametrize("unit", ["calls", "tokens", "usd", "joules", "seconds"])
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
    for unit in ("usd", "joules"):
        amounts = [getattr(cost, unit) for cost in used]
        if None in amounts:
            assert getattr(spent, unit) is None
        else:
            assert getattr(spent, unit) == pytest.approx(math.fsum(amounts))


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
        assert (cost.joules == 0) or math.isinf(left.joules)
        return
    assert n == int(n) >= 0
    assert cost.calls * n <= left.calls
    assert cost.tokens * n <= left.tokens
    amounts = [(cost.usd, left.usd), (cost.joules, left.joules)]
    limited = [(need, limit) for need, limit in amounts if math.isfinite(limit)]
    for need, limit in limited if n else ():
        assert need is not None
        assert need * n <= limit * (1 + 1e-9)
    more = n + 1
    assert (
        cost.calls * more > left.calls
        or cost.tokens * more > left.tokens
        or any(need is None or need * more > limit for need, limit in limited)
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


def test_a_known_size_gives_flops_and_on_a_known_machine_a_range_of_joules() -> None:
    used = Cost(calls=1, input_tokens=700, cached_tokens=200, output_tokens=500)
    # 2 x 8e9 weights x 1,000 tokens that were computed
    alone = Footprint(parameters=8e9).of(used)
    assert (alone.flops, alone.joules, alone.least_joules) == (1.6e13, None, None)
    placed = Footprint(parameters=8e9, joules_per_flop=(1e-12, 1e-11)).of(used)
    assert (placed.least_joules, placed.joules) == (pytest.approx(16.0), pytest.approx(160.0))


def test_energy_by_the_token_counts_what_was_generated_and_goes_before_energy_by_the_flop() -> None:
    given = Footprint(parameters=8e9, joules_per_flop=(1.0, 1.0), joules_per_token=(0.5, 2.0))
    cost = given.of(Cost(calls=1, input_tokens=700, output_tokens=100))
    assert (cost.least_joules, cost.joules) == (50.0, 200.0)


def test_what_used_nothing_took_nothing_even_of_a_model_of_unknown_size() -> None:
    assert Footprint().of(Cost()) == Cost()
    assert Footprint().of(Cost(calls=1)).flops is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"parameters": 0},
        {"parameters": -1e9},
        {"parameters": math.nan},
        {"joules_per_flop": (2.0, 1.0)},
        {"joules_per_flop": (0.0, 1.0)},
        {"joules_per_token": (1.0, math.inf)},
    ],
)
def test_a_footprint_of_impossible_numbers_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=f"footprint {next(iter(wrong))}="):
        Footprint(**wrong)  # type: ignore[arg-type]


@given(costs, costs)
def test_more_use_takes_no_less_energy(one: Cost, other: Cost) -> None:
    place = Footprint(parameters=1e9, joules_per_flop=(1e-12, 1e-11))
    both = place.of(one + other).joules or 0.0
    assert both >= max(place.of(one).joules or 0.0, place.of(other).joules or 0.0)
