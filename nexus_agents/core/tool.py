"""What a tool is: a typed function, a declaration of what it may do, and the `Job` that it is given."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

if TYPE_CHECKING:
    from nexus_agents.core.ports import FactStore, GraphRunner, SpeechPort, VoiceStore

__all__ = ["Job", "Risk", "ToolSpec", "tool", "tool_spec"]

Risk = Literal["read", "write", "execute", "spend", "identity"]
"""What a tool may do: look, change the workspace, run programs, spend money, imitate a person."""


class Job(Protocol):
    """One call of a tool, seen from inside the tool."""

    @property
    def run_id(self) -> str:
        """The run that this call belongs to."""
        ...

    @property
    def call_id(self) -> str:
        """The tool-call id: the same again after a crash, so it can mark an effect as done."""
        ...

    @property
    def agent(self) -> str:
        """The agent that called."""
        ...

    @property
    def workspace(self) -> Path:
        """The folder that the run works in; tools write nowhere else."""
        ...

    @property
    def folder(self) -> Path:
        """A durable folder of this call alone, for half-done work that a resume goes on with."""
        ...

    @property
    def speech(self) -> SpeechPort:
        """The engine that speaks."""
        ...

    @property
    def voices(self) -> VoiceStore:
        """The registry of voices and consents."""
        ...

    @property
    def facts(self) -> FactStore:
        """The shared context."""
        ...

    @property
    def graphs(self) -> GraphRunner:
        """Runs another graph inside this run."""
        ...

    def resolve_input(self, path: str) -> Path:
        """Find a file that the user named: in the workspace, else in the folder the request came from.

        Raises:
            InputError: There is no such file.
        """
        ...

    def progress(self, fraction: float, text: str = "") -> None:
        """Report how much is done, from 0 to 1."""
        ...

    def check_cancelled(self) -> None:
        """Raise `asyncio.CancelledError` where the run was cancelled; long loops call it often."""
        ...

    def artifact(self, path: Path, kind: str, title: str = "") -> None:
        """Record a file that was made for the user (kind: audio, transcript, code, report, ...)."""
        ...


Function = Callable[..., Awaitable[BaseModel]]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True)
class ToolSpec:
    """A tool as it was declared.

    Attributes:
        name: The name that models call it by.
        description: The docstring of the function: what the model reads.
        arguments: A pydantic model of the arguments, without the job.
        result: The pydantic model that it returns.
        function: The function itself, `async (job, **arguments) -> BaseModel`.
        risk: What it may do.
        resumable: Whether a call cut by a crash may simply be made again with the same id and folder.
        extra: The optional extra of Nexus that it needs, if any.
        timeout: Seconds after which it is cancelled.
        in_turn: Whether calls of one agent follow each other in the order in which they were made.
    """

    name: str
    description: str
    arguments: type[BaseModel]
    result: type[BaseModel]
    function: Function
    risk: Risk = "read"
    resumable: bool = True
    extra: str | None = None
    timeout: float = 120.0
    in_turn: bool = False


def tool(
    *,
    risk: Risk,
    resumable: bool = True,
    extra: str | None = None,
    timeout: float = 120.0,
    in_turn: bool = False,
    name: str | None = None,
) -> Callable[[F], F]:
    """Declare an async function `(job: Job, ...) -> BaseModel` as a tool; it stays callable as it is.

    Args:
        risk: What it may do; approvals go by this.
        resumable: True where making the same call twice leaves what making it once leaves.
        extra: The optional extra of Nexus whose packages it imports.
        timeout: Seconds.
        in_turn: True for what reads or writes files of the workspace. A model that makes several calls at once means
            them in their order: an edit, another one of the same file, and then the tests. Not for a tool that starts a
            graph: an agent of the same name in it would wait for ever.
        name: The name that models see; the function's own name by default.
    """

    def declare(function: F) -> F:
        spec = ToolSpec(
            name=name or function.__name__,
            description=_description(function),
            arguments=_arguments(function),
            result=get_type_hints(function)["return"],
            function=function,
            risk=risk,
            resumable=resumable,
            extra=extra,
            timeout=timeout,
            in_turn=in_turn,
        )
        function.__tool__ = spec  # type: ignore[attr-defined]
        return function

    return declare


def tool_spec(function: Callable[..., Any]) -> ToolSpec:
    """Return the declaration of a function that was decorated with `tool`.

    Raises:
        TypeError: The function is not a tool.
    """
    spec = getattr(function, "__tool__", None)
    if not isinstance(spec, ToolSpec):
        raise TypeError(f"{function!r} is not declared with @tool")
    return spec


def _description(function: Function) -> str:
    # The job is not an argument that a model gives.
    lines = inspect.cleandoc(function.__doc__ or "").splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith("job:"))


def _arguments(function: Function) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    title = "".join(part.title() for part in function.__name__.split("_"))
    return create_model(title, __config__=ConfigDict(extra="forbid"), **fields)
