"""Each attack at each level of this machine, compared with what docs/sandbox.md promises."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from target import Targets, level_named

from tools.sandbox.promises import COLUMNS, PROMISES

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the full levels are those of Linux")

NOBODY = 65534
BOMBS = ("use_time", "fork_bomb", "memory_bomb", "fill_disk", "fill_unnamed", "outlive", "flood_output")


def promised(column: str, name: str) -> str:
    return PROMISES[name][1][COLUMNS.index(column)]


def kept(outcome: str, promise: str) -> bool:
    # What is ended by the watchdog on one machine a limit of the kernel may block on another.
    return outcome == promise or (promise == "ended" and outcome == "blocked")


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    made = Targets(tmp_path_factory.mktemp("targets"))
    yield made
    made.close()


@pytest.mark.parametrize("name", PROMISES)
@pytest.mark.parametrize("column", COLUMNS)
async def test_attack(column: str, name: str, targets: Targets) -> None:
    level = level_named(column)
    if level is None:
        pytest.skip(f"this machine does not have the level {column}")
    if column == "floor" and name == "read_shadow" and not os.access("/etc/shadow", os.R_OK):
        pytest.skip("this user may not read /etc/shadow anyway")
    if column == "floor" and name == "change_python" and not os.access(os.__file__, os.W_OK):
        pytest.skip("this user may not change this Python anyway")
    outcome = await targets.outcome(name, level)
    assert kept(outcome, promised(column, name)), f"{name} is {outcome} at {column}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_full_levels_hold_for_a_user_without_rights() -> None:
    python = _python_for_everybody()
    if python is None:
        pytest.skip("there is no Python here that another user may run")
    folder = Path(tempfile.mkdtemp(prefix="nexus-test-"))
    shutil.chown(folder, NOBODY, NOBODY)
    # Bombs meet the same limits: their columns above are those of root, for whom the kernel counts less.
    names = [name for name in PROMISES if name not in (*BOMBS, "read_shadow")]
    columns = ",".join(column for column in COLUMNS if column != "floor")
    try:
        done = subprocess.run(
            [python, str(Path(__file__).with_name("target.py")), str(folder), columns, ",".join(names)],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    if not found:
        pytest.skip("this machine has no full level for a user without rights")
    broken = {
        f"{column}: {name}": outcome
        for column, outcomes in found.items()
        for name, outcome in outcomes.items()
        if not kept(outcome, promised(column, name))
    }
    assert not broken


def _python_for_everybody() -> str | None:
    """This Python, or that of the system where it is the same version and another user may not enter this one's."""
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, system):
        # Not that the file is there: that it runs.
        with_packages = {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
        try:
            done = subprocess.run(
                [python, "-c", "import pydantic"],
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                env=with_packages,
                cwd="/",
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return None
