from __future__ import annotations

import pytest

from nexus_agents.core.errors import ToolInputError, WorkspaceError
from nexus_agents.core.tool import tool_spec
from tools.commands import CommandResult, run_command


async def test_a_list_and_a_text_both_run_in_the_workspace(job) -> None:
    done = await run_command(job, ["python", "-c", "import os; print(os.getcwd())"])
    assert done.stdout.strip() == str(job.workspace.resolve())
    done = await run_command(job, "echo hi > made && wc -l < made | tr -d ' '")
    assert (done.stdout, done.command) == ("1\n", "echo hi > made && wc -l < made | tr -d ' '")
    assert job.tree() == {"made"}


async def test_no_shell_reads_a_list(job) -> None:
    assert (await run_command(job, ["echo", "$HOME", ";", "ls"])).stdout == "$HOME ; ls\n"


async def test_a_failure_is_a_result(job) -> None:
    done = await run_command(job, "no-such-program")
    assert done.returncode == 127
    assert "not found" in done.stderr


async def test_time_is_bounded_and_progress_shown(job) -> None:
    done = await run_command(job, "sleep 0.3; echo working; sleep 20", timeout=0.8)
    assert done.timed_out
    assert [text for _, text in job.reports] == ["working"]
    assert done.for_model().startswith("ended because its time was up after")
    assert all(0 <= fraction <= 1 for fraction, _ in job.reports)


def test_what_went_beyond_a_limit_is_told() -> None:
    ended = {"command": "x", "returncode": -9, "stdout": "", "stderr": "", "seconds": 1, "timed_out": False}
    done = CommandResult.model_validate({**ended, "truncated": False, "level": "floor", "limit": "memory"})
    assert done.for_model() == "ended because it went beyond its limit of memory after 1.0 s"
    assert done.summary.startswith("ended because it went beyond its limit of memory after 1.0 s")


async def test_the_last_line_is_shown_for_sure_and_not_too_often(job) -> None:
    done = await run_command(job, "for i in $(seq 2000); do echo line $i; done; echo wrong >&2; exit 3")
    assert len(job.reports) < 20
    assert job.reports[-1][1] in ("line 2000", "wrong")
    said = done.for_model()
    assert said.startswith("returncode 3 after ")
    assert said.endswith("line 2000\n[standard error]\nwrong")
    assert len((await run_command(job, "yes | head -c 200000")).for_model()) < 25_000


async def test_bad_input_is_refused(job) -> None:
    for command, timeout in (("  ", 10), ([], 10), ("ls", 0), ("ls", 10_000), ("ls", float("nan"))):
        with pytest.raises(ToolInputError) as caught:
            await run_command(job, command, timeout=timeout)
        assert caught.value.hint
    job.workspace.rmdir()
    with pytest.raises(WorkspaceError):
        await run_command(job, "ls")


def test_it_is_declared() -> None:
    spec = tool_spec(run_command)
    assert (spec.risk, spec.resumable) == ("execute", True)
    assert spec.timeout > 600
    assert spec.arguments.model_validate({"command": ["ls"]}).model_dump() == {"command": ["ls"], "timeout": 120.0}
