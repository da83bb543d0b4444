"""What is refused before a run is written down or taken up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.errors import InputError, WorkspaceError
from nexus_agents.core.runs import UNFINISHED

if TYPE_CHECKING:
    from nexus_agents.core.runs import Run

__all__ = ["check_kept", "checked"]


def checked(request: str) -> str:
    """Return a request as it is written down; refuse one that is empty or no text."""
    if not request.strip():
        raise InputError("The request is empty.", 'Say what you want, for instance: nexus run "debate: is 91 prime?"')
    if any("\ud800" <= char <= "\udfff" for char in request):
        raise InputError("The request is not UTF-8 text.", "Write it in a terminal whose encoding is UTF-8.")
    return request.strip()


def check_kept(run: Run) -> None:
    """Refuse a run that was begun and whose workspace is gone."""
    # A new folder in its place would be empty, while the ledger has it that files were written there.
    if run.fence and run.status in UNFINISHED and not Path(run.workspace).is_dir():
        raise WorkspaceError(
            f"The workspace of run {run.id} is gone: {run.workspace}",
            "Put it back where it was, then resume; or begin anew with another request.",
        )
