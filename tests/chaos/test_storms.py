"""A real graph in processes that are killed: no finished step is lost, no effect doubled, what is unknown is asked."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def storms(*arguments: str) -> dict[str, Any]:
    """Kill runs, and return what was seen."""
    done = subprocess.run(
        [sys.executable, str(HERE / "storms.py"), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}"},
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of an empty database."""
    path = ROOT / "tests" / "memory" / "postgres_server.py"
    spec = importlib.util.spec_from_file_location("chaos_postgres_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    try:
        with module.find_server() as server, server.database() as url:
            yield url
    except module.NoServer as error:
        pytest.skip(str(error))


def test_killed_at_save_points() -> None:
    seen = storms("--kills", "30", "--seed", "11")
    assert seen["violations"] == []
    assert seen["kills"] >= 30
    assert seen["save points"] >= 20


@pytest.mark.slow
def test_killed_at_random_moments() -> None:
    seen = storms("--kills", "20", "--seed", "12", "--random")
    assert seen["violations"] == []


@pytest.mark.slow
def test_killed_at_save_points_on_postgresql(postgres: str) -> None:
    seen = storms("--kills", "25", "--seed", "13", "--database", postgres)
    assert seen["violations"] == []


@pytest.mark.slow
def test_killed_after_an_effect_that_nobody_wrote_down() -> None:
    seen = storms("--kills", "4", "--seed", "14", "--effects")
    assert seen["violations"] == []
    assert seen["unknown outcomes asked"] >= 4


def test_the_judge_sees_an_effect_that_happens_twice() -> None:
    # The same kills, and tools that say of themselves that they may be called again.
    seen = storms("--kills", "4", "--seed", "14", "--effects", "--careless")
    assert any("happened 2 times" in text for text in seen["violations"])


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_killed_four_hundred_times_at_save_points(seed: int) -> None:
    assert storms("--kills", "400", "--seed", str(seed))["violations"] == []


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_killed_two_hundred_times_at_random_moments() -> None:
    assert storms("--kills", "200", "--seed", "5", "--random")["violations"] == []


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_killed_two_hundred_times_on_postgresql(postgres: str) -> None:
    assert storms("--kills", "200", "--seed", "6", "--database", postgres)["violations"] == []
