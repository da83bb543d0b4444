"""What agents know and hear: rules of the repository, skills, and what the user says meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from plays import of

from nexus_agents import ScriptedChatModel, Settings, open_runtime
from nexus_agents.core.config import AgentConfig, Config, ModelConfig

sys.modules["heard"] = sys.modules[__name__]
HEARD: list[ScriptedChatModel] = []


def create(model: str, settings: ModelConfig, role: str) -> ScriptedChatModel:
    """A provider whose model is the one that the test has made."""
    return HEARD[-1]


def config(**changes: Any) -> Config:
    return Config(
        default_model="here:x",
        providers={"here": "heard:create"},
        agents={"assistant": AgentConfig(tools=["read_skill", "list_voices"])},
        **changes,
    )


def skill(folder: Path, name: str, body: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "SKILL.md").write_text(f"---\nname: {name}\ndescription: How to {name}\n---\n{body}\n")
    (folder / name / "more.md").write_text("more")


async def test_rules_and_skills_stand_in_the_prompt_and_a_skill_is_read(own_home: Path, tmp_path: Path) -> None:
    own_home.mkdir()
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / "AGENTS.md").write_text("Use tabs.")
    skill(workspace / ".nexus" / "skills", "deploy", "Push the button.")
    skill(own_home / "skills", "deploy", "An older way.")
    skill(own_home / "skills", "brew", "Boil water.")
    steps: list[Any] = [
        {"calls": [{"name": "read_skill", "args": {"name": "deploy"}}]},
        {"calls": [{"name": "read_skill", "args": {"name": "deploi"}}]},
        {"calls": [{"name": "read_skill", "args": {"name": "deploy", "file": "../../../AGENTS.md"}}]},
        {"calls": [{"name": "read_skill", "args": {"name": "brew"}}]},
        "done",
    ]
    with ScriptedChatModel(steps) as model:
        HEARD.append(model)
        async with open_runtime(Settings(own_home, config())) as runtime:
            run = await runtime.start("deploy it", workspace=workspace)
            events = [event async for event in runtime.stream(run.id)]
        prompt = model.requests[0].messages[0].text
        results = [message.text for message in model.requests[-1].messages if message.type == "tool"]
    assert "Use tabs." in prompt
    assert "- brew: How to brew" in prompt
    assert results[0] == "Push the button.\n\nFurther files: more.md"
    assert "Did you mean 'deploy'?" in results[1]
    assert "has no file" in results[2]
    assert events[-1].status == "done"


async def test_what_the_user_says_reaches_the_next_turn(own_home: Path) -> None:
    own_home.mkdir()
    steps: list[Any] = [{"calls": [{"name": "list_voices", "args": {}}], "latency": 0.2}, "I heard."]
    with ScriptedChatModel(steps) as model:
        HEARD.append(model)
        async with (
            open_runtime(Settings(own_home, config())) as runtime,
            open_runtime(Settings(own_home, config()), checkpoints=False) as face,
        ):
            run = await runtime.start("work")
            events = []
            async for event in runtime.stream(run.id):
                events.append(event)
                if event.type == "agent_started":
                    await face.say(run.id, "Use blue.")
            again = await runtime.start("and now?", thread_id=run.thread_id)
    second = model.requests[1].messages
    assert [message.text for message in second if message.type == "human"] == [
        "work",
        "The user says, while you work: Use blue.",
    ]
    assert of(events, "run_finished")[0].status == "done"
    assert again.thread_id == run.thread_id


async def test_words_in_the_next_run_of_a_thread_are_heard_too(own_home: Path) -> None:
    own_home.mkdir()
    with ScriptedChatModel(["one", "two"]) as model:
        HEARD.append(model)
        async with open_runtime(Settings(own_home, config())) as runtime:
            first = await runtime.start("go")
            for run, words in ((first, "be brief"), (None, "be kind")):
                run = run or await runtime.start("go on", thread_id=first.thread_id)
                # Both are the first event of their run.
                await runtime.say(run.id, words)
                events = [event async for event in runtime.stream(run.id)]
                assert events[-1].status == "done"
        heard = [message.text for message in model.requests[-1].messages]
    assert any("be brief" in text for text in heard)
    assert any("be kind" in text for text in heard)


async def test_what_earlier_runs_remembered_is_told_to_who_may_recall(own_home: Path, tmp_path: Path) -> None:
    own_home.mkdir()
    workspace = tmp_path / "work"
    asked: list[str] = []
    note = {"text": "Invoices are numbered from 1000 on.", "scope": "project"}
    for tools in (["remember", "recall"], ["recall"], ["list_voices"]):
        steps = [{"calls": [{"name": "remember", "args": note}]}, "done"] if "remember" in tools else ["done"]
        with ScriptedChatModel(steps) as model:
            HEARD.append(model)
            changed = config().model_copy(update={"agents": {"assistant": AgentConfig(tools=tools)}})
            async with open_runtime(Settings(own_home, changed)) as runtime:
                run = await runtime.start("how are invoices numbered?", workspace=workspace, approved=["write"])
                events = [event async for event in runtime.stream(run.id)]
            assert events[-1].status == "done"
            asked += [request.messages[0].text for request in model.requests]
    # The run that notes it is not told of it: after a crash its prompt is the same.
    assert ["Invoices are numbered" in prompt for prompt in asked] == [False, False, True, False]
    assert "by assistant" in asked[2]
