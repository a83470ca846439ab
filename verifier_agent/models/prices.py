"""What hosted models cost, from the price table of genai-prices (extra `cost`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from verifier_agent.budget import Price

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, TieredPrices

_SELLERS = {
    "anthropic": "anthropic",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google_genai": "google",
    "groq": "groq",
    "mistralai": "mistral",
    "openai": "openai",
    "together": "together",
    "xai": "x-ai",
}
"""Provider, as `provider_of` says it, to its id in genai-prices."""

_DATED = r"([-@]?(latest|(preview-|exp-)?(\d{8}|\d{4}-\d\d-\d\d|\d\d-\d{4}|\d\d-\d\d|\d{3,4})))?"
"""What may follow a model's name without making it another model: the date of its snapshot."""


def known_price(
    model_name: str, provider: str | None, *, at: datetime | None = None
) -> Price | None:
    """Return the list price of `model_name` in dollars per million tokens; None if unknown.

    The price holds as an upper bound of what text tokens cost for 24 hours from `at` (None: now):
    of prices that change with the hour it is the dearest. Where a
    provider caches prompts by itself and charges for it, `input` is the price of writing to the
    cache; Anthropic's caches are written on request only, and such a request costs up to twice
    `input`. It is the price of the standard tier, without batch discounts, priority surcharges,
    sound, images, or tools that the provider runs.

    Unknown is a model without a sure provider (see `provider_of`), one that the table does not
    name in full, one that is charged by the request or always searches the web, and any while
    genai-prices is not installed. The table is the installed package's own: nothing is fetched.
    """
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    name = model_name.lower()
    if provider not in _SELLERS or "search" in name:
        return None
    at = at or datetime.now(tz=UTC)
    seller = _SELLERS[provider]
    try:
        model = calc_price(Usage(), name, provider_id=seller, genai_request_timestamp=at).model
    except LookupError:
        return None
    if not (name == model.id.lower() or _names(model.match, name)):
        return None
    day = [model.get_prices(at + timedelta(minutes=15 * quarter)) for quarter in range(97)]
    return _dearest(day, cached_unasked=provider != "anthropic")


def _names(clause: Any, name: str) -> bool:
    """Say whether `clause`, which matches `name`, spells it out up to the date of a snapshot.

    Many clauses match a beginning or a part of a name, and so models that are yet to come.
    """
    kind, said = next(iter(vars(clause).items()))
    if kind in ("or_", "and_"):
        return any(_names(each, name) for each in said)
    if kind == "regex":
        return said.endswith("$") and re.search(said, name) is not None
    return re.fullmatch(re.escape(said.lower()) + _DATED, name) is not None


def _dearest(prices: Sequence[ModelPrice], *, cached_unasked: bool) -> Price | None:
    """Return what is at least as dear as each of `prices`; None if that cannot be said."""
    starts = [
        tier.start
        for price in prices
        for part in (price.input_mtok, price.output_mtok, price.cache_read_mtok)
        for tier in getattr(part, "tiers", ())
    ]
    short = _price(prices, cached_unasked, tiers=False)
    if short is None or not starts:
        return short
    long = _price(prices, cached_unasked, tiers=True)
    return replace(short, long=long, long_from=min(starts))


def _price(prices: Sequence[ModelPrice], cached_unasked: bool, tiers: bool) -> Price | None:
    """Return the highest of `prices` without their tiers, or in any of them."""
    given = _highest((price.input_mtok for price in prices), tiers)
    made = _highest((price.output_mtok for price in prices), tiers)
    if given is None or made is None or any(price.requests_kcount for price in prices):
        return None
    written = None
    if cached_unasked:
        written = _highest((price.cache_write_mtok for price in prices), tiers)
    cached = _highest((price.cache_read_mtok for price in prices), tiers)
    return Price(input=max(given, written or 0.0), output=made, cached=cached)


def _highest(prices: Iterable[Decimal | TieredPrices | None], tiers: bool) -> float | None:
    """Return the highest of `prices`; None if one of them is unknown."""
    highest = 0.0
    for price in prices:
        if price is None:
            return None
        # a tier holds for all tokens of a request whose prompt is longer than its start
        above = [] if isinstance(price, Decimal) or not tiers else [t.price for t in price.tiers]
        base = price if isinstance(price, Decimal) else price.base
        highest = max(highest, *map(float, (base, *above)))
    return highest
