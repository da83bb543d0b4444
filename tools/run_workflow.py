"""The tool that works a workflow file."""

from __future__ import annotations

from nexus_agents.core.runs import Outcome
from nexus_agents.core.tool import Job, tool
from tools.outcome import outcome_of

__all__ = ["run_workflow"]


@tool(risk="write", timeout=4 * 3600)
async def run_workflow(job: Job, path: str, context: dict[str, str] | None = None) -> Outcome:
    """Let agents work the steps of a workflow that is written down in a YAML file.

    Args:
        job: The call.
        path: The file, as the user named it.
        context: Values that the workflow asks for, by name.
    """
    file = job.resolve_input(path)
    inputs = {"request": f"workflow {file.stem}", "path": str(file), "given": context or {}}
    return outcome_of(await job.graphs.run("workflow_inside", inputs))
