"""A workflow file: read, completed with what is given for this run, and refused with its line before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from nexus_agents.agents.roster import Roster
from nexus_agents.core.errors import InputError
from nexus_agents.core.names import nearest
from nexus_agents.core.reading import Fault, Page, faults_of
from nexus_agents.core.workflow import Step, Workflow
from nexus_agents.runtime.workflow_check import PLACEHOLDER, named, wrongs
from nexus_agents.runtime.yaml_file import read_yaml_file

if TYPE_CHECKING:
    from nexus_agents.core.config import Config

__all__ = ["ReadyWorkflow", "check_workflow_file", "read_workflow"]


@dataclass(frozen=True)
class ReadyWorkflow:
    """A workflow that can run to its end.

    Attributes:
        name: What it is called.
        context: The initial values of the shared context.
        steps: The steps, each with its id.
    """

    name: str
    context: Mapping[str, JsonValue]
    steps: list[Step]

    @property
    def request(self) -> str:
        """The workflow in one line, for lists of runs."""
        return f"workflow {self.name}: {', '.join(step.id for step in self.steps)}"

    @property
    def inputs(self) -> dict[str, JsonValue]:
        """What a run of the graph `workflow` is given."""
        return {"context": dict(self.context), "steps": [step.model_dump(mode="json") for step in self.steps]}


def read_workflow(path: Path, config: Config, given: Mapping[str, str]) -> ReadyWorkflow:
    """Read a workflow file that is to be run.

    Args:
        path: The file.
        config: agents.yaml, for the agents that there are.
        given: Values of the shared context for this run; they come before those of the file.

    Raises:
        ConfigError: With file, line and the nearest right name: what `check_workflow_file` finds first.
        InputError: A value is given that the workflow does not know, or one that it asks for is not.
    """
    ready, faults = _read(path, config, given)
    for fault in faults:
        raise fault.error
    assert ready is not None
    if missing := [name for name, value in ready.context.items() if value is None]:
        raise InputError(f"{path} asks for {missing[0]!r}.", f"Give it with: --context {missing[0]}=...")
    return ready


def check_workflow_file(
    path: Path, config: Config, given: Mapping[str, str] | None = None
) -> tuple[ReadyWorkflow | None, list[Fault]]:
    """Return a workflow and all that is wrong with its file, in the order of its lines; None where it has no form.

    Raises:
        ConfigError: It cannot be read, or is not YAML.
        InputError: A value is given that the workflow does not know.
    """
    return _read(path, config, given or {})


def _read(path: Path, config: Config, given: Mapping[str, str]) -> tuple[ReadyWorkflow | None, list[Fault]]:
    file = read_yaml_file(path, what="a name, a context and steps", manual="docs/workflows.md")
    page = Page(str(path), file.line_of, what="key", manual="docs/workflows.md lists every key")
    if faults := sorted(faults_of(Workflow, file.data, page), key=lambda fault: fault.line):
        return None, faults
    workflow = Workflow.model_validate(file.data)
    steps = named(workflow.steps)
    known = {*workflow.context, *(name for step in steps for name in PLACEHOLDER.findall(step.action))}
    known -= {step.id for step in steps}
    for name in given:
        if name not in known:
            close = nearest(name, known)
            raise InputError(
                f"{path} knows no {name!r}.",
                f"Did you mean {close!r}?" if close else f"It takes: {', '.join(sorted(known)) or 'nothing'}.",
            )
    context = {**workflow.context, **given}
    provide = "Give it under `context`, or with --context NAME=VALUE"
    found = [
        page.fault(("context", step.id), f"Step {step.id!r} would overwrite this value.", "Name one of them otherwise.")
        for step in steps
        if step.id in workflow.context
    ]
    found += [page.fault(*wrong) for wrong in wrongs(steps, Roster(config), context, provide=provide)]
    ready = ReadyWorkflow(workflow.name or path.stem, context, steps)
    return ready, sorted(found, key=lambda fault: fault.line)
