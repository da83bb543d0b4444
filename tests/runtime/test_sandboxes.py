"""What programs of a run are held to: by who writes the code, and by what a person allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexus_agents import Runtime
from nexus_agents.core.config import AgentConfig, Config, ModelConfig, SandboxConfig
from nexus_agents.core.errors import ExitCode
from nexus_agents.core.events import RunFinished, ToolFinished
from nexus_agents.core.runs import Run
from nexus_agents.core.sandbox import SandboxPolicy
from nexus_agents.models.source import Models
from nexus_agents.runtime.checks import check_all, sandbox_word
from nexus_agents.runtime.sandboxes import policy_of
from nexus_agents.runtime.worker_process import Order
from tools.sandbox import short_level

EXECUTE = ("execute",)


@pytest.fixture
def config(config: Config) -> Config:
    return config.model_copy(update={"agents": {"assistant": AgentConfig(tools=["run_command"])}})


@pytest.fixture
async def runtime(open_here: Any) -> Any:
    async with open_here() as opened:
        yield opened


def policy(config: Config, model: str | None = "builtin:nexus", approved: list[str] | None = None) -> SandboxPolicy:
    run = Run(
        id="r", thread_id="r", graph="g", request="x", workspace="/w", origin="/o", model=model, approved=approved or []
    )
    return policy_of(config, run, Models(config, override=model))


def test_settings_and_approvals_make_the_policy() -> None:
    config = Config(
        sandbox=SandboxConfig(level="landlock", domains=["pypi.org"], memory_mb=512, image="debian"),
    )
    assert policy(config) == SandboxPolicy("landlock", ("pypi.org",), 512, "debian", unsafe=False, trusted=True)
    assert policy(config, approved=["execute", "unsafe"]).unsafe


def test_one_language_model_in_any_role_is_enough_not_to_trust() -> None:
    assert policy(Config()).trusted
    assert not policy(Config(), model="openai:gpt-5").trusted
    assert not policy(Config(agents={"testing": AgentConfig(model="openai:gpt-5")})).trusted
    named = {"mine": ModelConfig(model="builtin:nexus"), "strong": ModelConfig(model="openai:gpt-5")}
    assert policy(Config(models=named), model="mine").trusted
    assert not policy(Config(models=named, agents={"review": AgentConfig(model="strong")})).trusted


def test_a_model_that_may_stand_in_counts() -> None:
    named = {
        "mine": ModelConfig(model="builtin:nexus", fallbacks=["openai:gpt-5"]),
        "own": ModelConfig(model="builtin:nexus", fallbacks=["builtin:nexus"]),
    }
    assert not policy(Config(models=named), model="mine").trusted
    assert policy(Config(models=named), model="own").trusted


@pytest.mark.usefixtures("bare")
async def test_a_run_of_a_language_model_waits_for_a_person_where_nothing_holds_it(
    runtime: Runtime, script: Any, work: Any
) -> None:
    run = await runtime.start(script([("run_command", {"command": "touch ran"})]), approved=EXECUTE)
    events = await work(runtime, run.id)
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    assert finished.status == "interrupted"
    assert finished.error is not None
    assert finished.error.exit_code == ExitCode.PERSON
    assert "bubblewrap" in finished.error.message
    assert "--unsafe" in finished.error.hint
    assert not Path(run.workspace, "ran").exists()
    events = await work(runtime, run.id, approved=("execute", "unsafe"))
    assert events[-1].status == "done"
    assert Path(run.workspace, "ran").exists()


async def test_a_run_of_a_language_model_goes_on_at_a_full_level(runtime: Runtime, script: Any, work: Any) -> None:
    if short_level() == "floor":
        pytest.skip("this machine has no full level")
    run = await runtime.start(script([("run_command", {"command": "touch ran; cat /etc/shadow"})]), approved=EXECUTE)
    events = await work(runtime, run.id)
    assert events[-1].status == "done"
    assert [event.ok for event in events if isinstance(event, ToolFinished)] == [True]
    assert Path(run.workspace, "ran").exists()
    (call,) = await runtime.memory.ledger.list(run.id)
    assert call.result is not None
    assert call.result["level"].startswith(short_level())
    assert call.result["returncode"] != 0
    assert "root" not in call.result["stdout"]


def test_the_command_says_what_is_missing_and_takes_unsafe(nexus: Any, script: Any) -> None:
    Path("agents.yaml").write_text(
        "default_model: script:plain\nproviders: {script: 'probes:create'}\n"
        "agents: {assistant: {tools: [run_command]}}\nsandbox: {level: floor}\n"
    )
    request = script([("run_command", {"command": "touch ran"})])
    done = nexus("run", request, "--workspace", "w", "--yes")
    assert done.returncode == ExitCode.PERSON, done.stderr
    assert "sandbox.level: floor" in done.stderr
    assert "--unsafe" in done.stderr
    assert not Path("w", "ran").exists()
    done = nexus("resume", "--yes", "--unsafe")
    assert done.returncode == 0, done.stderr
    assert Path("w", "ran").exists()
    Path("w", "ran").unlink()
    assert nexus("run", request, "--workspace", "w", "--yes", "--unsafe").returncode == 0
    assert Path("w", "ran").exists()


def test_an_order_to_a_worker_may_carry_it() -> None:
    assert Order.model_validate_json('{"run_id": "r", "approved": ["execute", "unsafe"]}').approved[-1] == "unsafe"


async def test_doctor_says_the_level_and_what_is_missing(runtime: Runtime, request: pytest.FixtureRequest) -> None:
    def said(checks: Any) -> Any:
        return next(check for check in checks if check.what == "sandbox")

    found = said(await check_all(runtime))
    assert found.says.startswith(f"{short_level()}: ")
    assert sandbox_word(runtime.settings.config) == short_level()
    request.getfixturevalue("bare")
    found = said(await check_all(runtime))
    assert found.state == "absent"
    assert "bubblewrap: it is not installed" in found.says
    assert sandbox_word(runtime.settings.config) == "floor"
