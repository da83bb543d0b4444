"""Workflow files: refused with their line, worked by agents of one's own, resumed without the file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from probes import effects

from nexus_agents import AgentOrchestrator, Settings
from nexus_agents.cli.app import run
from nexus_agents.core.config import AgentConfig, Config
from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.runs import Run
from nexus_agents.runtime.settings import read_yaml
from nexus_agents.runtime.workflow_file import check_workflow_file, read_workflow

ROUND = Sequence[tuple[str, dict[str, Any]]]
AGENTS = {
    "default_model": "script:plain",
    "providers": {"script": "probes:create"},
    "tools": {name: f"probes:{name}" for name in ("note", "send", "meet", "launch")},
    "agents": {
        "writer": {"prompt": "writer.md", "tools": ["note", "send", "meet", "launch", "run_workflow"]},
        "typist": {"prompt": "writer.md", "tools": [], "output": "probes:Said"},
    },
}


@pytest.fixture
def here(home: Path) -> Path:
    """The current folder, with an agents.yaml of two agents that do what their action says."""
    folder = Path.cwd()
    (folder / "agents.yaml").write_text(json.dumps(AGENTS))
    (folder / "writer.md").write_text("You write.")
    return folder


@pytest.fixture
def write(here: Path) -> Callable[..., Path]:
    """Write a workflow file."""

    def written(*steps: dict[str, Any], name: str = "work.yaml", **more: Any) -> Path:
        path = here / name
        path.write_text(yaml.safe_dump({**more, "steps": list(steps)}, sort_keys=False))
        return path

    return written


def step(script: Callable[..., str], name: str, *rounds: ROUND, **more: Any) -> dict[str, Any]:
    return {"id": name, "agent": "writer", "action": script(*rounds)} | more


# -- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("steps:\n- agnet: a\n  action: b\n", 2, "no key 'steps.0.agnet'", "'agent'"),
        ("nmae: x\nsteps: [{agent: planning, action: a}]\n", 1, "no key 'nmae'", "'name'"),
        ("steps:\n- agent: planning\n", 2, "steps.0.action is missing", "docs/workflows.md"),
        ("name: x\n", 1, "steps is missing", "docs/workflows.md"),
        ("steps: []\n", 1, "at least 1 item", "[]"),
        ("steps:\n- agent: planning\n  action: a\n  retry: 99\n", 4, "steps.0.retry", "99"),
        ("steps:\n- action: a\n  agent: plannig\n", 3, "There is no agent named 'plannig'", "'planning'"),
        ("steps:\n- action: a\n  agent: writr\n", 3, "There is no agent named 'writr'", "'writer'"),
        ("steps:\n- {id: a, agent: writer, action: x}\n- id: b\n  agent: writer\n  action: x\n  depends_on: [a, aa]\n",
         6, "There is no step named 'aa'", "'a'"),
        ("steps:\n- {id: a, agent: writer, action: x,\n   depends_on: [b]}\n"
         "- {id: b, agent: writer, action: x, depends_on: [a]}\n", 3, "in a circle: a -> b -> a", "depends_on"),
        ("steps:\n- {agent: writer, action: x}\n- {agent: writer, action: y}\n", 3, "steps are named 'writer'", "id"),
        ("context: {product: x}\nsteps:\n- agent: writer\n  action: tell of {prodct}\n",
         4, "needs 'prodct'", "'product'"),
        ("steps:\n- agent: writer\n  action: tell of {thing}\n", 3, "needs 'thing'", "--context"),
        ("context:\n  a: 1\nsteps:\n- {id: a, agent: writer, action: x}\n", 2, "would overwrite", "otherwise"),
        ("- a\n", 1, "as `key: value`", "docs/workflows.md"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_line(here: Path, text: str, line: int, message: str, hint: str) -> None:
    path = here / "work.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_workflow(path, read_yaml(here / "agents.yaml"), {})
    assert refused.value.message.startswith(f"{path}, line {line}: ")
    assert message in refused.value.message
    assert hint in refused.value.hint
    assert run(["workflow", "run", str(path)]) == 2
    assert not (here.parent / "nexus-home" / "workspaces").exists()


def test_all_that_is_wrong_is_told_by_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "work.yaml").write_text(
        "steps:\n- {id: a, agent: writr, action: x}\n- {id: b, agent: writer, action: x, depends_on: [c]}\n"
    )
    assert run(["workflow", "check", "work.yaml"]) == 2
    first, second = capsys.readouterr().out.splitlines()
    assert first == "work.yaml, line 2: There is no agent named 'writr'. Did you mean 'writer'?"
    assert second.startswith("work.yaml, line 3: There is no step named 'c'.")
    assert run(["workflow", "check", "work.yaml", "--json"]) == 2
    assert [json.loads(line)["key"] for line in capsys.readouterr().out.splitlines()] == [
        "steps.0.agent",
        "steps.1.depends_on.0",
    ]


def test_check_says_the_order_and_what_is_asked_for(
    write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [{"id": name, "agent": "planning", "action": "x", "depends_on": before}
             for name, before in (("d", ["b", "c"]), ("b", ["a"]), ("c", ["a"]), ("a", []))]  # fmt: skip
    path = write(*steps, name="plan.yaml", context={"thing": None})
    assert run(["workflow", "check", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "plan is in order: a, then b and c, then d.",
        "It asks for: --context thing=...",
    ]
    assert run(["workflow", "run", str(path)]) == 2
    assert "asks for 'thing'" in capsys.readouterr().err


def test_values_are_given_by_name(write: Callable[..., Path]) -> None:
    path = write({"agent": "planning", "action": "an API for {thing}"}, context={"colour": "red", "extra": None})
    config = Config()
    found = read_workflow(path, config, {"thing": "books", "extra": "1.10"})
    assert found.context == {"colour": "red", "extra": "1.10", "thing": "books"}
    with pytest.raises(InputError, match=r"knows no 'thnig'.\nDid you mean 'thing'"):
        check_workflow_file(path, config, {"thnig": "x"})
    assert run(["workflow", "run", str(path), "--context", "thing"]) == 2


# -- what runs --------------------------------------------------------------------------------------


async def test_agents_of_ones_own_answer_in_words_and_in_products(here: Path, open_here: Any, work: Any, script: Any):
    config = read_yaml(here / "agents.yaml").model_dump() | {"folder": str(here)}
    async with open_here(**{name: getattr(Config(**config), name) for name in config}) as runtime:
        steps = [
            step(script, "first", [("note", {"text": "{word}", "times": 2})]),
            step(script, "second", [("Said", {"summary": "typed {word}"})], depends_on=["first"], agent="typist"),
        ]
        run_id = (await runtime.start("x", graph="workflow", inputs={"context": {"word": "tea"}, "steps": steps})).id
        events = await work(runtime, run_id)
        assert events[-1].status == "done", events[-1]
        assert [event.agent for event in events if event.type == "agent_started"] == ["writer", "typist"]
        done = await runtime.memory.runs.get(run_id)
    results = done.result["data"]["results"]
    assert json.loads(results["first"]) == {"summary": "tea tea"}
    assert results["second"] == {"summary": "typed tea"}
    assert done.result["summary"] == "2 steps are done: first, second.\n\ntyped tea"


def test_an_orchestrator_knows_them_too(here: Path, home: Path, script: Any) -> None:
    config = Config(**AGENTS, folder=str(here))
    orchestrator = AgentOrchestrator(Settings(home, config))
    orchestrator.register_agent("echo", lambda action, context: action)
    steps = [
        step(script, "said", [("note", {"text": "tea"})]),
        {"agent": "echo", "action": "{said}", "depends_on": ["said"]},
    ]
    with pytest.raises(ConfigError, match="There is no agent named 'wrter'"):
        orchestrator.execute_workflow({"steps": [{"agent": "wrter", "action": "x"}]})
    result = orchestrator.execute_workflow({"steps": steps})
    assert json.loads(result.results["echo"]) == {"summary": "tea"}


def test_a_product_must_be_a_model(here: Path) -> None:
    from nexus_agents.agents.custom import CustomAgent, Words

    assert CustomAgent("a", AgentConfig()).output is Words
    assert CustomAgent("a", AgentConfig(output="probes:Said")).output.__name__ == "Said"
    with pytest.raises(ConfigError, match="is not a pydantic model"):
        CustomAgent("a", AgentConfig(output="probes:create"))
    with pytest.raises(ConfigError, match="cannot be imported"):
        CustomAgent("a", AgentConfig(output="probes:Nothing"))


async def test_a_tool_runs_a_file_inside_another_workflow(
    here: Path, write: Callable[..., Path], open_here: Any, work: Any, script: Any
) -> None:
    inner = write(step(script, "deep", [("send", {"text": "{word}"})]), name="inner.yaml", context={"word": None})
    outer = [step(script, "outer", [("run_workflow", {"path": str(inner), "context": {"word": "hello"}})])]
    config = Config(**AGENTS, folder=str(here))
    async with open_here(**{name: getattr(config, name) for name in Config.model_fields}) as runtime:
        begun = await runtime.start("x", graph="workflow", inputs={"context": {}, "steps": outer})
        events = await work(runtime, begun.id)
        assert events[-1].status == "done", events[-1]
        calls = {call.tool: call for call in await runtime.memory.ledger.list(begun.id)}
    assert effects(Path(begun.workspace)) == ["hello"]
    assert json.loads(calls["run_workflow"].result["data"]["results"]["deep"]) == {"summary": "sent hello"}
    assert calls["send"].agent == "writer"


# -- kill and resume --------------------------------------------------------------------------------


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "nexus_agents", *arguments]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def killed_at_the_meeting(workspace: Path, *arguments: str) -> None:
    """Start a command and SIGKILL it once the second step waits for somebody to meet."""
    process = start(*arguments, "--workspace", str(workspace), "--yes")
    deadline = time.monotonic() + 60
    while not (workspace / "me").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    (workspace / "you").touch()


@pytest.fixture
def three(script: Callable[..., str]) -> list[dict[str, Any]]:
    """An effect, a step that waits until it is killed, and an effect."""
    return [
        step(script, "one", [("send", {"text": "one"})]),
        step(script, "two", [("meet", {"name": "me", "other": "you"})], depends_on=["one"]),
        step(script, "three", [("send", {"text": "three"})], depends_on=["two"]),
    ]


def test_a_killed_run_goes_on_without_its_file(
    write: Callable[..., Path], three: list[dict[str, Any]], nexus: Any, tmp_path: Path
) -> None:
    path = write(*three)
    workspace = tmp_path / "work"
    killed_at_the_meeting(workspace, "workflow", "run", str(path))
    assert effects(workspace) == ["one"]
    path.unlink()
    done = nexus("resume", "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 steps are done: one, two, three.")
    assert effects(workspace) == ["one", "three"]
    (listed,) = [Run.model_validate_json(line) for line in nexus("runs", "--json").stdout.splitlines()]
    assert (listed.status, listed.request) == ("done", "workflow work: one, two, three")
    shown = json.loads(nexus("show", listed.id, "--json").stdout)
    assert [(call["tool"], call["status"], call["attempts"]) for call in shown["ledger"]] == [
        ("send", "done", 1),
        ("meet", "done", 2),
        ("send", "done", 1),
    ]


def test_a_killed_run_goes_on_inside_a_tool_though_the_file_has_changed(
    write: Callable[..., Path], three: list[dict[str, Any]], script: Any, tmp_path: Path
) -> None:
    inner = write(*three, name="inner.yaml")
    outer = write(step(script, "outer", [("run_workflow", {"path": str(inner)})]), name="outer.yaml")
    workspace = tmp_path / "work"
    killed_at_the_meeting(workspace, "workflow", "run", str(outer))
    inner.write_text("steps: [{agent: writer, action: something else}]\n")
    outer.unlink()
    assert run(["resume", "--yes"]) == 0
    assert effects(workspace) == ["one", "three"]


def test_an_agent_that_is_gone_is_named(
    write: Callable[..., Path], three: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed_at_the_meeting(tmp_path / "work", "workflow", "run", str(write(*three)))
    Path("agents.yaml").write_text(json.dumps({**AGENTS, "agents": {}}))
    assert run(["resume", "--yes"]) == 2
    assert "There is no agent named 'writer'" in capsys.readouterr().err
