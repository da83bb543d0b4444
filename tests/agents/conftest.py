"""A runtime whose assistant says what a script says, with the tools of `probes`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexus_agents import Settings, open_runtime
from nexus_agents.core.budget import Limits
from nexus_agents.core.config import AgentConfig, Config, ModelConfig
from nexus_agents.core.events import AnyEvent

HERE = Path(__file__).parent

# The test files name `plays` and agents.yaml `probes`.
for name, path in (("plays", HERE / "plays.py"), ("probes", HERE.parent / "runtime" / "probes.py")):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])

TOOLS = {name: f"probes:{name}" for name in ("note", "send", "launch")}


@pytest.fixture
def play(own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the assistant take steps; returns the run and its events.

    Steps are those of a script's file. `models` adds models by alias, `changes` settings, `run` what `start` is given.
    """
    own_home.mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)

    async def stream(
        steps: list[Any] | None = None,
        *,
        request: str = "do it",
        run_id: str | None = None,
        models: dict[str, ModelConfig] | None = None,
        others: dict[str, list[Any]] | None = None,
        budget: Limits | None = None,
        resume: dict[str, Any] | None = None,
        **changes: Any,
    ) -> tuple[Any, list[AnyEvent]]:
        file = tmp_path / "script.yaml"
        if steps is not None:
            file.write_text(yaml.safe_dump({"roles": {"assistant": steps}}))
        for name, said in (others or {}).items():
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"roles": {"*": said}}))
        config = Config(
            default_model=f"scripted:{file}",
            models=models or {},
            tools=TOOLS,
            agents={"assistant": AgentConfig(tools=list(TOOLS))},
            retries=2,
        ).model_copy(update=changes)
        async with open_runtime(Settings(own_home, config)) as runtime:
            run = await runtime.start(request, budget=budget) if run_id is None else await runtime._get(run_id)
            events = [event async for event in runtime.stream(run.id, **(resume or {}))]
            return await runtime.memory.runs.get(run.id), events

    return stream
