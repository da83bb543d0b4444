"""What a tool is: a typed function, a declaration of what it may do, and the `Job` that it is given."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

if TYPE_CHECKING:
    from nexus_agents.core.ports import FactStore, GraphRunner, ModelCatalog, SpeechPort, VoiceStore
    from nexus_agents.core.processes import Processes
    from nexus_agents.core.sandbox import SandboxPolicy

__all__ = ["Approved", "Job", "Risk", "ToolSource", "ToolSpec", "told_to_model", "tool", "tool_spec"]

Risk = Literal["read", "write", "execute", "spend", "identity"]
"""What a tool may do: look, change the workspace, run programs, spend money, imitate a person."""

Approved = Risk | Literal["unsafe"]
"""What a person may approve for a whole run: a risk class, or that code of a model runs below a full sandbox."""


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
    def project(self) -> Path:
        """The folder that facts of the project belong to: the run's, where an agent works in a worktree of it too."""
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
    def models(self) -> ModelCatalog:
        """Which models there are."""
        ...

    @property
    def graphs(self) -> GraphRunner:
        """Runs another graph inside this run."""
        ...

    @property
    def skill_folders(self) -> Sequence[Path]:
        """Where skills lie, in the order in which they count."""
        ...

    @property
    def processes(self) -> Processes:
        """The background processes of the run."""
        ...

    @property
    def sandbox(self) -> SandboxPolicy:
        """What programs are held to that run code of the workspace."""
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
        description: The docstring of the function without its sections: what the model reads.
        arguments: A pydantic model of the arguments, without the job; each is described by its line under `Args`.
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


class ToolSource(Protocol):
    """Tools that stand in no registry: whoever has them tells which, once it runs."""

    async def prepare(self, names: Sequence[str]) -> None:
        """Make ready what names stand for; others are no concern of it.

        Raises:
            BackendDown: What has the tools does not answer.
            ConfigError: It cannot be started.
        """
        ...

    def expand(self, names: Sequence[str]) -> list[str]:
        """Return the names of single tools for those of many; other names stay as they are."""
        ...

    def spec(self, name: str) -> ToolSpec | None:
        """Return a tool that was made ready, or None where the name is none of its own."""
        ...


def told_to_model(result: BaseModel) -> str:
    """Return a result as a model is told it: by its own `for_model`, since one may be longer than a model needs."""
    return str(getattr(result, "for_model", result.model_dump_json)())


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


_SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Attributes):$", re.M)


def _description(function: Function) -> str:
    # The arguments are described where a model looks for them, in the schema; the rest is for people.
    text = inspect.cleandoc(function.__doc__ or "")
    section = _SECTION.search(text)
    return text[: section.start()].rstrip() if section else text


def _explained(function: Function) -> dict[str, str]:
    """Return what the section `Args` of a docstring says of each argument."""
    text = inspect.cleandoc(function.__doc__ or "")
    _, _, after = text.partition("\nArgs:\n")
    following = _SECTION.search(after)
    section = after[: following.start()] if following else after
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {6,}.*)*)", section, re.M)
    return {name: " ".join(said.split()) for name, said in found}


def _arguments(function: Function) -> type[BaseModel]:
    hints, explained = get_type_hints(function, include_extras=True), _explained(function)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (
            hints[parameter.name],
            Field(default, description=explained.get(parameter.name)),
        )
    title = "".join(part.title() for part in function.__name__.split("_"))
    return create_model(title, __config__=ConfigDict(extra="forbid"), **fields)
