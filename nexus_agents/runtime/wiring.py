"""The one place where everything is put together."""

from __future__ import annotations

import logging
import logging.handlers
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexus_agents.core.registry import Registry
from nexus_agents.models.catalog import Catalog
from nexus_agents.models.source import Models
from nexus_agents.runtime.approvals import Approvals
from nexus_agents.runtime.graphs import NestedGraphs, graph_registry
from nexus_agents.runtime.hearing import Hearing
from nexus_agents.runtime.job import RunJob
from nexus_agents.runtime.kit import RunKit
from nexus_agents.runtime.meter import RunMeter
from nexus_agents.runtime.recorder import RunRecorder
from nexus_agents.runtime.sandboxes import policy_of
from nexus_agents.runtime.settings import Settings, check_workspace
from nexus_agents.runtime.toolbox import RunToolbox

if TYPE_CHECKING:
    from nexus_agents.core.config import Config
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.ports import Kit, Memory, SpeechPort
    from nexus_agents.core.runs import Run
    from tools.mcp_client.servers import McpServers

__all__ = ["TOOLS", "Builders", "House", "log_to", "open_house", "tool_registry"]

TOOLS = {
    "apply_patch": "tools.apply_patch:apply_patch",
    "assemble_podcast": "tools.assemble_podcast:assemble_podcast",
    "build_app": "tools.build_app:build_app",
    "check_code": "tools.checking:check_code",
    "clone_voice": "tools.clone_voice:clone_voice",
    "close_worktree": "tools.worktrees:close_worktree",
    "commit": "tools.git:commit",
    "debate": "tools.debate:debate",
    "delete_file": "tools.moving:delete_file",
    "edit_file": "tools.files:edit_file",
    "forget": "tools.forget:forget",
    "format_code": "tools.formatting:format_code",
    "list_files": "tools.search:list_files",
    "list_models": "tools.list_models:list_models",
    "list_processes": "tools.processes:list_processes",
    "list_voices": "tools.list_voices:list_voices",
    "make_podcast": "tools.make_podcast:make_podcast",
    "merge_worktree": "tools.worktrees:merge_worktree",
    "move_file": "tools.moving:move_file",
    "open_worktree": "tools.worktrees:open_worktree",
    "read_diff": "tools.diffs:read_diff",
    "read_document": "tools.read_document:read_document",
    "read_file": "tools.files:read_file",
    "read_process": "tools.processes:read_process",
    "read_skill": "tools.read_skill:read_skill",
    "recall": "tools.recall:recall",
    "remember": "tools.remember:remember",
    "repository_map": "tools.repository_map:repository_map",
    "repository_state": "tools.worktrees:repository_state",
    "run_command": "tools.commands:run_command",
    "run_tests": "tools.testing:run_tests",
    "run_workflow": "tools.run_workflow:run_workflow",
    "search_files": "tools.search:search_files",
    "speak": "tools.speak:speak",
    "speak_document": "tools.speak_document:speak_document",
    "start_process": "tools.processes:start_process",
    "stop_process": "tools.processes:stop_process",
    "write_file": "tools.files:write_file",
}


Builders = Mapping[str, Callable[["Kit"], Any]]
"""Graphs by name: `build(kit) -> StateGraph`."""


def tool_registry(config: Config) -> Registry:
    """Return the tools by name, those of agents.yaml included."""
    return Registry("tool", TOOLS, "nexus.tools", config.tools)


class House:
    """What lives as long as the process: settings, memory, speech; it makes the kit of each run.

    Attributes:
        settings: Folders and agents.yaml.
        memory: The database.
        speech: The engine that speaks.
        builders: Graphs that this process brings itself, by name.
        mcp: The MCP servers of agents.yaml.
    """

    def __init__(
        self, settings: Settings, memory: Memory, speech: SpeechPort, builders: Builders, mcp: McpServers
    ) -> None:
        self.builders = builders
        self.mcp = mcp
        self.settings = settings
        self.memory = memory
        self.speech = speech

    def kit(self, run: Run, show: Callable[[AnyEvent], None]) -> RunKit:
        """Put together what a run needs.

        Raises:
            ConfigError: The run names a model that there is not.
            WorkspaceError: Its workspace cannot be written.
        """
        from tools.background import RunProcesses

        config = self.settings.config
        workspace = check_workspace(Path(run.workspace))
        memory = self.memory.held(run.id, run.fence)
        recorder = RunRecorder(memory.events, run.id, show)
        models = Models(
            config,
            override=run.model,
            profiles=self.memory.profiles,
            workspace=workspace,
            origin=Path(run.origin),
        )
        meter = RunMeter(config, run, memory.events, models)
        recorder.count = meter.count
        approvals = Approvals(config, run, self.memory.runs)
        graphs = NestedGraphs(graph_registry(config), lambda: kit)

        registry = tool_registry(config)
        processes = RunProcesses(self.settings.calls(run.id) / "processes")

        # Who plays which role may have to be found out, and few tools ask.
        policy = cache(lambda: policy_of(config, run, models))

        def tools_in(place: Path) -> RunToolbox:
            def make_job(tool: str, call_id: str, agent: str) -> RunJob:
                return RunJob(
                    run=run,
                    tool=tool,
                    call_id=call_id,
                    agent=agent,
                    workspace=place,
                    place=self.settings.calls(run.id) / call_id,
                    speech=self.speech,
                    voices=self.memory.voices,
                    facts=self.memory.facts,
                    models=Catalog(config, self.memory.profiles),
                    graphs=graphs,
                    recorder=recorder,
                    artifacts=memory.artifacts,
                    processes=processes,
                    policy=policy,
                    skill_folders=skill_folders,
                )

            return RunToolbox(
                registry,
                memory.ledger,
                recorder,
                approvals,
                make_job,
                run.id,
                self.settings.log_file,
                run.rewinds,
                self.mcp,
            )

        skill_folders = (
            workspace / ".nexus" / "skills",
            *(Path(config.folder, folder).expanduser() for folder in config.skills),
            self.settings.home / "skills",
        )
        hearing = Hearing(memory.events, run.id, recorder)
        kit = RunKit(
            config,
            run,
            workspace,
            models,
            tools_in(workspace),
            graphs,
            recorder,
            self.memory.facts,
            processes,
            meter,
            skill_folders,
            hearing,
            tools_in,
        )
        return kit


@asynccontextmanager
async def open_house(
    settings: Settings, *, checkpoints: bool = True, builders: Builders | None = None
) -> AsyncGenerator[House]:
    """Open the memory and make the engines; all is closed again at the end.

    Args:
        settings: Folders and agents.yaml.
        checkpoints: Whether runs will be worked; without, LangGraph is not imported.
        builders: Graphs that this process brings itself, by name.
    """
    from memory import open_memory
    from tools.mcp_client.servers import McpServers
    from tools.speech.engine import EmbeddedSpeech

    log_to(settings.log_file)
    speech = EmbeddedSpeech(voice_root=settings.voices)
    config = settings.config
    mcp = McpServers(
        config.mcp_servers,
        folder=Path(config.folder or Path.cwd()),
        logs=settings.log_file.parent,
        taken=tool_registry(config),
    )
    lasting = settings.config.memory
    async with open_memory(
        settings.database_url, checkpoints=checkpoints, durability=lasting.durability, encrypted=lasting.encrypted
    ) as memory:
        try:
            yield House(settings, memory, speech, builders or {}, mcp)
        finally:
            await mcp.aclose()
            await speech.aclose()


def log_to(path: Path) -> None:
    """Send the log of this process to a file, which is turned over at 2 MB; a process may have several homes."""
    log = logging.getLogger("nexus")
    if any(getattr(handler, "baseFilename", "") == str(path.absolute()) for handler in log.handlers):
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=2_000_000, backupCount=3, delay=True)
    except OSError:
        # Without a log there is still the run: what goes wrong with the disk is said where it matters.
        log.addHandler(logging.NullHandler())
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.propagate = False
