"""Every error that a person may see: one line that says what is wrong, one that says what to do.

The subclasses are grouped by who must act next. Exit codes are API (see `ExitCode`).
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "BackendDown",
    "ConfigError",
    "ConsentNeeded",
    "ExitCode",
    "InputError",
    "LimitReached",
    "MissingExtra",
    "NexusError",
    "PersonNeeded",
    "RunFailed",
    "RunLost",
    "SandboxNeeded",
    "StorageFull",
    "ToolInputError",
    "WorkspaceError",
]


class ExitCode(IntEnum):
    """What the `nexus` command answers to its caller."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    LIMIT = 4
    PERSON = 5
    INTERRUPTED = 130


class NexusError(Exception):
    """Base of all errors of Nexus.

    Args:
        message: What is wrong; names the thing at fault.
        hint: What to do next, one sentence.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


# -- you edit a file, or type another command ------------------------------------------------------


class ConfigError(NexusError):
    """A file of settings, a model name or an option is wrong."""

    exit_code = ExitCode.USAGE


class InputError(NexusError):
    """A file or a text that was given to Nexus cannot be used."""

    exit_code = ExitCode.USAGE


class WorkspaceError(NexusError):
    """The workspace folder is missing, is not writable, or was left."""

    exit_code = ExitCode.USAGE


class MissingExtra(NexusError):
    """A package that is an optional part of Nexus is not installed."""

    exit_code = ExitCode.USAGE

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs packages that are not installed.", f"Run: pip install 'nexus-agents[{extra}]'")
        self.extra = extra


# -- the model tries again --------------------------------------------------------------------------


class ToolInputError(NexusError):
    """A model called a tool with arguments that do not fit; it is told so and may try again."""


# -- a person decides -------------------------------------------------------------------------------


class PersonNeeded(NexusError):
    """The run waits for an approval, an answer, or for what only a person can mend."""

    exit_code = ExitCode.PERSON


class ConsentNeeded(PersonNeeded):
    """A voice may not be imitated before a person has recorded the consent of its owner."""


class SandboxNeeded(PersonNeeded):
    """Nothing on this machine can hold code that a model wrote; a person may allow it to run all the same."""


# -- a server is down -------------------------------------------------------------------------------


class BackendDown(NexusError):
    """A model server, a worker process or a program that Nexus talks to does not answer."""

    exit_code = ExitCode.UNREACHABLE


# -- a limit is reached -----------------------------------------------------------------------------


class LimitReached(NexusError):
    """A budget, a time limit or a size limit ended the work."""

    exit_code = ExitCode.LIMIT


class StorageFull(LimitReached):
    """The disk has no room, or the file may not grow; what was committed before is kept."""


# -- the run itself ---------------------------------------------------------------------------------


class RunFailed(NexusError):
    """The run ended without its result; what it finished before is kept."""

    def __init__(self, message: str, hint: str = "", exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message, hint)
        self.exit_code = exit_code


class RunLost(NexusError):
    """Another process has taken the run over: nothing more of it can be written from here."""
