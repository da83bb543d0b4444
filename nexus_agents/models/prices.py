"""Public prices of hosted models, from the data of genai-prices; never too low, and unknown rather than 0."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from nexus_agents.core.budget import Price

if TYPE_CHECKING:
    from decimal import Decimal

    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

__all__ = ["FREE", "dearest", "public_price"]

FREE = Price(input=0.0, output=0.0)

PROVIDERS = {
    "anthropic": "anthropic",
    "deepseek": "deepseek",
    "google_genai": "google",
    "groq": "groq",
    "mistralai": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "xai": "x-ai",
}
"""Our provider by theirs."""


@cache
def public_price(name: str) -> Price | None:
    """Return what a hosted model costs, or None where the data does not know it.

    It is an upper bound. Where the price rises with the length of a request, or changes with the hour, it is the
    highest; input that the provider had in its cache counts as any other. Writing into a cache may cost more, and Nexus
    does not ask for it.

    Args:
        name: `provider:model`.
    """
    provider, _, model = name.partition(":")
    if provider not in PROVIDERS:
        return None
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, info = get_snapshot().find_provider_model(model, None, PROVIDERS[provider], None)
    except LookupError:
        return None
    found = [price for one in _prices(info) if (price := _price(one))]
    return dearest(found) if found else None


def dearest(prices: list[Price]) -> Price:
    """Return the upper bound of some prices."""
    return Price(input=max(one.input for one in prices), output=max(one.output for one in prices))


def _prices(info: ModelInfo) -> list[ModelPrice]:
    from genai_prices.types import ModelPrice, TimeOfDateConstraint

    now = info.get_prices(datetime.now(UTC))
    if isinstance(info.prices, ModelPrice):
        return [now]
    # What holds at another hour of the day may hold before a long answer ends.
    hourly = [one.prices for one in info.prices if isinstance(one.constraint, TimeOfDateConstraint)]
    return [now, *hourly]


def _price(price: ModelPrice) -> Price | None:
    given, answered = _highest(price.input_mtok), _highest(price.output_mtok)
    return None if given is None or answered is None else Price(input=given, output=answered)


def _highest(price: Decimal | TieredPrices | None) -> float | None:
    from genai_prices.types import TieredPrices

    if isinstance(price, TieredPrices):
        return float(max(price.base, *(tier.price for tier in price.tiers)))
    return None if price is None else float(price)
