"""Every screen looks as it did when somebody last looked at it; `NEXUS_WRITE_SCREENSHOTS=1` takes the pictures anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from stage import opened, still
from stories import PICTURES, SCREENSHOTS, WIDE, Story

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).with_name("snapshots")
WRITE = os.environ.get("NEXUS_WRITE_SCREENSHOTS") == "1"


async def picture(settings: Any, story: Story, size: tuple[int, int]) -> str:
    async with opened(settings, size) as (app, pilot, desk):
        await story(app, pilot, desk)
        still(app)
        await pilot.pause()
        return app.export_screenshot(title="Nexus")


def compare(drawn: str, kept: Path, tmp_path: Path) -> None:
    if WRITE:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(drawn, encoding="utf-8")
    new = tmp_path / kept.name
    new.write_text(drawn, encoding="utf-8")
    assert kept.is_file(), f"no picture yet: look at {new}, then NEXUS_WRITE_SCREENSHOTS=1"
    same = drawn == kept.read_text(encoding="utf-8")
    assert same, f"{kept.name} looks different now: compare it with {new}; NEXUS_WRITE_SCREENSHOTS=1 accepts it"


@pytest.mark.parametrize(
    ("story", "size"), PICTURES, ids=[f"{story.__name__}-{size[0]}x{size[1]}" for story, size in PICTURES]
)
async def test_looks_the_same(settings: Any, story: Story, size: tuple[int, int], tmp_path: Path) -> None:
    name = f"{story.__name__}-{size[0]}x{size[1]}.svg"
    drawn = await picture(settings, story, size)
    if size == WIDE and story.__name__ in SCREENSHOTS:
        compare(drawn, ROOT / "docs" / "screenshots" / f"{SCREENSHOTS[story.__name__]}.svg", tmp_path)
    else:
        compare(drawn, KEPT / name, tmp_path)
