"""Agents of a workflow that a new process registers again: `python team.py RUN WITNESS` resumes it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexus_agents import AgentOrchestrator, WorkflowFailed

STEPS = {
    "steps": [
        {"agent": "worker", "id": "one", "action": "lay {colour} bricks"},
        {"agent": "worker", "id": "two", "action": "paint", "depends_on": ["one"]},
        {"agent": "worker", "id": "three", "action": "break", "depends_on": ["two"]},
        {"agent": "worker", "id": "four", "action": "clean up after {three}", "depends_on": ["three"]},
    ]
}


def orchestrator(witness: Path) -> AgentOrchestrator:
    """Return an orchestrator whose one agent notes what it does, and fails at `break` until a file is there."""

    def worker(action: str, context: Mapping[str, Any]) -> str:
        with witness.open("a") as file:
            file.write(f"{action}\n")
        if action == "break" and not witness.with_name("mended").exists():
            raise ValueError("the wall fell")
        return f"done: {action}"

    made = AgentOrchestrator()
    made.register_agent("worker", worker)
    return made


if __name__ == "__main__":
    try:
        result = orchestrator(Path(sys.argv[2])).resume(sys.argv[1])
    except WorkflowFailed as error:
        sys.exit(f"{error}")
    print(result.model_dump_json())  # noqa: T201
