"""How a run ends that did not come to its end by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_agents.core.errors import ExitCode
from nexus_agents.core.events import RunFinished
from nexus_agents.core.runs import RunError

if TYPE_CHECKING:
    from nexus_agents.core.errors import NexusError
    from nexus_agents.core.runs import Run

__all__ = ["failed", "interrupted"]


def interrupted(run: Run) -> RunFinished:
    """Return the event of a run that was stopped from outside."""
    error = RunError(
        message=f"Run {run.id} was interrupted.",
        hint=f"Go on with: nexus resume {run.id}",
        exit_code=int(ExitCode.INTERRUPTED),
    )
    return RunFinished(run_id=run.id, status="interrupted", next=[f"nexus resume {run.id}"], error=error)


def failed(run: Run, error: NexusError) -> RunFinished:
    """Return the event of a run that met an error."""
    # What a person, a server or a disk can mend leaves the run resumable.
    resumable = error.exit_code in (ExitCode.UNREACHABLE, ExitCode.LIMIT, ExitCode.PERSON)
    reason = RunError(message=error.message, hint=error.hint, exit_code=int(error.exit_code))
    return RunFinished(
        run_id=run.id,
        status="interrupted" if resumable else "failed",
        next=[f"nexus resume {run.id}"] if resumable else [f"nexus show {run.id}"],
        error=reason,
    )
