"""Local servers, each in its own words: what is found, what is taken, and what it says of a model."""

from __future__ import annotations

import time
from typing import Any

import pytest

from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.core.errors import ConfigError
from nexus_agents.models import ollama, servers
from nexus_agents.models.ollama import GIB, context_of, sensible_context
from nexus_agents.models.providers import ELSEWHERE, Package
from nexus_agents.models.resolve import resolve_auto
from nexus_agents.models.served import is_near, served_profile
from nexus_agents.models.servers import find_servers, ollama_address
from nexus_agents.models.source import Models


@pytest.fixture(autouse=True)
def no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXUS_MODEL")


FOUND = {
    "ollama": ("Ollama", "ollama:gemma3:4b", ("gemma3:4b", "qwen3:8b")),
    "lm_studio": ("LM Studio", "openai:gemma-3-12b", ("gemma-3-12b", "phi-4")),
    "llama_cpp": ("llama.cpp", "openai:model.gguf", ("model.gguf",)),
    "vllm": ("vLLM", "openai:Qwen/Qwen3-8B", ("Qwen/Qwen3-8B",)),
    "transformers": ("transformers serve", "builtin:nexus", ()),
}


@pytest.mark.parametrize("dialect", FOUND)
def test_each_is_found_and_its_loaded_model_is_taken(server: Any, dialects: Any, dialect: str) -> None:
    server.speaks(*dialects[dialect])
    kind, name, models = FOUND[dialect]
    (found,) = find_servers()
    assert (found.kind, found.models) == (kind, models)
    assert found.base_url == (server.root if dialect == "ollama" else server.url)
    chosen = resolve_auto()
    assert chosen.name == name
    assert chosen.base_url == (found.base_url if models else None)
    assert kind in chosen.reason


TOLD = {
    "ollama": ("ollama:qwen3:8b", "Ollama", 40960, True, False),
    "lm_studio": ("openai:gemma-3-12b", "LM Studio", 6000, True, True),
    "llama_cpp": ("openai:model.gguf", "llama.cpp", 12288, None, True),
    "vllm": ("openai:Qwen/Qwen3-8B", "vLLM", 32768, None, None),
}


@pytest.mark.parametrize("dialect", TOLD)
def test_each_tells_what_its_model_can_do(server: Any, dialects: Any, dialect: str) -> None:
    server.speaks(*dialects[dialect])
    name, kind, context, tools, vision = TOLD[dialect]
    told = served_profile(name, server.root if dialect == "ollama" else server.url)
    assert told
    assert (told.name, told.server, told.context, told.tools, told.vision) == (name, kind, context, tools, vision)
    assert server.requests == []


def test_a_model_that_is_not_loaded_has_a_context_that_nobody_knows(server: Any, dialects: Any) -> None:
    server.speaks(*dialects["lm_studio"])
    told = served_profile("openai:phi-4", server.url)
    assert told
    assert told.context is None
    assert "not loaded" in told.source


def test_the_openai_endpoint_of_ollama_is_seen_through(server: Any, dialects: Any) -> None:
    server.speaks(*dialects["ollama"])
    told = served_profile("openai:gemma3:4b", server.url)
    assert told
    assert told.context == 4096
    assert "ollama:gemma3:4b" in told.source


def test_a_model_of_ollama_is_given_its_context(server: Any, dialects: Any) -> None:
    server.speaks(*dialects["ollama"])
    sensible = sensible_context()
    for settings, wanted in (
        (ModelConfig(model="ollama:qwen3:8b", base_url=server.root), min(40960, sensible)),
        (ModelConfig(model="ollama:qwen3:8b", base_url=server.root, context=3000, max_output=64), 3000),
    ):
        models = Models(Config(models={"mine": settings}), override="mine")
        assert models.get("assistant").invoke("hello").text == "You said: hello"
        assert server.requests[-1]["options"]["num_ctx"] == wanted
    assert server.requests[-1]["options"]["num_predict"] == 64


def test_auto_speaks_to_ollama_in_its_own_way(server: Any, dialects: Any) -> None:
    server.speaks(*dialects["ollama"])
    answer = Models(Config()).get("assistant").invoke("hello")
    assert answer.usage_metadata
    assert server.requests[-1]["options"]["num_ctx"] >= 8192


@pytest.mark.parametrize(
    ("trained", "memory", "context"),
    [(2048, 64, 2048), (131072, 8, 8192), (131072, 24, 16384), (131072, 64, 32768), (None, 24, 16384)],
)
def test_context_by_memory(trained: int | None, memory: int, context: int, monkeypatch: pytest.MonkeyPatch) -> None:
    size = sensible_context(memory * GIB)
    monkeypatch.setattr(ollama, "sensible_context", lambda: size)
    assert context_of(trained) == context


def test_without_its_package_ollama_is_passed_over(server: Any, dialects: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.speaks(*dialects["ollama"])
    monkeypatch.setitem(ELSEWHERE, "ollama", Package("langchain_no_such_package", "ollama"))
    found = resolve_auto()
    assert found.name == "builtin:nexus"
    assert "pip install 'nexus-agents[ollama]'" in found.reason
    monkeypatch.setitem(__import__("sys").modules, "langchain_ollama", None)
    with pytest.raises(ConfigError, match=r"pip install 'nexus-agents\[ollama\]'"):
        Models(Config(), override="ollama:qwen3").get("assistant")


def test_a_key_without_its_package_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PORTS", ((1, "nothing"),))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setitem(ELSEWHERE, "anthropic", Package("langchain_no_such_package", "anthropic", "ANTHROPIC_API_KEY"))
    found = resolve_auto()
    assert found.name == "builtin:nexus"
    assert "$ANTHROPIC_API_KEY is set, and needs langchain-no-such-package" in found.reason


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("gpu.local", "http://gpu.local:11434"),
        ("gpu.local:9999", "http://gpu.local:9999"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("https://ollama.example.com", "https://ollama.example.com:443"),
        ("http://10.0.0.7:11434/", "http://10.0.0.7:11434"),
    ],
)
def test_ollama_host(value: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", value)
    assert ollama_address() == address


def test_ollama_host_is_asked(server: Any, dialects: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.routes = dialects["ollama"][1]
    monkeypatch.setattr(servers, "PORTS", ((1, "Ollama"),))
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{server.port}")
    assert resolve_auto().name == "ollama:gemma3:4b"


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://localhost/v1", True),
        ("http://192.168.0.4/v1", True),
        ("http://gpu.local/v1", True),
        ("https://api.together.xyz/v1", False),
        ("https://8.8.8.8/v1", False),
    ],
)
def test_what_is_near(address: str, near: bool) -> None:
    assert is_near(address) is near


def test_what_is_not_there_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PORTS", tuple((port, "nothing") for port in (1, 2, 3, 4)))
    took: list[float] = []
    for _ in range(10):
        begun = time.perf_counter()
        assert find_servers() == []
        took.append(time.perf_counter() - begun)
    # The best of ten: a busy machine is no matter of ours.
    assert min(took) < 0.05
