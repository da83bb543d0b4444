"""What is registered can be loaded, and is what it says: one suite over all tools, graphs, agents and providers."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.registry import Registry, load_dotted
from nexus_agents.core.tool import tool_spec
from nexus_agents.models.providers import PROVIDERS
from nexus_agents.runtime.graphs import GRAPHS, graph_registry
from nexus_agents.runtime.wiring import TOOLS, tool_registry

AGENTS = (
    "AssistantAgent",
    "PlanningAgent",
    "BackendAgent",
    "FrontendAgent",
    "TestingAgent",
    "ReviewAgent",
    "MediaAgent",
)


@pytest.mark.parametrize("name", TOOLS)
def test_tool(name: str) -> None:
    spec = tool_spec(tool_registry(Config()).load(name))
    assert spec.name == name
    assert len(spec.description.splitlines()[0]) > 20, "the first line tells a model what the tool does"
    assert issubclass(spec.result, BaseModel)
    assert spec.timeout > 0
    schema = spec.arguments.model_json_schema()
    assert schema.get("additionalProperties") is False
    for argument, said in schema.get("properties", {}).items():
        assert said.get("description"), f"{argument} is not explained to the model"
    # Nothing at this stage may leave an unknown outcome behind.
    assert spec.resumable
    json.dumps(schema)


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name: str) -> None:
    build = graph_registry(Config()).load(name)
    assert list(inspect.signature(build).parameters) == ["kit"]
    assert inspect.getdoc(build)


@pytest.mark.parametrize("name", AGENTS)
def test_agent(name: str) -> None:
    import nexus_agents
    from nexus_agents.agents.base import PROMPTS

    agent = getattr(nexus_agents, name)()
    assert (PROMPTS / f"{agent.name}.md").read_text().strip()
    assert set(agent.tools) <= set(TOOLS)
    assert issubclass(agent.output, BaseModel)


@pytest.mark.parametrize("name", PROVIDERS)
def test_provider(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from langchain_core.language_models import BaseChatModel

    monkeypatch.chdir(tmp_path)
    (tmp_path / "nexus").write_text("roles: {assistant: [hello]}")
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    create = load_dotted(PROVIDERS[name])
    made = create("nexus", ModelConfig(model=f"{name}:nexus"), "assistant")
    assert isinstance(made, BaseChatModel)


def test_a_users_tool_is_found_and_a_typing_error_is_named() -> None:
    registry = Registry("tool", TOOLS, "nexus.tools", {"mine": "tools.speak:speak"})
    assert "mine" in registry
    with pytest.raises(ConfigError, match=r"no tool named 'speek'.*\n.*'speak'"):
        registry.load("speek")
    with pytest.raises(ConfigError, match="cannot be imported"):
        registry.load("no.such.package:thing")
