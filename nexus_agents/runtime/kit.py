"""All that a graph needs for one run, put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexus_agents.core.config import Config
    from nexus_agents.core.ports import FactStore, GraphRunner, ModelSource, Recorder, Toolbox
    from nexus_agents.core.runs import Run
    from tools.background import RunProcesses

__all__ = ["RunKit"]


@dataclass(frozen=True)
class RunKit:
    """Implements `Kit` of core."""

    config: Config
    run: Run
    workspace: Path
    models: ModelSource
    tools: Toolbox
    graphs: GraphRunner
    recorder: Recorder
    facts: FactStore
    processes: RunProcesses
