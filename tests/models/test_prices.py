"""List prices: those of genai-prices' own arithmetic, or unknown."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier_agent.budget import Price
from verifier_agent.models.prices import known_price
from verifier_agent.values import Cost

genai_prices = pytest.importorskip("genai_prices")

DAY = datetime(2026, 3, 20, tzinfo=UTC)
FLAT = [
    ("openai", "gpt-5", "openai"),
    ("openai", "gpt-4o-mini", "openai"),
    ("openai", "gpt-4o-mini-2024-07-18", "openai"),
    ("anthropic", "claude-3-5-haiku-20241022", "anthropic"),
    ("anthropic", "claude-opus-4-1", "anthropic"),
    ("cohere", "command-a-03-2025", "cohere"),
    ("fireworks", "accounts/fireworks/models/gpt-oss-120b", "fireworks"),
    ("google_genai", "gemini-2.5-flash", "google"),
    ("groq", "llama-3.3-70b-versatile", "groq"),
    ("mistralai", "mistral-small-latest", "mistral"),
    ("xai", "grok-4", "x-ai"),
]
"""Provider and model, and the provider's id in genai-prices: one price at any hour and length."""
TIERED = [
    ("anthropic", "claude-sonnet-4-5", "anthropic"),
    ("google_genai", "gemini-2.5-pro", "google"),
    ("openai", "gpt-5.4", "openai"),
]
HOURLY = [
    ("deepseek", "deepseek-chat", "deepseek"),
    ("deepseek", "deepseek-reasoner", "deepseek"),
]


def charged(seller: str, model: str, cost: Cost, at: datetime) -> float:
    """Return the dollars of `cost` by genai-prices itself."""
    usage = genai_prices.Usage(
        input_tokens=cost.input_tokens,
        cache_read_tokens=cost.cached_tokens,
        output_tokens=cost.output_tokens,
    )
    answer = genai_prices.calc_price(usage, model, provider_id=seller, genai_request_timestamp=at)
    return float(answer.total_price)


def price(model: str, provider: str | None) -> Price:
    known = known_price(model, provider, at=DAY)
    assert known is not None
    return known


@pytest.mark.parametrize(("provider", "model", "seller"), FLAT)
def test_a_call_costs_what_genai_prices_says(provider: str, model: str, seller: str) -> None:
    cost = Cost(calls=1, input_tokens=1200, cached_tokens=200, output_tokens=500)
    known = price(model, provider).of(cost).usd
    assert known == pytest.approx(charged(seller, model, cost, DAY), rel=1e-12)


def test_a_price_is_in_dollars_per_million_tokens() -> None:
    # OpenAI's announcement of GPT-5, August 2025: $1.25 in, $0.125 cached, $10 out
    assert price("gpt-5", "openai") == Price(input=1.25, cached=0.125, output=10.0)


@pytest.mark.parametrize(("provider", "model", "seller"), TIERED)
def test_a_long_prompt_has_the_price_of_its_length(provider: str, model: str, seller: str) -> None:
    long = Cost(calls=1, input_tokens=900_000, cached_tokens=100_000, output_tokens=5_000)
    short = Cost(calls=1, input_tokens=900, cached_tokens=100, output_tokens=500)
    known = price(model, provider)
    assert known.of(long).usd == pytest.approx(charged(seller, model, long, DAY), rel=1e-12)
    assert known.of(short).usd == pytest.approx(charged(seller, model, short, DAY), rel=1e-12)


@pytest.mark.parametrize(("provider", "model", "seller"), HOURLY)
def test_of_prices_by_the_hour_it_is_the_dearest(provider: str, model: str, seller: str) -> None:
    cost = Cost(calls=1, input_tokens=3000, cached_tokens=1000, output_tokens=2000)
    hours = [charged(seller, model, cost, DAY + timedelta(hours=h)) for h in range(24)]
    assert min(hours) < max(hours)
    for begin in (0, 7, 20):
        known = known_price(model, provider, at=DAY + timedelta(hours=begin))
        assert known is not None
        assert known.of(cost).usd == pytest.approx(max(hours), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    which=st.sampled_from(FLAT + TIERED + HOURLY + [("openai", "gpt-6-sol", "openai")]),
    cost=st.builds(
        lambda cached, fresh, out: Cost(
            calls=1, input_tokens=cached + fresh, cached_tokens=cached, output_tokens=out
        ),
        *[st.integers(0, 10**6)] * 3,
    ),
    begin=st.datetimes(datetime(2026, 1, 1), datetime(2027, 2, 1), timezones=st.just(UTC)),
    later=st.timedeltas(timedelta(0), timedelta(hours=24)),
)
def test_no_call_within_a_day_costs_more(
    which: tuple[str, str, str], cost: Cost, begin: datetime, later: timedelta
) -> None:
    provider, model, seller = which
    known = known_price(model, provider, at=begin)
    assert known is not None
    bound = known.of(cost).usd
    assert bound is not None
    assert charged(seller, model, cost, begin + later) <= bound * (1 + 1e-9)


def test_a_cache_that_is_written_unasked_is_paid_for() -> None:
    usage = genai_prices.Usage(input_tokens=9000, cache_write_tokens=9000, output_tokens=100)
    answer = genai_prices.calc_price(
        usage, "gpt-6-sol", provider_id="openai", genai_request_timestamp=DAY
    )
    bound = price("gpt-6-sol", "openai").of(Cost(calls=1, input_tokens=9000, output_tokens=100))
    assert float(answer.total_price) <= (bound.usd or 0)


def test_a_cache_that_is_written_on_request_is_not() -> None:
    assert price("claude-opus-4-1", "anthropic").input == 15.0


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        (None, "gpt-5"),
        ("ollama", "gpt-oss:20b"),
        ("openai", "gpt-oss:20b"),
        ("openai", "qwen3:8b"),
        ("openai", "my-gpt-4o"),
        ("openai", ""),
        ("azure", "gpt-5"),
        ("openrouter", "openai/gpt-5"),
        ("litellm", "openai/gpt-5"),
        ("deepseek", "deepseek-r1:8b"),
        ("deepseek", "deepseek-chat-9"),
        ("anthropic", "claude-3-5-sonnet-local"),
        ("anthropic", "claude-sonnet-4-5-mini"),
        ("anthropic", "claude-opus-4-55"),
        ("google_genai", "my-gemini-1.5-pro"),
        ("google_genai", "gemini-3.6-flash-lite"),
    ],
)
def test_a_name_that_is_not_spelled_out_has_no_price(provider: str | None, model: str) -> None:
    assert known_price(model, provider, at=DAY) is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-search-preview"),  # every answer is a search, charged on top
        ("openai", "o4-mini-deep-research"),
        ("openai", "text-embedding-3-small"),  # generates nothing
        ("groq", "whisper-large-v3"),  # by the hour
    ],
)
def test_what_is_not_sold_by_tokens_alone_has_no_price(provider: str, model: str) -> None:
    assert known_price(model, provider, at=DAY) is None


@pytest.mark.parametrize(
    ("provider", "dated", "plain"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("google_genai", "gemini-2.5-pro-preview-05-06", "gemini-2.5-pro"),
        ("openai", "GPT-5-2025-08-07", "gpt-5"),
        ("openai", "gpt-5.6-sol-2026-09-01", "gpt-5.6-sol"),
    ],
)
def test_a_dated_snapshot_costs_what_its_model_does(provider: str, dated: str, plain: str) -> None:
    assert price(dated, provider) == price(plain, provider)


def test_without_genai_prices_every_price_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert known_price("gpt-5", "openai") is None


def test_nothing_is_fetched_and_nothing_printed() -> None:
    program = """
import socket
def refuse(*_, **__): raise AssertionError("the network was touched")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from verifier_agent.models.impact import known_footprint
from verifier_agent.models.prices import known_price
assert known_price("gpt-5", "openai") is not None
assert known_price("gpt-oss:20b", "openai") is None
for name in ("gpt-5", "no-such-model"):
    known_footprint(name, "openai")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
