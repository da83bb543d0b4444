"""Calls of one answer that touch files follow each other as the model made them."""

from __future__ import annotations

from pathlib import Path

from plays import Play, of

from nexus_agents.core.config import AgentConfig


async def test_edits_of_one_file_in_one_answer_are_all_there_and_in_order(play: Play) -> None:
    first = {"name": "write_file", "args": {"path": "a.txt", "content": "0\n"}}
    edits = [
        {"name": "edit_file", "args": {"path": "a.txt", "old": f"{number}\n", "new": f"{number}\n{number + 1}\n"}}
        for number in range(8)
    ]
    agents = {"assistant": AgentConfig(tools=["write_file", "edit_file", "read_file"])}
    last = {"name": "read_file", "args": {"path": "a.txt"}}
    run, events = await play([{"calls": [first, *edits, last]}, "done"], agents=agents)
    assert all(event.ok for event in of(events, "tool_finished"))
    assert Path(run.workspace, "a.txt").read_text().split() == [str(number) for number in range(9)]
    assert [event.tool for event in of(events, "tool_started")] == ["write_file", *["edit_file"] * 8, "read_file"]
