"""The real command in a process of its own, and a server that stands for a paid service."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEXUS = Path(sys.executable).with_name("nexus")

spec = importlib.util.spec_from_file_location("fake_server", Path(__file__).with_name("fake_server.py"))
assert spec
assert spec.loader
fake_server = sys.modules.setdefault("fake_server", importlib.util.module_from_spec(spec))
spec.loader.exec_module(fake_server)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    rc: int
    out: str
    err: str
    seconds: float

    def refused(self, rc: int, *words: str) -> None:
        """Two lines on standard error and nothing else: refused before anything was begun."""
        assert self.rc == rc, self
        assert self.out == "", self
        assert len(self.err.splitlines()) == 2, self
        self.says(*words)

    def failed(self, rc: int, *words: str) -> None:
        """A run that ended without its result: the last lines say what is wrong and what to do."""
        assert self.rc == rc, self
        lines = self.err.splitlines()
        ending = next(number for number, line in enumerate(lines) if line.startswith("run ") and " after " in line)
        told = [line for line in lines[ending + 1 :] if not line.startswith("  nexus ")]
        assert len(told) == 2, self
        self.says(*words)

    def says(self, *words: str) -> None:
        assert "Traceback" not in self.err, self
        assert "fault of its own" not in self.err, self
        for word in words:
            assert word in self.err, (word, self)


class Nexus(Protocol):
    def __call__(
        self,
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
        prefix: tuple[str, ...] = (),
        timeout: float = 60,
    ) -> Done: ...


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder that commands are typed in."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def nexus(here: Path) -> Nexus:
    """`nexus(*args)` runs the installed command and waits for its end."""

    def call(
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
        prefix: tuple[str, ...] = (),
        timeout: float = 60,
    ) -> Done:
        begun = time.monotonic()
        done = subprocess.run(
            [*prefix, str(NEXUS), *(str(arg) for arg in args)],
            cwd=cwd or here,
            env={**os.environ, **(env or {})},
            input=stdin or "",
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
        )
        return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)

    return call


@pytest.fixture
def runs(nexus: Nexus) -> Callable[[], list[dict[str, Any]]]:
    """What `nexus runs --json` lists, newest first."""
    return lambda: [json.loads(line) for line in nexus("runs", "--json").out.splitlines()]


@pytest.fixture
def notes(here: Path) -> Path:
    """A short document."""
    path = here / "notes.md"
    path.write_text(
        "# Tides\n\nThe moon pulls at the sea. The water rises on the near side. It rises on the far side as well. "
        "The earth turns below both bulges. So most coasts see two high tides a day.\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def clip() -> Path:
    """The recording that ships with the examples."""
    return ROOT / "examples" / "reference.wav"


@pytest.fixture
def server() -> Iterator[Any]:
    """An OpenAI-compatible server whose `mode` says how it misbehaves; healthy at first."""
    with fake_server.FakeServer() as running:
        yield running


@pytest.fixture
def on_server(here: Path, server: Any) -> Any:
    """The same server, named as the default model by an agents.yaml in the folder of the commands."""
    (here / "agents.yaml").write_text(
        "default_model: fake\nretries: 2\nmodels:\n"
        f"  fake:\n    model: openai:fake\n    base_url: {server.url}\n    timeout: 1\n",
        encoding="utf-8",
    )
    return server


# Root writes anywhere; without these two capabilities it is bound by the mode of a file like anybody else.
DROP = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    if libc.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
        sys.exit("cannot drop a capability")
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def as_a_user(tmp_path: Path) -> tuple[str, ...]:
    """The beginning of a command line under which read-only folders are read-only, for root too."""
    if os.geteuid() != 0:
        return ()
    prefix = (sys.executable, "-c", DROP)
    (tmp_path / "locked").mkdir(mode=0o555)
    probe = subprocess.run([*prefix, "/usr/bin/touch", str(tmp_path / "locked" / "x")], capture_output=True)
    if probe.returncode != 1:
        pytest.skip("this root cannot be kept from writing into a read-only folder")
    return prefix


class Typed(io.StringIO):
    """Standard input at which somebody sits, who has typed all this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def inside(here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Nexus:
    """`inside(*args)` runs the command in this process: a tenth of the time. With `stdin` somebody sits there."""
    from nexus_agents.cli.app import run

    monkeypatch.chdir(here)

    def call(*args: str | Path, stdin: str | None = None) -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO() if stdin is None else Typed(stdin))
        begun = time.monotonic()
        rc = run([str(arg) for arg in args])
        out, err = capfd.readouterr()
        return Done(rc, out, err, time.monotonic() - begun)

    return call


@pytest.fixture
def team(here: Path) -> Callable[..., Path]:
    """Write an agents.yaml whose assistant says what a script says: `team(steps, tools=[...], approvals={...})`."""

    def write(steps: Sequence[Any], *, tools: Sequence[str] = ("write_file", "run_command"), **settings: Any) -> Path:
        (here / "script.json").write_text(json.dumps({"served": "served.jsonl", "roles": {"*": list(steps)}}))
        chosen = {"default_model": "scripted:script.json", "agents": {"assistant": {"tools": list(tools)}}, **settings}
        (here / "agents.yaml").write_text(json.dumps(chosen))
        return here / "served.jsonl"

    return write
