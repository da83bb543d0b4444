"""Which model plays a role, and why."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nexus_agents.core.config import AgentConfig, Config, ModelConfig
from nexus_agents.core.errors import ConfigError
from nexus_agents.models import servers
from nexus_agents.models.providers import ELSEWHERE, Package
from nexus_agents.models.resolve import resolve_auto
from nexus_agents.models.servers import find_servers
from nexus_agents.models.source import Models


@contextmanager
def server(answer: object, status: int = 200) -> Iterator[int]:
    """Serve one answer at /v1/models on a free port of loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one.server_port
        one.shutdown()


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXUS_MODEL")
    monkeypatch.setattr(servers, "PORTS", ((1, "nothing"),))


def test_nothing_there_is_the_built_in_model() -> None:
    found = resolve_auto()
    assert found.name == "builtin:nexus"
    assert "not a language model" in found.reason


def test_auto_takes_the_variable_then_a_key_then_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with server({"data": [{"id": "qwen"}]}) as port:
        monkeypatch.setattr(servers, "PORTS", ((port, "a server"),))
        found = resolve_auto()
        assert (found.name, found.base_url) == ("openai:qwen", f"http://127.0.0.1:{port}/v1")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        assert resolve_auto().name.startswith("anthropic:")
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        assert resolve_auto().name.startswith("openai:")
        monkeypatch.setenv("NEXUS_MODEL", "builtin:search")
        assert resolve_auto().name == "builtin:search"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"data": []}, 200),
        ({"data": "x"}, 200),
        ([1], 200),
        (b"<html>", 200),
        ({"data": [{"id": "m"}]}, 503),
        (b"", 200),
    ],
)
def test_what_answers_nonsense_is_no_server(answer: object, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(answer, status) as port:
        monkeypatch.setattr(servers, "PORTS", ((port, "something"),))
        assert find_servers() == []


def test_a_role_takes_its_own_model_before_the_runs_before_the_default() -> None:
    config = Config(
        default_model="builtin:nexus",
        models={"mine": ModelConfig(model="openai:x", base_url="http://127.0.0.1:9/v1")},
        agents={"review": AgentConfig(model="mine")},
    )
    models = Models(config, override="builtin:search")
    assert models.describe("review") == "openai:x"
    assert models.describe("planning") == "builtin:search"
    assert models.describe("planning", name="builtin:judge") == "builtin:judge"
    assert Models(config).describe("planning") == "builtin:nexus"
    assert "agents.yaml" in models.reason("review")
    assert models.get("planning") is models.get("planning")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("foo:bar", "no model provider named 'foo'"),
        ("opnai:gpt", "'openai:gpt'"),
        ("gpt", "has no provider"),
        ("builtin:nexsu", "no built-in model named 'nexsu'"),
        ("openai:", "has no provider"),
        ("openai:gpt-5-mini", r"\$OPENAI_API_KEY is not set"),
        ("anthropic:claude", r"\$ANTHROPIC_API_KEY is not set"),
        ("xai:grok-4", r"nexus-agents\[xai\]"),
    ],
)
def test_a_wrong_name_is_refused(name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever is installed here, this one is not.
    monkeypatch.setitem(ELSEWHERE, "xai", Package("langchain_no_such_package", "xai", "XAI_API_KEY"))
    with pytest.raises(ConfigError, match=says):
        Models(Config(), override=name).get("assistant")
