"""The screen is there before anything heavy is imported."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("torch", "langgraph", "langchain", "langchain_core", "sqlalchemy", "alembic", "numpy", "scipy", "sympy")

PAINT = f"""
import asyncio, json, sys
sys.path[:] = [path for path in sys.path if path]
import tui.app
before = [name for name in {HEAVY!r} if name in sys.modules]
from tui.app import NexusApp
from tui.screens.home import HomeScreen
NexusApp._open = lambda self: None
async def main():
    app = NexusApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, HomeScreen) and app.screen.size.width == 100
        return [name for name in {HEAVY!r} if name in sys.modules]
print(json.dumps([before, asyncio.run(main())]))
"""


def test_the_first_paint_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", PAINT], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == [[], []]
