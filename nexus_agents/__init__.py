"""Nexus: a workstation of agents for people who own their models.

Everything public is importable from here and loaded on first use (PEP 562): `import nexus_agents` costs nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# A checkpoint must never import and run code: LangGraph reads this when it is first imported.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
# Nothing of a run leaves the machine by way of a tracing service that an environment happens to switch on.
os.environ.setdefault("LANGSMITH_TRACING", "false")

if TYPE_CHECKING:
    from nexus_agents.agents.assistant import AssistantAgent as AssistantAgent
    from nexus_agents.agents.backend import BackendAgent as BackendAgent
    from nexus_agents.agents.frontend import FrontendAgent as FrontendAgent
    from nexus_agents.agents.media import MediaAgent as MediaAgent
    from nexus_agents.agents.planning import PlanningAgent as PlanningAgent
    from nexus_agents.agents.review import ReviewAgent as ReviewAgent
    from nexus_agents.agents.testing import TestingAgent as TestingAgent
    from nexus_agents.core.errors import NexusError as NexusError
    from nexus_agents.core.tool import Job as Job
    from nexus_agents.core.tool import tool as tool
    from nexus_agents.models.scripted.chat import ScriptedChatModel as ScriptedChatModel
    from nexus_agents.runtime.orchestrator import AgentOrchestrator as AgentOrchestrator
    from nexus_agents.runtime.orchestrator import WorkflowFailed as WorkflowFailed
    from nexus_agents.runtime.orchestrator import WorkflowResult as WorkflowResult
    from nexus_agents.runtime.runtime import Runtime as Runtime
    from nexus_agents.runtime.runtime import open_runtime as open_runtime
    from nexus_agents.runtime.settings import Settings as Settings
    from nexus_agents.runtime.settings import load_settings as load_settings

_PLACES = {
    "AgentOrchestrator": "runtime.orchestrator",
    "AssistantAgent": "agents.assistant",
    "BackendAgent": "agents.backend",
    "FrontendAgent": "agents.frontend",
    "Job": "core.tool",
    "MediaAgent": "agents.media",
    "NexusError": "core.errors",
    "PlanningAgent": "agents.planning",
    "ReviewAgent": "agents.review",
    "Runtime": "runtime.runtime",
    "ScriptedChatModel": "models.scripted.chat",
    "Settings": "runtime.settings",
    "TestingAgent": "agents.testing",
    "WorkflowFailed": "runtime.orchestrator",
    "WorkflowResult": "runtime.orchestrator",
    "load_settings": "runtime.settings",
    "open_runtime": "runtime.runtime",
    "tool": "core.tool",
}

__all__ = sorted(_PLACES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
