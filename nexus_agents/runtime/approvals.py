"""Who may do what: tools by their risk, answers by people."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from pydantic import BaseModel

from nexus_agents.core.errors import ConsentNeeded, NexusError
from nexus_agents.core.events import ApprovalAsked
from nexus_agents.core.tool import Risk

if TYPE_CHECKING:
    from nexus_agents.core.config import Config
    from nexus_agents.core.ports import RunStore
    from nexus_agents.core.runs import Run
    from nexus_agents.core.tool import ToolSpec

__all__ = ["NOT", "Approvals", "Decision", "Effect", "ToolDenied", "answer_to", "kind_of_call", "lasting"]

NOT = "not:"
"""Before a kind of calls in `Run.approved`: a person said never."""

_SHELLS = ("sh", "bash", "zsh", "dash", "ksh", "fish", "ash", "busybox", "exec", "eval", "ssh", "script")
_WRAPPERS = ("env", "xargs", "sudo", "su", "doas", "nohup", "nice", "ionice", "timeout", "time", "setsid", "stdbuf")
_HOLDERS = ("flock", "strace", "chroot", "unshare", "nsenter", "taskset", "chrt")
_SEEKERS = ("find", "awk", "gawk", "mawk", "sed", "watch", "parallel")
_LANGUAGES = ("python", "pypy", "node", "deno", "bun", "perl", "ruby", "php", "lua", "Rscript")
_STARTERS = ("uv", "uvx", "npx", "bunx", "pnpx", "pipx", "pipenv", "pdm", "poetry", "conda", "hatch", "tox", "nox")
_CONTAINERS = ("docker", "podman")

RUNNERS = frozenset((*_SHELLS, *_WRAPPERS, *_HOLDERS, *_SEEKERS, *_LANGUAGES, *_STARTERS, *_CONTAINERS))
"""Programs that run whatever they are given: an answer for always covers this one command alone."""

STARTING = ("exec", "run", "dlx", "x", "eval")
"""The same of these words behind a program: `npm exec`, `go run`, `yarn dlx`."""

CLASSES = (*get_args(Risk), "unsafe")
"""What is approved for one run and not for a thread."""

Effect = Literal["again", "done", "skip"]
"""What a person says of a call that was cut off: make it again, it took effect, leave it."""


class Decision(BaseModel):
    """A person's answer to an approval that was asked."""

    approve: bool
    reason: str = ""
    always: bool = False
    """Whether the answer holds for every later call of this kind in the thread: always, or never."""
    arguments: dict[str, Any] | None = None
    """The arguments to call with instead of those that were asked about."""
    effect: Effect | None = None
    """The answer where it is asked whether a call took effect; by default `approve` says `again` or `skip`."""

    @property
    def outcome(self) -> Effect:
        """What to do with a call that was cut off."""
        return self.effect or ("again" if self.approve else "skip")


class _Answer(Decision):
    """A decision, and which question it answers."""

    call_id: str
    risk: str


class ToolDenied(NexusError):
    """A person, or agents.yaml, said no to a tool call; the model is told and adapts."""


class Approvals:
    """Decides before a tool runs; asks by interrupting the graph.

    Args:
        config: agents.yaml, whose `approvals` say what each risk class needs.
        run: The run, with the risk classes and kinds of calls that were approved for all of it.
        runs: Where an answer that lasts is written down.
    """

    def __init__(self, config: Config, run: Run, runs: RunStore) -> None:
        self._config = config
        self._run = run
        self._runs = runs

    async def check(
        self, spec: ToolSpec, arguments: Mapping[str, Any], *, call_id: str, agent: str
    ) -> Mapping[str, Any]:
        """Return the arguments with which the call may go ahead: a person may have changed them.

        Raises:
            ToolDenied: It may not.
            langgraph.errors.GraphInterrupt: The run stops here until a person answers.
        """
        # Identity has no policy: the tool itself demands a recorded consent, which no setting can give.
        if spec.risk == "identity":
            return arguments
        kind = kind_of_call(spec.name, arguments)
        if f"{NOT}{kind}" in self._run.approved:
            raise ToolDenied(f"A person said no to every call like {kind}.", "Do without it.")
        policy = getattr(self._config.approvals, spec.risk)
        # What a person approved for this run goes before the settings; what was answered once in the thread does not.
        if spec.risk in self._run.approved:
            return arguments
        if policy == "allow" or (policy == "ask" and kind in self._run.approved):
            return arguments
        if policy == "never":
            raise ToolDenied(
                f"{spec.name} is not allowed here.", f"agents.yaml says approvals.{spec.risk}: never. Do without it."
            )
        decision = await self.ask(
            f"May {agent} run {spec.name}?",
            how=f"nexus resume {self._run.id} --yes",
            risk=spec.risk,
            tool=spec.name,
            arguments=arguments,
            call_id=call_id,
            agent=agent,
            kind=kind,
        )
        if decision.always:
            entry = kind if decision.approve else f"{NOT}{kind}"
            self._run.approved.append(entry)
            await self._runs.amend(self._run.id, approved=[entry])
        if not decision.approve:
            raise ToolDenied(f"A person said no to {spec.name}.", decision.reason or "Do without it, or ask why.")
        return arguments if decision.arguments is None else decision.arguments

    async def consent(
        self, error: ConsentNeeded, spec: ToolSpec, arguments: Mapping[str, Any], *, call_id: str, agent: str
    ) -> None:
        """Stop until the consent of a voice's owner is recorded; the arguments name the clip."""
        decision = await self.ask(
            error.message,
            how=error.hint,
            risk="identity",
            tool=spec.name,
            arguments=arguments,
            call_id=call_id,
            agent=agent,
        )
        if not decision.approve:
            raise ToolDenied(error.message, decision.reason or "No consent was given: do without this voice.")

    async def ask(
        self,
        question: str,
        *,
        how: str,
        risk: str,
        tool: str,
        arguments: Mapping[str, Any],
        call_id: str,
        agent: str,
        kind: str = "",
    ) -> Decision:
        """Ask a person: the graph is interrupted until the answer is there."""
        from langgraph.types import interrupt

        asked = ApprovalAsked(
            agent=agent,
            tool=tool,
            call_id=call_id,
            risk=risk,
            arguments=dict(arguments),
            question=question,
            how=how,
            kind=kind,
        )
        posed = asked.model_dump(mode="json", exclude={"seq", "at", "approval_id"})
        # LangGraph hands answers out by their order within a node. A node that runs again may ask less than it did (a
        # call is done by now, a risk class is approved), and then the next answer is that to another question.
        while True:
            # The schema goes with the question: a client of another kind can show a form.
            answer = interrupt(posed, response_schema=_Answer)
            if (answer.call_id, answer.risk) == (call_id, risk):
                return answer


def kind_of_call(tool: str, arguments: Mapping[str, Any]) -> str:
    """Return what an answer for always is about: the tool, and for programs the program and what it is told to do.

    `run_command(git status)` stands for git status with any further arguments, written as one text or as a list; a
    program that runs what it is given, and a text that is more than one plain command, stand for themselves alone.
    """
    command = arguments.get("command")
    if command is None:
        return tool
    words = _plain_words(command)
    if words is None:
        return f"{tool}({command if isinstance(command, str) else json.dumps(command, default=str)})"
    program = re.sub(r"[\d.]+$", "", words[0].rpartition("/")[2])
    bare = [number for number, word in enumerate(words) if number and re.fullmatch(r"[a-z][\w-]*", word)]
    # An option in front of a word may change what is done, or even by whom: `git -C x push`, `git -c alias.x=!sh x`.
    # Behind some options stands a program: `psql -c "drop table a"`, `julia -e "rm(file)"`.
    first = words[1] if len(words) > 1 else ""
    hidden = first.startswith("-") and (bool(bare) or re.match(r"-+(c|e|m|eval|exec)\b", first) is not None)
    if program in RUNNERS or hidden or first in STARTING:
        return f"{tool}({shlex.join(words)})"
    does = words[1:2] if 1 in bare else []
    return f"{tool}({shlex.join([words[0], *does])})"


def _plain_words(command: object) -> list[str] | None:
    # A list reaches its program as it stands; a text is read by a shell, which may make anything of some characters.
    if isinstance(command, list):
        listed = cast("list[object]", command)
        words = [word for word in listed if isinstance(word, str)]
        return words if words and len(words) == len(listed) and words[0] else None
    if not isinstance(command, str) or re.search(r"[;&|<>`$\n\r#(){}~]", command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    # `NAME=value program` is that program in another environment, and `./*` is whichever comes first.
    return words if words and not re.search(r"[=*?\[]", words[0]) else None


def lasting(approved: Sequence[str]) -> list[str]:
    """Return what of `Run.approved` holds in the whole thread: answers of always and never, and no class of risks."""
    return [entry for entry in approved if entry not in CLASSES]


def answer_to(question: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """Return a decision as the graph is given it, marked with the question that it answers.

    Args:
        question: What `Approvals.ask` interrupted with.
        decision: What the person said.
    """
    answer = _Answer(**decision.model_dump(), call_id=question["call_id"], risk=question["risk"])
    return answer.model_dump()
