"""What models cost: declared, public, nothing, or unknown, which is never 0."""

from __future__ import annotations

import pytest

from nexus_agents.core.budget import Price
from nexus_agents.core.config import Config, ModelConfig, PriceConfig
from nexus_agents.models.prices import dearest, public_price
from nexus_agents.models.source import Models

LOCAL = "http://127.0.0.1:9/v1"


def priced(name: str, **declared: ModelConfig) -> Price | None:
    return Models(Config(models=declared)).price(name)


def test_public_prices() -> None:
    for name in ("openai:gpt-5-mini", "anthropic:claude-sonnet-4-5", "google_genai:gemini-2.5-flash"):
        found = priced(name)
        assert found, name
        assert 0 < found.input < found.output < 1000, name


def test_where_the_price_rises_with_the_length_it_is_the_highest() -> None:
    from genai_prices import Usage, calc_price

    found = public_price("google_genai:gemini-2.5-pro")
    assert found
    for tokens in (1000, 150_000, 900_000):
        usage = Usage(input_tokens=tokens, output_tokens=1000)
        exact = calc_price(usage, "gemini-2.5-pro", provider_id="google").total_price
        assert found.of(tokens, 1000) >= float(exact) - 1e-9
    assert found.of(900_000, 1000) == pytest.approx(float(exact))


@pytest.mark.parametrize("name", ["openai:no-such-model", "ollama:qwen3", "openrouter:openrouter/auto", "mine:x"])
def test_unknown_is_not_nothing(name: str) -> None:
    assert priced(name) is None


def test_what_ships_with_nexus_costs_nothing() -> None:
    assert priced("builtin:nexus") == priced("scripted:x.yaml") == Price(input=0, output=0)


def test_agents_yaml_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap, dear = PriceConfig(input=1, output=2), PriceConfig(input=3, output=1)
    mine = ModelConfig(model="openai:gpt-5-mini", price=cheap)
    assert priced("openai:gpt-5-mini", mine=mine) == priced("mine", mine=mine) == Price(input=1, output=2)
    other = ModelConfig(model="openai:gpt-5-mini", price=dear)
    assert priced("openai:gpt-5-mini", mine=mine, other=other) == Price(input=3, output=2)
    assert priced("openai:own", own=ModelConfig(model="openai:own", base_url=LOCAL)) is None
    # A server may call its model as it likes.
    assert priced("openai:gpt-5-mini", own=ModelConfig(model="openai:gpt-5-mini", base_url=LOCAL)) is None
    free = ModelConfig(model="openai:own", base_url=LOCAL, price=PriceConfig(input=0, output=0))
    assert priced("openai:own", own=free) == Price(input=0, output=0)
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert priced("openai:gpt-5-mini") is None


def test_the_dearest() -> None:
    assert dearest([Price(input=1, output=5), Price(input=2, output=3)]) == Price(input=2, output=5)
