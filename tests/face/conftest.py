"""A home of its own for each test, faces over it, and an end for all processes that were started for it."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from nexus_agents.runtime.desk import Desk, ensure_host, open_desk
from nexus_agents.runtime.live import host_path
from nexus_agents.runtime.settings import load_settings

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SETTINGS: dict[str, Any] = {
    "default_model": "acts:plain",
    "providers": {"acts": "acts:create"},
    "tools": {name: f"acts:{name}" for name in ("mark", "launch", "hold")},
    "agents": {"assistant": {"tools": ["mark", "launch", "hold", "run_command"]}},
    "retries": 2,
}

# Tests share these by name, and pytest imports test files without their folder on the path.
spec = importlib.util.spec_from_file_location("face_parts", HERE / "face_parts.py")
assert spec
assert spec.loader
face_parts = sys.modules.setdefault("face_parts", importlib.util.module_from_spec(spec))
spec.loader.exec_module(face_parts)
OpenFace, processes_of, until = face_parts.OpenFace, face_parts.processes_of, face_parts.until


@pytest.fixture
def home(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of this test, whose assistant does what the request says; workers find `acts`."""
    own_home.mkdir(parents=True, exist_ok=True)
    (own_home / "agents.yaml").write_text(json.dumps(SETTINGS))
    monkeypatch.setenv("PYTHONPATH", f"{HERE}{os.pathsep}{ROOT}")
    monkeypatch.delenv("NEXUS_MODEL")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    yield own_home
    face_parts.end_all(own_home)


@pytest.fixture
def face(home: Path) -> OpenFace:
    """Open a face on the home of this test."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Desk]:
        async with open_desk(load_settings()) as desk:
            yield desk

    return opened


@pytest.fixture
def warm(home: Path) -> Path:
    """The home, with a host that has imported everything."""
    ensure_host(home)
    until(lambda: any("nexus_agents.runtime.host" in process.cmdline() for process in processes_of(home)))
    until(lambda: host_path(home).exists())
    # It listens before it imports: a probe is answered when it has done so.
    ensure_host(home)
    (host,) = [process for process in processes_of(home) if "nexus_agents.runtime.host" in process.cmdline()]
    until(lambda: host.status() == psutil.STATUS_SLEEPING and host.cpu_times().user > 0.5)
    time.sleep(0.3)
    return home


@pytest.fixture(params=["warm", "cold"])
def started(request: pytest.FixtureRequest) -> Path:
    """The home, with the warm host and without."""
    return request.getfixturevalue("warm" if request.param == "warm" else "home")
