"""Faults of the machine as errors that a person can act on."""

from __future__ import annotations

import errno
import logging
import traceback
from pathlib import Path

from nexus_agents.core.errors import BackendDown, LimitReached, NexusError, RunFailed, StorageFull, WorkspaceError

__all__ = ["explain"]

log = logging.getLogger("nexus")

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
CLIENTS = frozenset({"openai", "anthropic", "google", "groq", "httpx"})
MODEL_CALLS = ("openai.", "langchain_openai.", "langchain_core.language_models.")
READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def explain(error: BaseException, *, log_file: Path, doing: str) -> NexusError:
    """Return an error of two lines for any exception; what is unexpected goes to the log with its traceback.

    Args:
        error: What was raised.
        log_file: Where the traceback goes.
        doing: What was being done, for the first line.
    """
    if isinstance(error, NexusError):
        return error
    cause = next((link for link in _chain(error) if isinstance(link, NexusError)), None)
    if cause:
        return cause
    if any("disk is full" in str(link) for link in _chain(error)) or any(
        isinstance(link, OSError) and link.errno in FULL for link in _chain(error)
    ):
        return StorageFull(
            f"There is no room on the disk ({doing}).",
            "Free some room, then run: nexus resume. What was finished is kept.",
        )
    if isinstance(error, OSError) and error.errno in READ_ONLY:
        return WorkspaceError(
            f"{error.filename or 'A file'} may not be written: {error.strerror} ({doing}).",
            "Make it writable, or name another folder with --workspace.",
        )
    if type(error).__name__ == "GraphRecursionError":
        return LimitReached(f"The run took too many steps ({doing}).", "Ask for less at once, or name another model.")
    log.error("while %s", doing, exc_info=error)
    if _is_nonsense_of_a_server(error):
        return BackendDown(
            f"The model server answered with what no model says: {type(error).__name__}: {_first_line(error)}",
            "Check its base_url in agents.yaml, or name another model; then run: nexus resume.",
        )
    return RunFailed(
        f"Nexus met a fault of its own while {doing}: {type(error).__name__}: {_first_line(error)}",
        f"The log has the details: {log_file}",
    )


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _is_nonsense_of_a_server(error: BaseException) -> bool:
    # A login page or cut JSON reaches us as whatever the client stumbles over; what it stumbles in tells it apart.
    if not isinstance(error, ValueError | LookupError | TypeError | AttributeError):
        return type(error).__module__.partition(".")[0] in CLIENTS
    frames = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = any(name.startswith("nexus_agents.models.") for name in frames)
    return not ours and any(name.startswith(MODEL_CALLS) for name in frames)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0][:300]
