"""Code of a model is not run where nothing can hold it: the run ends so that a person can allow it."""

from __future__ import annotations

from plays import Play, call, of

from nexus_agents.core.config import AgentConfig, SandboxConfig


async def test_without_a_full_sandbox_the_run_waits_for_a_person(play: Play) -> None:
    changes = {"agents": {"assistant": AgentConfig(tools=["run_command"])}, "sandbox": SandboxConfig(level="floor")}
    steps = [call("run_command", command="echo held"), "Done."]
    run, events = await play(steps, resume={"approved": ["execute"]}, **changes)
    assert (events[-1].status, events[-1].error.exit_code) == ("interrupted", 5)
    assert "--unsafe" in events[-1].error.hint
    assert len(of(events, "usage")) == 1, "the model is not told: it could do nothing about it"

    run, events = await play(run_id=run.id, resume={"approved": ["unsafe"]}, **changes)
    assert (run.status, len(of(events, "usage"))) == ("done", 1)
    assert [one.ok for one in of(events, "tool_finished")] == [True]
