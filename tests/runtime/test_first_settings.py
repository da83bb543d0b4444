"""`nexus init`: a file that says what was found, holds the defaults, and is never written over another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlparse

import pytest
import yaml
from jsonschema import Draft202012Validator

from nexus_agents.cli.app import run
from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.models import servers
from nexus_agents.models.servers import LocalServer
from nexus_agents.runtime.config_check import check_config
from nexus_agents.runtime.first_settings import Found, settings_text
from nexus_agents.runtime.settings import read_yaml


def found(*local: LocalServer) -> Found:
    return Found(
        [("OPENAI_API_KEY", "openai:gpt-5-mini")], local, "openai:gpt-5-mini", "$OPENAI_API_KEY is set", "floor"
    )


def test_the_text_says_the_defaults_and_the_schema_knows_it(tmp_path: Path) -> None:
    path = tmp_path / "agents.yaml"
    path.write_text(settings_text(found()))
    assert read_yaml(path).model_copy(update={"folder": ""}) == Config()
    first, text = path.read_text().split("\n", 1)
    named = re.fullmatch(r"# yaml-language-server: \$schema=(file://.+)", first)
    assert named
    schema = json.loads(Path(unquote(urlparse(named[1]).path)).read_text())
    Draft202012Validator(schema).validate(yaml.safe_load(text))
    assert set(yaml.safe_load(text)) == set(schema["properties"])
    # Each section has a word of explanation in front, and no line is too long to read.
    for section in schema["properties"]:
        assert re.search(rf"^# [^\n]+\n(?:#[^\n]*\n)*{section}:", text, re.M), section


def test_local_models_have_names(tmp_path: Path) -> None:
    path = tmp_path / "agents.yaml"
    local = [
        LocalServer("Ollama", "http://127.0.0.1:11434", "qwen3:8b", provider="ollama"),
        LocalServer("Ollama", "http://127.0.0.1:11434", "models/a b: #c", provider="ollama"),
        LocalServer("transformers serve", "http://127.0.0.1:8001/v1", ""),
        LocalServer("vLLM or transformers serve", "http://127.0.0.1:8000/v1", "org/Model-7B"),
        LocalServer("llama.cpp", "http://127.0.0.1:8080/v1", "x"),
    ]
    path.write_text(settings_text(found(*local)))
    assert check_config(path) == []
    assert read_yaml(path).models == {
        "ollama": ModelConfig(model="ollama:qwen3:8b", base_url="http://127.0.0.1:11434"),
        "ollama-2": ModelConfig(model="ollama:models/a b: #c", base_url="http://127.0.0.1:11434"),
        "vllm": ModelConfig(model="openai:org/Model-7B", base_url="http://127.0.0.1:8000/v1"),
        "llama-cpp": ModelConfig(model="openai:x", base_url="http://127.0.0.1:8080/v1"),
    }


def test_a_server_without_a_model_has_no_name(tmp_path: Path) -> None:
    path = tmp_path / "agents.yaml"
    path.write_text(settings_text(found(LocalServer("transformers serve", "http://127.0.0.1:8000/v1", ""))))
    assert "transformers serve at http://127.0.0.1:8000/v1 lists no model" in path.read_text()
    assert check_config(path) == []
    assert read_yaml(path).models == {}


@pytest.fixture
def local_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A real server on loopback that lists one model, in the words of Ollama and in those of OpenAI."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"models": [{"name": "small"}], "data": [{"id": "small"}]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("kind", "base", "alias", "model"),
    [("Ollama", "", "ollama", "ollama:small"), ("llama.cpp", "/v1", "llama-cpp", "openai:small")],
)
def test_what_is_here_is_found_and_nothing_is_written_over(
    home: Path,
    local_server: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    base: str,
    alias: str,
    model: str,
) -> None:
    monkeypatch.setattr(servers, "PORTS", ((local_server, kind),))
    monkeypatch.setattr(servers, "TIMEOUT", 10.0)
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-not-to-be-seen")
    monkeypatch.delenv("NEXUS_MODEL")
    assert run(["init"]) == 0
    said = capsys.readouterr().out
    text = Path("agents.yaml").read_text()
    for told in (
        "$ANTHROPIC_API_KEY is set: anthropic:",
        f"{kind} at http://127.0.0.1:{local_server}{base} serves small",
        "sandbox: ",
    ):
        assert told in said
        assert told in text
    assert "not-to-be-seen" not in said + text
    assert read_yaml(Path("agents.yaml")).models == {
        alias: ModelConfig(model=model, base_url=f"http://127.0.0.1:{local_server}{base}")
    }
    assert run(["config", "check"]) == 0
    Path("agents.yaml").write_text("retries: 2\n")
    assert run(["init"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert Path("agents.yaml").read_text() == "retries: 2\n"
    assert run(["init", "--force"]) == 0
    assert run(["init", "other.yaml"]) == 0
    assert Path("agents.yaml").read_text() == Path("other.yaml").read_text() == text
    assert run(["init", "no/such/folder.yaml"]) == 2
    assert [path.name for path in Path().iterdir() if "tmp" in path.name] == []
