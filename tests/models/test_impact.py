"""Energy by EcoLogits: its own figures, as a range per token, or unknown."""

from __future__ import annotations

import logging
import sys

import pytest

from verifier_agent.budget import Footprint
from verifier_agent.models.impact import known_footprint
from verifier_agent.values import Cost

tracers = pytest.importorskip("ecologits.tracers.utils")
ranges = pytest.importorskip("ecologits.utils.range_value")

GUESSED = [
    ("openai", "gpt-5"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google_genai", "gemini-2.5-pro"),
]
"""Models whose size is not published."""
PUBLISHED = [
    ("mistralai", "ministral-8b-2512", 8.02e9),
    ("mistralai", "mistral-large-2512", 41e9),
    ("cohere", "command-r7b-12-2024", 8.03e9),
]
"""With the weights used per token, by their makers' model cards."""
ALL = [*GUESSED, *(each[:2] for each in PUBLISHED)]


def kilowatt_hours(provider: str, model: str, tokens: int) -> tuple[float, float]:
    """Return the energy of one request by EcoLogits' own high-level function."""
    impacts = tracers.llm_impacts(provider, model, tokens, request_latency=float("inf"))
    energy = impacts.energy.value
    return (energy.min, energy.max) if isinstance(energy, ranges.RangeValue) else (energy, energy)


def footprint(provider: str, model: str) -> Footprint:
    known = known_footprint(model, provider)
    assert known is not None
    return known


@pytest.mark.parametrize(("provider", "model"), ALL)
def test_a_thousand_more_tokens_take_a_thousand_times_one(provider: str, model: str) -> None:
    per_token = footprint(provider, model).joules_per_token
    few, many = (kilowatt_hours(provider, model, n) for n in (500, 1500))
    more = tuple((b - a) * 3.6e6 for a, b in zip(few, many, strict=True))
    assert per_token == pytest.approx(tuple(each / 1000 for each in more), rel=1e-9)


@pytest.mark.parametrize(("provider", "model"), ALL)
def test_what_is_left_out_of_a_request_is_worth_less_than_a_hundred_tokens(
    provider: str, model: str
) -> None:
    cost = footprint(provider, model).of(Cost(calls=1, input_tokens=300, output_tokens=1000))
    low, high = (each * 3.6e6 for each in kilowatt_hours(provider, model, 1000))
    for ours, theirs in ((cost.least_joules, low), (cost.joules, high)):
        assert ours is not None
        assert ours * (1 - 1e-9) <= theirs <= ours * 1.1


@pytest.mark.parametrize(("provider", "model"), GUESSED)
def test_a_guessed_size_gives_a_range_and_no_flops(provider: str, model: str) -> None:
    known = footprint(provider, model)
    low, high = known.joules_per_token or (0.0, 0.0)
    assert 0 < low < high
    assert known.parameters is None
    assert known.of(Cost(calls=1, output_tokens=10)).flops is None


@pytest.mark.parametrize(("provider", "model", "parameters"), PUBLISHED)
def test_a_published_size_gives_flops(provider: str, model: str, parameters: float) -> None:
    known = footprint(provider, model)
    assert known.parameters == parameters
    flops = known.of(Cost(calls=1, input_tokens=30, output_tokens=10)).flops
    assert flops == pytest.approx(2 * parameters * 40)


def test_every_model_of_a_provider_that_can_be_certain_has_a_footprint() -> None:
    from ecologits.model_repository import models

    providers = set(tracers.PROVIDER_CONFIG_MAP)
    listed = [(m.provider.value, m.name) for m in models.list_models()]
    assert providers == {provider for provider, _ in listed}
    assert all(footprint(*each).joules_known for each in listed)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        (None, "gpt-5"),
        ("openai", "gpt-oss:20b"),
        ("openai", "gpt-5-unheard-of"),
        ("openai", "claude-sonnet-4-5"),
        ("ollama", "qwen3:8b"),
        ("deepseek", "deepseek-chat"),
        ("openai", ""),
    ],
)
def test_what_is_not_listed_is_unknown(provider: str | None, model: str) -> None:
    assert known_footprint(model, provider) is None


def test_without_ecologits_every_footprint_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ecologits.impacts.llm", None)
    assert known_footprint("gpt-5", "openai") is None


def test_looking_up_warns_of_nothing_and_leaves_logging_as_it_was(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "ecologits"]:
        monkeypatch.delitem(sys.modules, name)
    before = logging.getLoggerClass()
    with caplog.at_level(logging.DEBUG):
        for name in ("gpt-5", "no-such-model"):
            known_footprint(name, "openai")
    assert caplog.records == []
    assert logging.getLoggerClass() is before
