"""The team where things do not go straight: two who change the same file, and a plan that a person changes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexus_agents import Settings, open_runtime
from nexus_agents.core.config import Config
from nexus_agents.core.errors import ExitCode
from nexus_agents.core.events import AgentStarted, AnyEvent, ApprovalAsked
from nexus_agents.core.facts import project_namespace
from nexus_agents.runtime.approvals import Decision

PLAN = {
    "title": "Two words",
    "summary": "A file with two words.",
    "files": [
        {"path": "words.txt", "owner": "backend", "purpose": "both words"},
        {"path": "page.html", "owner": "frontend", "purpose": "shows them"},
    ],
    "acceptance": ["both words are there"],
    "test_command": "grep -q backend words.txt",
}


def step(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"calls": [{"name": name, "args": arguments} for name, arguments in calls]}


def write(text: str) -> dict[str, Any]:
    return step(("write_file", {"path": "words.txt", "content": text}))


def report(summary: str) -> dict[str, Any]:
    return step(("TurnReport", {"summary": summary}))


ROLES = {
    "planning": [step(("Plan", PLAN))],
    "backend": [write("from the backend\n"), report("The backend has its word.")],
    "frontend": [write("from the frontend\n"), report("The frontend has its word.")],
    "testing": [step(("TestReport", {"passed": 1, "failed": 0, "command": "x", "sandbox": "", "summary": "1 passed"}))],
    "review": [step(("Review", {"accepted": True, "summary": "As planned."}))],
}

MEND = step(("read_file", {"path": "words.txt"}))


@pytest.fixture
def team(own_home: Path, tmp_path: Path) -> Any:
    """Let the team work with what its agents say; returns the run, its events and the workspace."""
    own_home.mkdir(exist_ok=True)
    script = tmp_path / "script.yaml"

    async def work(
        roles: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        answers: Mapping[str, Decision] | None = None,
        confirm: bool = False,
        seen: Callable[[AnyEvent, Path], None] = lambda event, workspace: None,
    ) -> Any:
        if roles:
            script.write_text(yaml.safe_dump({"roles": {**ROLES, **roles}}))
        settings = {"default_model": f"scripted:{script}", "graphs": {"development": {"confirm_plan": confirm}}}
        async with open_runtime(Settings(own_home, Config.model_validate(settings))) as runtime:
            if run_id is None:
                approved = ["execute", "unsafe", *([] if confirm else ["write"])]
                started = await runtime.start("two words", graph="development", approved=approved)
                run_id = started.id
            events: list[AnyEvent] = []
            run = await runtime.memory.runs.get(run_id)
            assert run is not None
            async for event in runtime.stream(run_id, answers=answers):
                events.append(event)
                seen(event, Path(run.workspace))
            run = await runtime.memory.runs.get(run_id)
            assert run is not None
            return run, events, Path(run.workspace)

    return work


def git(workspace: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=workspace, check=True, capture_output=True, text=True).stdout


async def test_who_comes_second_resolves_a_conflict(team: Any) -> None:
    both = "from the backend\nfrom the frontend\n"
    mending = {"when": "meet in: words.txt", "steps": [MEND, write(both), report("Both words stand.")]}
    run, events, workspace = await team({"frontend": [mending, {"steps": ROLES["frontend"]}]})
    assert run.status == "done", events[-1]
    assert (workspace / "words.txt").read_text() == both
    assert "Merge the frontend of round 1" in git(workspace, "log", "--format=%s")
    read = next(e for e in events if e.type == "tool_started" and e.tool == "read_file")
    assert read.agent == "frontend"
    assert not git(workspace, "status", "--porcelain")


async def test_what_is_remembered_in_a_worktree_belongs_to_the_project(team: Any, own_home: Path) -> None:
    noted = step(("remember", {"text": "Words stand one a line.", "scope": "project"}))
    _, events, workspace = await team({"backend": [noted, *ROLES["backend"]], "frontend": [report("Nothing to do.")]})
    assert events[-1].status == "done", events[-1]
    async with open_runtime(Settings(own_home, Config()), checkpoints=False) as runtime:
        facts = await runtime.memory.facts.list([project_namespace(workspace)])
    assert [fact.text for fact in facts] == ["Words stand one a line."]


async def test_a_conflict_that_is_left_is_never_called_done(team: Any) -> None:
    leaving = {"when": "meet in: words.txt", "steps": [report("I leave it.")]}
    run, events, workspace = await team({"frontend": [leaving, {"steps": ROLES["frontend"]}]})
    assert run.status == "failed", events[-1]
    assert "words.txt" in events[-1].error.message
    assert "<<<<<<<" not in (workspace / "words.txt").read_text()


async def test_tests_that_meet_what_a_person_committed_wait_for_the_person(team: Any) -> None:
    path = "tests/test_words.py"
    written = step(("write_file", {"path": path, "content": "from the agent\n"}))

    def commit(folder: Path, text: str) -> None:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
        git(folder, "add", "-A")
        git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-m", "Mine")

    def meanwhile(event: AnyEvent, workspace: Path) -> None:
        if isinstance(event, AgentStarted) and event.agent == "testing":
            commit(workspace, "from a person\n")

    roles = {"frontend": [report("Nothing to do.")], "testing": [written, *ROLES["testing"]]}
    run, events, workspace = await team(roles, seen=meanwhile)
    assert run.status == "interrupted"
    error = events[-1].error
    assert (error.exit_code, error.message.count(path)) == (ExitCode.PERSON, 1)
    tree = Path(error.hint.split("marked in ")[1].split(": resolve")[0])
    assert "<<<<<<<" in (tree / path).read_text()
    # As long as nothing is done about it, nothing happens.
    run, events, _ = await team(run_id=run.id)
    assert (run.status, events[-1].error.hint) == ("interrupted", error.hint)

    commit(tree, "from both\n")
    run, events, _ = await team(run_id=run.id)
    assert run.status == "done", events[-1]
    assert (workspace / path).read_text() == "from both\n"
    assert git(workspace, "log", "--format=%s", "--", path).splitlines()[0] == "Mine"


async def test_a_plan_is_confirmed_and_may_be_changed(team: Any) -> None:
    run, events, workspace = await team({"frontend": [report("Nothing to do.")]}, confirm=True)
    assert run.status == "waiting"
    asked = next(event for event in events if isinstance(event, ApprovalAsked))
    assert (asked.tool, asked.arguments["title"]) == ("plan", "Two words")
    assert not list(workspace.glob("*"))

    wrong = Decision(approve=True, arguments={"title": "No summary"})
    run, events, _ = await team(run_id=run.id, answers={asked.approval_id: wrong}, confirm=True)
    assert run.status == "waiting"
    asked = next(event for event in events if isinstance(event, ApprovalAsked))
    assert "summary" in asked.question

    changed = {**PLAN, "title": "Two better words"}
    answers = {asked.approval_id: Decision(approve=True, arguments=changed)}
    run, events, workspace = await team(run_id=run.id, answers=answers, confirm=True)
    while run.status == "waiting":
        answers = {e.approval_id: Decision(approve=True) for e in events if isinstance(e, ApprovalAsked)}
        run, events, workspace = await team(run_id=run.id, answers=answers, confirm=True)
    assert run.status == "done", events[-1]
    assert "Two better words" in (workspace / "PLAN.md").read_text()


async def test_a_plan_that_is_refused_builds_nothing(team: Any) -> None:
    run, events, workspace = await team(ROLES, confirm=True)
    asked = next(event for event in events if isinstance(event, ApprovalAsked))
    no = Decision(approve=False, reason="not now")
    run, events, _ = await team(run_id=run.id, answers={asked.approval_id: no}, confirm=True)
    assert run.status == "failed"
    assert "not now" in events[-1].error.message
    assert not list(workspace.glob("*"))
