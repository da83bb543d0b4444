"""A home of its own for each test, a runtime over it, and the command as a subprocess."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from nexus_agents import Runtime, Settings, open_runtime
from nexus_agents.core.config import AgentConfig, Config
from nexus_agents.core.events import AnyEvent

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

# agents.yaml names the tools and the model of `probes` by dotted path, here and in subprocesses.
for name in ("probes", "shared", "team"):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])

TOOLS = {
    name: f"probes:{name}"
    for name in ("note", "send", "slow", "broken", "meet", "launch", "launch_once", "imitate", "mend")
}

Open = Callable[..., AbstractAsyncContextManager[Runtime]]


@pytest.fixture
def home(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty home of this test; the current folder is an empty one too, and subprocesses find `probes`."""
    own_home.mkdir()
    monkeypatch.setenv("PYTHONPATH", f"{HERE}{os.pathsep}{ROOT}")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return own_home


@pytest.fixture
def config() -> Config:
    """Settings in which the assistant has the tools of `probes` and speaks by its scripted model."""
    return Config(
        default_model="script:plain",
        providers={"script": "probes:create"},
        tools=TOOLS,
        agents={"assistant": AgentConfig(tools=list(TOOLS))},
    )


@pytest.fixture
def open_here(home: Path, config: Config) -> Open:
    """Open a runtime on the home of this test."""

    @asynccontextmanager
    async def opened(**changes: Any) -> AsyncIterator[Runtime]:
        settings = Settings(home, config.model_copy(update=changes))
        async with open_runtime(settings) as runtime:
            yield runtime

    return opened


@pytest.fixture
def nexus(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the `nexus` command to its end."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nexus_agents", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)

    return run


@pytest.fixture
def script() -> Callable[..., str]:
    """Write a request that the scripted model works: each argument is one round of calls side by side."""

    def write(*rounds: Sequence[tuple[str, dict[str, Any]]]) -> str:
        return json.dumps([[{"name": name, "args": arguments} for name, arguments in calls] for calls in rounds])

    return write


@pytest.fixture
def work() -> Callable[..., Any]:
    """Stream a run to its end and return its events."""

    async def stream(runtime: Runtime, run_id: str, **how: Any) -> list[AnyEvent]:
        return [event async for event in runtime.stream(run_id, **how)]

    return stream
