"""A model server on loopback that speaks each dialect."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexus_agents.models import servers

spec = importlib.util.spec_from_file_location("fake_server", Path(__file__).parents[1] / "cli" / "fake_server.py")
assert spec
assert spec.loader
fake_server = sys.modules.setdefault("fake_server", importlib.util.module_from_spec(spec))
spec.loader.exec_module(fake_server)

OLLAMA = {
    "/api/tags": {"models": [{"name": "nomic-embed-text"}, {"name": "qwen3:8b"}, {"name": "gemma3:4b"}]},
    "/api/ps": {"models": [{"name": "gemma3:4b", "context_length": 4096}]},
    "/api/version": {"version": "0.12.6"},
    "/api/show": {
        "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960},
        "capabilities": ["completion", "tools"],
    },
    "/v1/models": {"data": [{"id": "gemma3:4b", "owned_by": "library"}]},
}
LM_STUDIO = {
    "/api/v0/models": {
        "data": [
            {"id": "bge-small", "type": "embeddings", "state": "loaded"},
            {"id": "phi-4", "type": "llm", "state": "not-loaded", "max_context_length": 16384},
            {
                "id": "gemma-3-12b",
                "type": "vlm",
                "state": "loaded",
                "max_context_length": 131072,
                "loaded_context_length": 6000,
                "capabilities": ["tool_use"],
            },
        ]
    },
    "/v1/models": {"data": [{"id": "phi-4"}, {"id": "gemma-3-12b"}]},
}
LLAMA_CPP = {
    "/v1/models": {"data": [{"id": "model.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 131072}}]},
    "/props": {"default_generation_settings": {"n_ctx": 12288}, "modalities": {"vision": True}},
}
VLLM = {"/v1/models": {"data": [{"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "max_model_len": 32768}]}}
TRANSFORMERS = {"/v1/models": 500, "/health": {"status": "ok"}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A healthy server; `speaks(kind, routes)` makes it one of a kind, the only one that is found."""
    with fake_server.FakeServer() as running:

        def speaks(kind: str, routes: dict[str, Any]) -> None:
            running.routes = routes
            monkeypatch.setattr(servers, "PORTS", ((running.port, kind),))

        running.speaks = speaks
        yield running


@pytest.fixture
def dialects() -> dict[str, tuple[str, dict[str, Any]]]:
    """What each kind of server answers to questions about itself, by a short name."""
    return {
        "ollama": ("Ollama", OLLAMA),
        "lm_studio": ("LM Studio", LM_STUDIO),
        "llama_cpp": ("llama.cpp", LLAMA_CPP),
        "vllm": ("vLLM or transformers serve", VLLM),
        "transformers": ("vLLM or transformers serve", TRANSFORMERS),
    }
