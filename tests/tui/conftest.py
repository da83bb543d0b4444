"""The app on a stage of its own: no animation, no blinking, no clock, no process."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

HERE = Path(__file__).parent

for name in ("stage", "stories"):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything that would draw the same state differently another time is fixed."""
    import stage
    import textual.constants

    import nexus_agents.runtime.checks
    import tui.screens.session
    import tui.widgets.figures

    # Fixed too: tests wait for what is drawn, and need not wait long.
    monkeypatch.setattr(tui.screens.session, "DRAW_EVERY", 0.02)
    monkeypatch.setattr(tui.screens.session, "LOOK_EVERY", 0.2)
    monkeypatch.setattr(textual.constants, "TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr(tui.widgets.figures, "time", SimpleNamespace(time=lambda: stage.at(20).timestamp()))
    monkeypatch.setattr(nexus_agents.runtime.checks, "sandbox_word", lambda config: "bubblewrap")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def settings(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An installation of its own, whose desk is a staged one."""
    import stage

    import tui.app

    def no_host(home: Path) -> None:
        """Nothing is worked here by a process."""

    monkeypatch.setattr(tui.app, "_import_desk", lambda: (stage.staged, no_host, lambda: stage.folder(own_home)))
    return stage.folder(own_home)
