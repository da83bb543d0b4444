"""What is known about a model: told, tried out once and kept, configured, or assumed and said to be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableLambda

from memory import open_memory
from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.events import TextChunk
from nexus_agents.core.memory_ports import ProfileStore
from nexus_agents.models import probe
from nexus_agents.models.source import Models
from nexus_agents.runtime.chunks import Chunks


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ProfileStore]:
    async with open_memory(f"sqlite:///{tmp_path / 'n.db'}", checkpoints=False) as memory:
        yield memory.profiles


def models(store: ProfileStore | None, **settings: Any) -> Models:
    declared = ModelConfig(**{"model": "openai:model.gguf", "timeout": 5.0, **settings})
    return Models(Config(models={"mine": declared}, default_model="mine"), profiles=store)


async def test_a_local_model_is_tried_out_once(server: Any, dialects: Any, store: ProfileStore) -> None:
    server.speaks(*dialects["llama_cpp"])
    first = models(store, base_url=server.url)
    profile = await first.profile("assistant")
    assert (profile.context, profile.tools, profile.json_schema, profile.streaming) == (12288, True, True, True)
    assert profile.vision is True
    assert "tried out" in profile.source
    assert len(server.requests) == 3
    assert all(request["max_tokens"] == probe.MOST_TOKENS for request in server.requests)
    await first.profile("backend")
    again = await models(store, base_url=server.url).profile("assistant")
    assert again == profile
    assert len(server.requests) == 3
    # The server was started anew with another context: that is seen, and the rest is not tried again.
    server.routes = {**server.routes, "/props": {"default_generation_settings": {"n_ctx": 4096}}}
    assert (await models(store, base_url=server.url).profile("assistant")).context == 4096
    assert len(server.requests) == 3
    server.mode = "deaf"
    asked = await models(store, base_url=server.url).profile("assistant", asking="again")
    assert (asked.tools, asked.json_schema, asked.streaming) == (False, False, True)
    assert len(server.requests) == 6


async def test_what_is_said_to_a_probe_is_not_heard_in_the_run(server: Any, dialects: Any) -> None:
    server.speaks(*dialects["llama_cpp"])
    asked = models(None, base_url=server.url)
    shown: list[TextChunk] = []

    async def node(word: str) -> str:
        assert (await asked.profile("assistant")).json_schema
        return (await asked.get("assistant").ainvoke(word)).text

    said = await RunnableLambda(node).ainvoke("hello", {"callbacks": [Chunks(shown.append, "assistant")]})
    assert len(server.requests) == 4
    assert "".join(chunk.text for chunk in shown) == said == "You said: hello"


async def test_ollama_is_tried_out_in_its_own_way(server: Any, dialects: Any, store: ProfileStore) -> None:
    server.speaks(*dialects["ollama"])
    profile = await models(store, model="ollama:qwen3:8b", base_url=server.root).profile("assistant")
    assert (profile.server, profile.tools, profile.json_schema, profile.streaming) == ("Ollama", True, True, True)
    used = {request["options"]["num_ctx"] for request in server.requests}
    assert used == {profile.context}


async def test_settings_win(server: Any, dialects: Any, store: ProfileStore) -> None:
    server.speaks(*dialects["llama_cpp"])
    profile = await models(store, base_url=server.url, context=2000, max_output=100).profile("assistant")
    assert (profile.context, profile.max_output) == (2000, 100)
    assert "context: agents.yaml" in profile.source
    # What is kept is what the server said: another agents.yaml may say otherwise.
    kept = await store.get("openai:model.gguf", server.url)
    assert kept
    assert kept.context == 12288


async def test_a_server_that_is_down_is_assumed_and_not_remembered(store: ProfileStore) -> None:
    profile = await models(store, base_url="http://127.0.0.1:9/v1").profile("assistant")
    assert profile.context == 32_768
    assert "32,768 tokens are assumed" in profile.source
    assert profile.tools is None
    assert await store.list() == []


@pytest.mark.parametrize("mode", [500, 401, "hang"])
async def test_a_server_that_is_unwell_is_not_remembered(
    server: Any, dialects: Any, store: ProfileStore, mode: Any
) -> None:
    server.speaks(*dialects["vllm"])
    server.mode = mode
    found = await models(store, model="openai:Qwen/Qwen3-8B", base_url=server.url, timeout=0.5).profile("assistant")
    assert (found.context, found.tools) == (32768, None)
    assert len(server.requests) == 1
    assert await store.list() == []


async def test_never_asking_calls_no_model(server: Any, dialects: Any, store: ProfileStore) -> None:
    server.speaks(*dialects["vllm"])
    asked = models(store, model="openai:Qwen/Qwen3-8B", base_url=server.url)
    profile = await asked.profile("assistant", asking="never")
    assert (profile.context, profile.tools) == (32768, None)
    assert server.requests == []
    assert (await asked.profile("assistant")).tools is True


async def test_a_hosted_model_is_known_without_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.setenv(variable, "not-a-key")
    for name, at_least in (
        ("openai:gpt-5-mini", 200_000),
        ("anthropic:claude-sonnet-4-5", 200_000),
        ("google_genai:gemini-2.5-flash", 1_000_000),
    ):
        profile = await Models(Config(), override=name).profile("assistant")
        assert profile.context
        assert profile.context >= at_least
        assert (profile.tools, profile.vision) == (True, True)
        assert "LangChain" in profile.source
    unknown = await Models(Config(), override="openai:no-such-model").profile("assistant")
    assert (unknown.context, unknown.tools) == (32_768, None)
    assert "assumed" in unknown.source


async def test_the_built_in_model_is_fixed() -> None:
    profile = await Models(Config(), override="builtin:nexus").profile("assistant")
    assert (profile.tools, profile.json_schema, profile.vision) == (True, False, False)
    assert profile.context
    assert profile.context > 100_000


async def test_a_replay_knows_what_the_recording_knew(server: Any, dialects: Any, tmp_path: Path) -> None:
    server.speaks(*dialects["llama_cpp"])
    declared = {"mine": ModelConfig(model="openai:model.gguf", base_url=server.url)}
    recorded = await Models(Config(models=declared), override=f"record:{tmp_path / 'r'}:mine").profile("assistant")
    server.routes = {}
    server.mode = 500
    replayed = Models(Config(), override=f"replay:{tmp_path / 'r'}")
    profile = await replayed.profile("assistant")
    assert (profile.context, profile.tools, profile.name) == (12288, True, recorded.name)


def test_fallbacks() -> None:
    local = ModelConfig(model="openai:a", base_url="http://127.0.0.1:9/v1", fallbacks=["other", "builtin:nexus"])
    other = ModelConfig(model="openai:b", base_url="http://127.0.0.1:9/v1", fallbacks=["builtin:search", "auto"])
    config = Config(models={"local": local, "other": other}, default_model="local")
    asked = Models(config)
    assert list(asked.fallbacks("assistant")) == ["other", "builtin:search", "auto", "builtin:nexus"]
    assert list(asked.fallbacks("assistant", name="other")) == ["builtin:search", "auto"]
    assert list(asked.fallbacks("assistant", name="builtin:nexus")) == []


@pytest.mark.parametrize(
    ("fallbacks", "says"),
    [
        ({"a": ["b"], "b": ["a"]}, "models.a.fallbacks go round in a circle: a -> b -> a"),
        ({"a": ["a"]}, "a -> a"),
        ({"a": ["nobody"]}, "models.a.fallbacks: 'nobody' is not a model"),
        ({"a": ["opnai:x"]}, "'openai:x'"),
    ],
)
def test_wrong_fallbacks_are_refused_at_the_start(fallbacks: dict[str, list[str]], says: str) -> None:
    declared = {name: ModelConfig(model="builtin:nexus", fallbacks=others) for name, others in fallbacks.items()}
    with pytest.raises(ConfigError, match=says):
        Models(Config(models=declared))
