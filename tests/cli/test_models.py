"""`nexus models`: what there is, what is known of one, and a new try."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def declared(here: Path, server: Any) -> Any:
    """An agents.yaml with a local model, a hosted one without a key, and a price."""
    (here / "agents.yaml").write_text(
        "default_model: builtin:nexus\n"
        "models:\n"
        f"  local: {{model: 'openai:fake', base_url: '{server.url}', fallbacks: [strong, 'builtin:nexus']}}\n"
        "  strong: {model: 'openai:gpt-5', price: {input: 2, output: 10}}\n"
    )
    server.routes = {"/v1/models": {"data": [{"id": "fake", "owned_by": "vllm", "max_model_len": 9000}]}}
    return server


def test_list(nexus: Any, declared: Any) -> None:
    done = nexus("models", "list", "--json", env={"MISTRAL_API_KEY": "k", "NEXUS_MODEL": "openai:x"})
    assert done.rc == 0
    found = {one["name"]: one for one in map(json.loads, done.out.splitlines())}
    assert found["local"]["where"] == declared.url
    assert (found["strong"]["usable"], found["strong"]["says"]) == (False, "needs $OPENAI_API_KEY")
    assert found["openai:x"]["auto"]
    assert found["openai:x"]["says"] == "named by $NEXUS_MODEL"
    assert found["mistralai:mistral-medium-latest"]["kind"] == "key"
    assert [one["name"] for one in found.values() if one["auto"]] == ["openai:x"]
    shown = nexus("models", "list")
    assert "local = openai:fake" in shown.out
    assert shown.err == "auto takes builtin:nexus: named by $NEXUS_MODEL\n"


def test_show_calls_nobody_and_probe_does_and_is_kept(inside: Any, declared: Any) -> None:
    shown = json.loads(inside("models", "show", "local", "--json").out)
    assert (shown["profile"]["context"], shown["profile"]["tools"]) == (9000, None)
    assert (shown["price"], shown["fallbacks"]) == (None, ["strong", "builtin:nexus"])
    assert declared.requests == []
    probed = json.loads(inside("models", "probe", "local", "--json").out)
    assert probed["profile"]["tools"] is True
    assert len(declared.requests) == 3
    again = inside("models", "show", "local")
    assert len(declared.requests) == 3
    assert "9,000 tokens" in again.out
    assert "unknown (nobody says" in again.out


def test_show_what_is_public(nexus: Any, declared: Any) -> None:
    strong = json.loads(nexus("models", "show", "strong", "--json", env={"OPENAI_API_KEY": "k"}).out)
    assert (strong["price"], strong["price_source"]) == ({"input": 2.0, "output": 10.0}, "agents.yaml")
    assert strong["profile"]["context"] > 100_000
    keyless = json.loads(nexus("models", "show", "openai:gpt-5-mini", "--json").out)
    assert "$OPENAI_API_KEY is not set" in keyless["profile"]["source"]
    assert keyless["price"]["input"] > 0
    built_in = json.loads(nexus("models", "show", "auto", "--json").out)
    assert (built_in["model"], built_in["price"]) == ("builtin:nexus", {"input": 0.0, "output": 0.0})


def test_what_is_not_there_is_refused(inside: Any, declared: Any) -> None:
    inside("models", "show", "locl").refused(2, "'locl' is not a model", "'local'")
    inside("models", "probe", "openai:gpt-5").refused(2, "$OPENAI_API_KEY is not set")


def test_wrong_fallbacks_stop_a_run_before_it_begins(inside: Any, here: Path) -> None:
    (here / "agents.yaml").write_text("models: {a: {model: 'builtin:nexus', fallbacks: [a]}}\n")
    inside("run", "hello").refused(2, "go round in a circle: a -> a")
    assert inside("runs", "--json").out == ""
