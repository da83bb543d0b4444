"""What a call of a tool is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nexus_agents.core.events import RunFinished


async def test_a_folder_is_made_for_whoever_asks_for_it(
    home: Path, open_here: Any, script: Callable[..., str], work: Callable[..., Any]
) -> None:
    async with open_here() as runtime:
        for call, folders in (("note", 0), ("send", 1)):
            run = await runtime.start(script([(call, {"text": "x"})]))
            assert isinstance((await work(runtime, run.id))[-1], RunFinished)
            assert len(list((home / "calls").glob("*/*"))) == folders
