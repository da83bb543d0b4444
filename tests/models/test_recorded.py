"""Recordings: what makes two requests the same, which answer is given when, and what is said where none is."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, TypedDict, cast

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from pydantic import BaseModel

from nexus_agents import ScriptedChatModel
from nexus_agents.core.config import AgentConfig, Config
from nexus_agents.core.errors import ConfigError
from nexus_agents.models.recorded.chat import RecordedChatModel
from nexus_agents.models.recorded.folder import Recording
from nexus_agents.models.recorded.missing import NotRecorded
from nexus_agents.models.recorded.normal import Normal, key_of
from nexus_agents.models.scripted.steps import Call, Step
from nexus_agents.models.source import Models

TEMP = tempfile.gettempdir()


class Point(BaseModel):
    """A place."""

    x: int
    y: int


@tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


ADD = Step(calls=[Call(name="add", args={"a": 2, "b": 3})])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "answers"


def recorder(folder: Path, steps: list[Any], **paths: Path) -> RecordedChatModel:
    recording = Recording(folder, {f"<nexus-{name}>": path for name, path in paths.items()}, adding=True)
    return RecordedChatModel(recording, role="assistant", model="scripted:test", inner=ScriptedChatModel(steps))


def player(folder: Path, **paths: Path) -> RecordedChatModel:
    recording = Recording(folder, {f"<nexus-{name}>": path for name, path in paths.items()}, adding=False)
    return RecordedChatModel(recording, role="assistant", model="")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ran in 0.12s", "ran in 13.4s"),
        ("3 passed in 0.12 seconds (120 ms)", "3 passed in 2.5 seconds (7 ms)"),
        ("run 1122-0404-3f9a1c", "run 1123-1804-aaaa1c"),
        ("2026-11-22T04:04:01.123Z and 12:00:01", "2027-01-02 03:04:05+01:00 and 23:59:59"),
        ("commit 3f9a1c2", "commit 0e1d2c3b4a"),
        ("at http://127.0.0.1:8080/v1, pid 12", "at http://127.0.0.1:9/v1, pid 4711"),
        (f"{TEMP}/pytest-of-me/pytest-1/test_a0/x.py", f"{TEMP}/pytest-of-you/pytest-2/test_b1/x.py"),
        (f"{TEMP}/abc123/x.py", f"{TEMP}/q/x.py"),
        ("id 6f1e0c4a-1111-4222-8333-444455556666", "id 00000000-aaaa-4bbb-8ccc-ddddeeeeffff"),
    ],
)
def test_what_differs_by_place_and_time_is_the_same(one: str, other: str) -> None:
    keys = {key_of(Normal().request("r", [HumanMessage(text)], {})) for text in (one, other)}
    assert len(keys) == 1


def test_what_differs_otherwise_is_another_request() -> None:
    normal = Normal({"<nexus-workspace>": Path("/w/one")})
    base: list[BaseMessage] = [HumanMessage("see /w/one/a.py, 3 passed in 4 files, v1.2, #a1b2c3")]
    requests = [
        normal.request("r", base, {}),
        normal.request("s", base, {}),
        normal.request("r", [HumanMessage("see /w/one/b.py")], {}),
        normal.request("r", base, {"tools": [{"type": "function", "function": {"name": "x"}}]}),
        normal.request("r", base, {"tool_choice": "any"}),
        normal.request("r", base, {"response_format": {"type": "json_object"}}),
        normal.request("r", base, {"stop": ["END"]}),
        normal.request("r", [*base, AIMessage("so")], {}),
    ]
    assert len({key_of(request) for request in requests}) == len(requests)
    assert requests[0]["messages"][0]["content"] == "see <nexus-workspace>/a.py, 3 passed in 4 files, v1.2, #a1b2c3"


def test_ids_of_calls_and_messages_do_not_count() -> None:
    def talk(call_id: str, message_id: str) -> list[BaseMessage]:
        call = {"name": "add", "args": {"a": 1}, "id": call_id, "type": "tool_call"}
        return [AIMessage("", tool_calls=[call], id=message_id), ToolMessage(f"{call_id}: 3", tool_call_id=call_id)]

    one, other = (Normal().request("r", talk(*ids), {}) for ids in (("call_a", "m1"), ("toolu_b", "m2")))
    assert one == other
    assert one["messages"][1]["answers"] == "call-1"


async def test_an_agents_conversation_is_replayed_streamed_and_whole(folder: Path) -> None:
    task = {"messages": [("user", "2 + 3?")]}
    model = recorder(folder, [ADD, Point(x=5, y=0)])
    agent: Any = create_agent(model, [add], response_format=ToolStrategy(Point))
    told = [chunk async for chunk in agent.astream(task, stream_mode="values")]
    assert len(list(folder.glob("assistant-*.json"))) == 2
    for stream in (False, True):
        again: Any = create_agent(player(folder), [add], response_format=ToolStrategy(Point))
        if stream:
            chunks = [
                chunk
                async for chunk, _ in again.astream(task, stream_mode="messages")
                if isinstance(chunk, AIMessageChunk)
            ]
            assert len([chunk for chunk in chunks if chunk.tool_call_chunks]) > 3
        state = await again.ainvoke(task)
        assert state["structured_response"] == told[-1]["structured_response"] == Point(x=5, y=0)
        assert state["messages"][1].usage_metadata == told[-1]["messages"][1].usage_metadata


@pytest.mark.parametrize("include_raw", [True, False])
def test_typed_answers(folder: Path, include_raw: bool) -> None:
    for model in (recorder(folder, [Point(x=1, y=2)]), player(folder)):
        answer = model.with_structured_output(Point, include_raw=include_raw).invoke("where?")
        assert (cast("dict[str, Any]", answer)["parsed"] if include_raw else answer) == Point(x=1, y=2)


def test_a_recorded_request_is_not_asked_again(folder: Path) -> None:
    recorder(folder, ["first"]).invoke("hello")
    with ScriptedChatModel(["second"]) as inner:
        recording = Recording(folder, {}, adding=True)
        model = RecordedChatModel(recording, role="assistant", model="scripted:test", inner=inner)
        assert model.invoke("hello").text == "first"  # a run that is resumed
        assert model.invoke("hello").text == "second"  # another sample
    played = player(folder)
    assert [played.invoke("hello").text for _ in range(3)] == ["first", "second", "first"]


def test_a_call_that_fails_is_not_kept(folder: Path) -> None:
    model = recorder(folder, [429, Step(text="one two three", fault="cut"), "well"])
    for _ in range(2):
        with pytest.raises(Exception, match="script"):
            list(model.stream("hello"))
    assert "".join(chunk.text for chunk in model.stream("hello")) == "well"
    assert player(folder).invoke("hello").text == "well"


class Samples(TypedDict):
    said: Annotated[list[str], lambda old, new: [*old, *new]]


def sampling(model: RecordedChatModel) -> Any:
    async def sample(state: dict[str, Any]) -> dict[str, Any]:
        # Side by side, and the later ones are faster.
        await asyncio.sleep(0.02 * (3 - state["number"]))
        text = (await model.ainvoke("say something")).text
        return {"said": [f"{state['number']}: {text}"]}

    graph = StateGraph(Samples)
    graph.add_node("sample", cast("Any", sample))
    graph.add_conditional_edges(START, lambda _: [Send("sample", {"number": number}) for number in range(3)])
    graph.add_edge("sample", END)
    return graph.compile()


async def test_samples_side_by_side_get_their_own_answers_again(folder: Path) -> None:
    told = await sampling(recorder(folder, ["a", "b", "c"])).ainvoke({"said": []})
    assert sorted(line[-1] for line in told["said"]) == ["a", "b", "c"]
    assert await sampling(player(folder)).ainvoke({"said": []}) == told
    # A process that was killed asks for one of them alone: it gets the answer of its own place.
    kept = json.loads(next(folder.glob("assistant-*.json")).read_text())["answers"]
    assert len({answer["place"] for answer in kept}) == 3
    played = player(folder)
    third = next(answer for answer in kept if answer["place"] == max(answer["place"] for answer in kept))
    request = played._recording.normal.request("assistant", [HumanMessage("say something")], {})
    for fresh in (played, player(folder)):
        found = fresh._recording.find(request, third["place"])
        assert found
        assert found["data"]["content"] == third["answer"]["data"]["content"]


def test_paths_of_the_workspace_follow_it(folder: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    step = Step(text=f"I read {one}/a.py", calls=[Call(name="read", args={"path": f"{one}/a.py"})])
    recorder(folder, [step], workspace=one).invoke(f"read {one}/a.py")
    assert str(one) not in "".join(path.read_text() for path in folder.glob("*.json"))
    answer = player(folder, workspace=other).invoke(f"read {other}/a.py")
    assert answer.text == f"I read {other}/a.py"
    assert cast("AIMessage", answer).tool_calls[0]["args"] == {"path": f"{other}/a.py"}


def test_what_is_not_recorded_is_shown_beside_the_nearest(folder: Path) -> None:
    model = recorder(folder, ["yes", "no"])
    model.invoke("is 91 prime?")
    model.invoke("what is the moon made of?")
    with pytest.raises(NotRecorded, match="no answer to what the role 'assistant' asks") as caught:
        player(folder).invoke("is 97 prime?")
    assert '-   "content": "is 91 prime?"' in caught.value.diff
    assert '+   "content": "is 97 prime?"' in str(caught.value)
    (written,) = (folder / "unmatched").iterdir()
    assert str(written) in caught.value.hint
    assert len(caught.value.hint.splitlines()) == 1
    with pytest.raises(NotRecorded, match="Nothing is recorded for this role"):
        RecordedChatModel(Recording(folder, {}, adding=False), role="review", model="").invoke("?")


def test_rules_of_ones_own(folder: Path) -> None:
    folder.mkdir()
    (folder / "rules.json").write_text('[["ticket \\\\d+", "ticket N"]]')
    recorder(folder, ["mended"]).invoke("mend ticket 12")
    assert player(folder).invoke("mend ticket 4711").text == "mended"
    for wrong in ('{"a": 1}', '[["(", ""]]', "["):
        (folder / "rules.json").write_text(wrong)
        with pytest.raises(ConfigError, match=r"rules\.json"):
            Recording(folder, {}, adding=False)


def test_of_half_a_call_its_half_is_kept(folder: Path) -> None:
    live = recorder(folder, [ADD.model_copy(update={"fault": "bad_json"})])
    for _ in live.bind_tools([add]).stream("add them"):
        pass
    kept = player(folder).bind_tools([add]).invoke("add them")
    assert kept.tool_calls == []
    assert [call["name"] for call in kept.invalid_tool_calls] == ["add"]
    assert not str(kept.invalid_tool_calls[0]["args"]).endswith("}")


def test_two_processes_record_into_one_folder(folder: Path) -> None:
    code = """
import sys
from pathlib import Path
from nexus_agents.models.recorded.folder import Recording
for number in range(20):
    recording = Recording(Path(sys.argv[1]), {}, adding=True)
    request = recording.normal.request("assistant", [], {})
    recording.add(request, f"{sys.argv[2]}-{number}", "m", {"type": "ai", "data": {"content": sys.argv[2]}})
    recording.note_player(f"role-{sys.argv[2]}-{number}", "m")
"""
    both = [subprocess.Popen([sys.executable, "-c", code, str(folder), name]) for name in ("a", "b")]
    assert [one.wait(60) for one in both] == [0, 0]
    (path,) = folder.glob("assistant-*.json")
    assert len(json.loads(path.read_text())["answers"]) == 40
    assert len(json.loads((folder / "models.json").read_text())) == 40


def test_a_team_is_recorded_by_name_and_replayed_by_one_folder(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "team.yaml"
    script.write_text("roles: {planning: [a plan], '*': [fine]}")
    providers = {"team": "nexus_agents.models.scripted:create"}
    config = Config(providers=providers, agents={"review": AgentConfig(model="builtin:nexus")})
    recorded = Models(config, override=f"record:{folder}:team:{script}")
    assert recorded.describe("planning") == f"team:{script}"
    said = [recorded.get(role).invoke("go").text for role in ("planning", "backend", "review")]
    replayed = Models(config, override=f"replay:{folder}")
    assert [replayed.get(role).invoke("go").text for role in ("planning", "backend", "review")] == said
    assert replayed.describe("planning") == f"team:{script}"
    assert "replayed from" in replayed.reason("planning")
    assert replayed.describe("review") == "builtin:nexus"
    assert replayed.describe("testing") == f"replay:{folder}"


def test_the_environment_records_and_replays(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "team.yaml"
    script.write_text("roles: {'*': [fine]}")
    config = Config(providers={"team": "nexus_agents.models.scripted:create"}, default_model=f"team:{script}")
    monkeypatch.setenv("NEXUS_RECORD", str(folder))
    assert Models(config).get("planning").invoke("go").text == "fine"
    monkeypatch.setenv("NEXUS_REPLAY", str(folder))
    script.unlink()
    assert Models(config).get("planning").invoke("go").text == "fine"


@pytest.mark.parametrize("name", ["record:", "record:here", "replay:", "replay:nowhere"])
def test_a_wrong_name_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError):
        Models(Config(), override=name)
